// Block RAMs of AMD's series 7 and UltraScale+, and the multiplier of the latter, as far as Yosys uses them, which has no
// models of them. Sources: AMD UG473 and UG573 (block RAM), UG579 (DSP). What is not modelled ends the simulation.
`default_nettype none

// What a memory holds first: parameters by sixteen, and their values in a row.
`define SIXTEEN(G) \
    parameter [255:0] G``0 = 0, parameter [255:0] G``1 = 0, parameter [255:0] G``2 = 0, parameter [255:0] G``3 = 0, \
    parameter [255:0] G``4 = 0, parameter [255:0] G``5 = 0, parameter [255:0] G``6 = 0, parameter [255:0] G``7 = 0, \
    parameter [255:0] G``8 = 0, parameter [255:0] G``9 = 0, parameter [255:0] G``A = 0, parameter [255:0] G``B = 0, \
    parameter [255:0] G``C = 0, parameter [255:0] G``D = 0, parameter [255:0] G``E = 0, parameter [255:0] G``F = 0
`define JOINED(G) {G``F, G``E, G``D, G``C, G``B, G``A, G``9, G``8, G``7, G``6, G``5, G``4, G``3, G``2, G``1, G``0}

// Port A reads and port B writes: the only way in which memories with one port of each kind, and those that are never
// written, are laid out. A byte of data has a bit of parity; a word is some bytes, or a part of one byte's data.
module amd_memory #(
    parameter BYTES = 4096,
    parameter READ_WIDTH = 9,
    parameter WRITE_WIDTH = 9,
    parameter MODELLED = 1,
    parameter READ_FIRST = 1,
    parameter [8*BYTES-1:0] DATA = 0,
    parameter [BYTES-1:0] PARITY = 0
) (
    input wire read_clk, read, reset, write_clk, write,
    input wire [14:0] read_address, write_address,  // of bits
    input wire [7:0] enabled, given_parity,
    input wire [63:0] given,
    output reg [7:0] taken_parity,
    output reg [63:0] taken
);
    localparam READ_BYTES = READ_WIDTH / 9;
    localparam WRITE_BYTES = WRITE_WIDTH / 9;
    localparam NARROW = WRITE_WIDTH > 0 && WRITE_WIDTH < 8 ? WRITE_WIDTH : 8;
    reg [8:0] bytes [0:BYTES-1];
    wire [11:0] read_from = READ_BYTES > 0 ? read_address[14:3] & -READ_BYTES : read_address[14:3];
    wire [11:0] write_from = WRITE_BYTES > 0 ? write_address[14:3] & -WRITE_BYTES : write_address[14:3];
    integer i;
    initial begin
        if (!MODELLED) begin
            $display("%m: a mode that is not modelled");
            $finish;
        end
        taken = 0;
        taken_parity = 0;
        for (i = 0; i < BYTES; i = i + 1)
            bytes[i] = {PARITY[i], DATA[8*i +: 8]};
    end
    always @(posedge write_clk) begin : writing
        integer part;
        if (write && WRITE_WIDTH > 0)
            if (WRITE_BYTES == 0) begin
                if (enabled[0])
                    bytes[write_from][write_address[2:0] & -NARROW +: NARROW] <= given[NARROW-1:0];
            end else
                for (part = 0; part < WRITE_BYTES; part = part + 1)
                    if (enabled[part])
                        bytes[write_from + part] <= {given_parity[part], given[8*part +: 8]};
    end
    // What is read while it is written is the old word in one mode, and anything in the others.
    wire written = !READ_FIRST && write && WRITE_WIDTH > 0 && |enabled
        && write_from < read_from + (READ_BYTES > 0 ? READ_BYTES : 1)
        && read_from < write_from + (WRITE_BYTES > 0 ? WRITE_BYTES : 1);
    always @(posedge read_clk) begin : reading
        integer part;
        if (read && reset) begin
            $display("%m: a reset, which is not modelled");
            $finish;
        end
        if (read && READ_WIDTH > 0)
            if (written) begin
                taken <= 64'bx;
                taken_parity <= 8'bx;
            end else if (READ_BYTES == 0)
                taken <= bytes[read_from][7:0] >> (read_address[2:0] & -READ_WIDTH);
            else
                for (part = 0; part < READ_BYTES; part = part + 1)
                    {taken_parity[part], taken[8*part +: 8]} <= bytes[read_from + part];
    end
endmodule

// Words of twice the ports' width take both ports.
`define MEMORY(SIZE, LINES, CONTENTS, PARITIES, IN_A, INP_A, IN_B, INP_B, OUT_A, OUTP_A, OUT_B, OUTP_B, TOP) \
    wire [7:0] enabled = WEBWE; \
    wire [63:0] taken; \
    wire [7:0] taken_parity; \
    assign {OUT_B, OUT_A} = taken[16*LINES-1:0]; \
    assign {OUTP_B, OUTP_A} = taken_parity[2*LINES-1:0]; \
    amd_memory #( \
        .BYTES(SIZE), .READ_WIDTH(READ_WIDTH_A), .WRITE_WIDTH(WRITE_WIDTH_B), \
        .READ_FIRST(WRITE_MODE_B == "READ_FIRST"), \
        .MODELLED(!DOA_REG && !DOB_REG && !READ_WIDTH_B && !WRITE_WIDTH_A), .DATA(CONTENTS), .PARITY(PARITIES) \
    ) memory ( \
        CLKARDCLK, ENARDEN, RSTRAMARSTRAM, CLKBWRCLK, ENBWREN, \
        ADDRARDADDR[TOP:0], ADDRBWRADDR[TOP:0], enabled, \
        WRITE_WIDTH_B > 9*LINES ? {INP_B, INP_A} : INP_B, WRITE_WIDTH_B > 9*LINES ? {IN_B, IN_A} : IN_B, \
        taken_parity, taken \
    );
`define MODES \
    parameter DOA_REG = 0, parameter DOB_REG = 0, parameter READ_WIDTH_A = 0, parameter READ_WIDTH_B = 0, \
    parameter WRITE_WIDTH_A = 0, parameter WRITE_WIDTH_B = 0, parameter WRITE_MODE_A = "WRITE_FIRST", \
    parameter WRITE_MODE_B = "WRITE_FIRST", parameter SRVAL_A = 0, parameter SRVAL_B = 0, parameter INIT_A = 0, \
    parameter INIT_B = 0
`define CONTENTS_18 \
    `SIXTEEN(INIT_0), `SIXTEEN(INIT_1), `SIXTEEN(INIT_2), `SIXTEEN(INIT_3), \
    parameter [255:0] INITP_00 = 0, parameter [255:0] INITP_01 = 0, parameter [255:0] INITP_02 = 0, \
    parameter [255:0] INITP_03 = 0, parameter [255:0] INITP_04 = 0, parameter [255:0] INITP_05 = 0, \
    parameter [255:0] INITP_06 = 0, parameter [255:0] INITP_07 = 0
`define CONTENTS_36 \
    `SIXTEEN(INIT_0), `SIXTEEN(INIT_1), `SIXTEEN(INIT_2), `SIXTEEN(INIT_3), `SIXTEEN(INIT_4), `SIXTEEN(INIT_5), \
    `SIXTEEN(INIT_6), `SIXTEEN(INIT_7), `SIXTEEN(INITP_0)
`define DATA_18 {`JOINED(INIT_3), `JOINED(INIT_2), `JOINED(INIT_1), `JOINED(INIT_0)}
`define PARITY_18 {INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00}
`define DATA_36 {`JOINED(INIT_7), `JOINED(INIT_6), `JOINED(INIT_5), `JOINED(INIT_4), `DATA_18}
`define CONTROLS \
    input wire CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, REGCEAREGCE, REGCEB, RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB

module RAMB18E1 #(parameter RAM_MODE = "TDP", `MODES, `CONTENTS_18) (
    `CONTROLS,
    input wire [13:0] ADDRARDADDR, ADDRBWRADDR,
    input wire [15:0] DIADI, DIBDI,
    input wire [1:0] DIPADIP, DIPBDIP, WEA,
    input wire [3:0] WEBWE,
    output wire [15:0] DOADO, DOBDO,
    output wire [1:0] DOPADOP, DOPBDOP
);
    `MEMORY(2048, 2, `DATA_18, `PARITY_18, DIADI, DIPADIP, DIBDI, DIPBDIP, DOADO, DOPADOP, DOBDO, DOPBDOP, 13)
endmodule

module RAMB36E1 #(
    parameter RAM_MODE = "TDP", parameter RAM_EXTENSION_A = "NONE", parameter RAM_EXTENSION_B = "NONE",
    `MODES, `CONTENTS_36
) (
    `CONTROLS,
    input wire [15:0] ADDRARDADDR, ADDRBWRADDR,
    input wire [31:0] DIADI, DIBDI,
    input wire [3:0] DIPADIP, DIPBDIP, WEA,
    input wire [7:0] WEBWE,
    output wire [31:0] DOADO, DOBDO,
    output wire [3:0] DOPADOP, DOPBDOP
);
    `MEMORY(4096, 4, `DATA_36, `JOINED(INITP_0), DIADI, DIPADIP, DIBDI, DIPBDIP, DOADO, DOPADOP, DOBDO, DOPBDOP, 14)
endmodule

module RAMB18E2 #(`MODES, `CONTENTS_18) (
    `CONTROLS, ADDRENA, ADDRENB, SLEEP,
    input wire [13:0] ADDRARDADDR, ADDRBWRADDR,
    input wire [15:0] DINADIN, DINBDIN,
    input wire [1:0] DINPADINP, DINPBDINP, WEA,
    input wire [3:0] WEBWE,
    output wire [15:0] DOUTADOUT, DOUTBDOUT,
    output wire [1:0] DOUTPADOUTP, DOUTPBDOUTP
);
    `MEMORY(2048, 2, `DATA_18, `PARITY_18, DINADIN, DINPADINP, DINBDIN, DINPBDINP,
            DOUTADOUT, DOUTPADOUTP, DOUTBDOUT, DOUTPBDOUTP, 13)
endmodule

module RAMB36E2 #(`MODES, `CONTENTS_36) (
    `CONTROLS, ADDRENA, ADDRENB, SLEEP,
    input wire [14:0] ADDRARDADDR, ADDRBWRADDR,
    input wire [31:0] DINADIN, DINBDIN,
    input wire [3:0] DINPADINP, DINPBDINP, WEA,
    input wire [7:0] WEBWE,
    output wire [31:0] DOUTADOUT, DOUTBDOUT,
    output wire [3:0] DOUTPADOUTP, DOUTPBDOUTP
);
    `MEMORY(4096, 4, `DATA_36, `JOINED(INITP_0), DINADIN, DINPADINP, DINBDIN, DINPBDINP,
            DOUTADOUT, DOUTPADOUTP, DOUTBDOUT, DOUTPBDOUTP, 14)
endmodule

// A product without registers, of 27 and 18 bits.
module DSP48E2 #(
    parameter ACASCREG = 1, parameter ADREG = 1, parameter ALUMODEREG = 1, parameter AMULTSEL = "A", parameter AREG = 1,
    parameter A_INPUT = "DIRECT", parameter BCASCREG = 1, parameter BMULTSEL = "B", parameter BREG = 1,
    parameter B_INPUT = "DIRECT", parameter CARRYINREG = 1, parameter CARRYINSELREG = 1, parameter CREG = 1,
    parameter DREG = 1, parameter INMODEREG = 1, parameter MREG = 1, parameter OPMODEREG = 1, parameter PREG = 1,
    parameter USE_MULT = "MULTIPLY", parameter USE_SIMD = "ONE48"
) (
    input wire [29:0] A, ACIN,
    input wire [17:0] B, BCIN,
    input wire [47:0] C, PCIN,
    input wire [26:0] D,
    input wire [3:0] ALUMODE,
    input wire [4:0] INMODE,
    input wire [8:0] OPMODE,
    input wire [2:0] CARRYINSEL,
    input wire CARRYIN,
    output wire [47:0] P
);
    initial
        if (AREG || BREG || MREG || PREG || AMULTSEL != "A" || BMULTSEL != "B" || OPMODE != 9'b000000101
            || ALUMODE != 0 || INMODE != 0 || CARRYIN != 0 || CARRYINSEL != 0) begin
            $display("%m: a mode that is not modelled");
            $finish;
        end
    wire signed [26:0] multiplicand = A[26:0];
    wire signed [17:0] factor = B;
    wire signed [47:0] product = multiplicand * factor;
    assign P = product;
endmodule
`default_nettype wire
