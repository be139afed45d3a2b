// Block RAMs and multipliers of Gowin's parts as far as Yosys uses them, which has no models of them. Sources: Gowin UG285
// (block RAM) and UG287 (DSP). What is not modelled ends the simulation.
`default_nettype none

// What a memory holds first, in 64 parts.
`define INITIAL(BITS) \
    parameter [BITS-1:0] INIT_RAM_00 = 0, parameter [BITS-1:0] INIT_RAM_01 = 0, parameter [BITS-1:0] INIT_RAM_02 = 0, \
    parameter [BITS-1:0] INIT_RAM_03 = 0, parameter [BITS-1:0] INIT_RAM_04 = 0, parameter [BITS-1:0] INIT_RAM_05 = 0, \
    parameter [BITS-1:0] INIT_RAM_06 = 0, parameter [BITS-1:0] INIT_RAM_07 = 0, parameter [BITS-1:0] INIT_RAM_08 = 0, \
    parameter [BITS-1:0] INIT_RAM_09 = 0, parameter [BITS-1:0] INIT_RAM_0A = 0, parameter [BITS-1:0] INIT_RAM_0B = 0, \
    parameter [BITS-1:0] INIT_RAM_0C = 0, parameter [BITS-1:0] INIT_RAM_0D = 0, parameter [BITS-1:0] INIT_RAM_0E = 0, \
    parameter [BITS-1:0] INIT_RAM_0F = 0, parameter [BITS-1:0] INIT_RAM_10 = 0, parameter [BITS-1:0] INIT_RAM_11 = 0, \
    parameter [BITS-1:0] INIT_RAM_12 = 0, parameter [BITS-1:0] INIT_RAM_13 = 0, parameter [BITS-1:0] INIT_RAM_14 = 0, \
    parameter [BITS-1:0] INIT_RAM_15 = 0, parameter [BITS-1:0] INIT_RAM_16 = 0, parameter [BITS-1:0] INIT_RAM_17 = 0, \
    parameter [BITS-1:0] INIT_RAM_18 = 0, parameter [BITS-1:0] INIT_RAM_19 = 0, parameter [BITS-1:0] INIT_RAM_1A = 0, \
    parameter [BITS-1:0] INIT_RAM_1B = 0, parameter [BITS-1:0] INIT_RAM_1C = 0, parameter [BITS-1:0] INIT_RAM_1D = 0, \
    parameter [BITS-1:0] INIT_RAM_1E = 0, parameter [BITS-1:0] INIT_RAM_1F = 0, parameter [BITS-1:0] INIT_RAM_20 = 0, \
    parameter [BITS-1:0] INIT_RAM_21 = 0, parameter [BITS-1:0] INIT_RAM_22 = 0, parameter [BITS-1:0] INIT_RAM_23 = 0, \
    parameter [BITS-1:0] INIT_RAM_24 = 0, parameter [BITS-1:0] INIT_RAM_25 = 0, parameter [BITS-1:0] INIT_RAM_26 = 0, \
    parameter [BITS-1:0] INIT_RAM_27 = 0, parameter [BITS-1:0] INIT_RAM_28 = 0, parameter [BITS-1:0] INIT_RAM_29 = 0, \
    parameter [BITS-1:0] INIT_RAM_2A = 0, parameter [BITS-1:0] INIT_RAM_2B = 0, parameter [BITS-1:0] INIT_RAM_2C = 0, \
    parameter [BITS-1:0] INIT_RAM_2D = 0, parameter [BITS-1:0] INIT_RAM_2E = 0, parameter [BITS-1:0] INIT_RAM_2F = 0, \
    parameter [BITS-1:0] INIT_RAM_30 = 0, parameter [BITS-1:0] INIT_RAM_31 = 0, parameter [BITS-1:0] INIT_RAM_32 = 0, \
    parameter [BITS-1:0] INIT_RAM_33 = 0, parameter [BITS-1:0] INIT_RAM_34 = 0, parameter [BITS-1:0] INIT_RAM_35 = 0, \
    parameter [BITS-1:0] INIT_RAM_36 = 0, parameter [BITS-1:0] INIT_RAM_37 = 0, parameter [BITS-1:0] INIT_RAM_38 = 0, \
    parameter [BITS-1:0] INIT_RAM_39 = 0, parameter [BITS-1:0] INIT_RAM_3A = 0, parameter [BITS-1:0] INIT_RAM_3B = 0, \
    parameter [BITS-1:0] INIT_RAM_3C = 0, parameter [BITS-1:0] INIT_RAM_3D = 0, parameter [BITS-1:0] INIT_RAM_3E = 0, \
    parameter [BITS-1:0] INIT_RAM_3F = 0
`define CONTENTS { \
    INIT_RAM_3F, INIT_RAM_3E, INIT_RAM_3D, INIT_RAM_3C, INIT_RAM_3B, INIT_RAM_3A, INIT_RAM_39, INIT_RAM_38, \
    INIT_RAM_37, INIT_RAM_36, INIT_RAM_35, INIT_RAM_34, INIT_RAM_33, INIT_RAM_32, INIT_RAM_31, INIT_RAM_30, \
    INIT_RAM_2F, INIT_RAM_2E, INIT_RAM_2D, INIT_RAM_2C, INIT_RAM_2B, INIT_RAM_2A, INIT_RAM_29, INIT_RAM_28, \
    INIT_RAM_27, INIT_RAM_26, INIT_RAM_25, INIT_RAM_24, INIT_RAM_23, INIT_RAM_22, INIT_RAM_21, INIT_RAM_20, \
    INIT_RAM_1F, INIT_RAM_1E, INIT_RAM_1D, INIT_RAM_1C, INIT_RAM_1B, INIT_RAM_1A, INIT_RAM_19, INIT_RAM_18, \
    INIT_RAM_17, INIT_RAM_16, INIT_RAM_15, INIT_RAM_14, INIT_RAM_13, INIT_RAM_12, INIT_RAM_11, INIT_RAM_10, \
    INIT_RAM_0F, INIT_RAM_0E, INIT_RAM_0D, INIT_RAM_0C, INIT_RAM_0B, INIT_RAM_0A, INIT_RAM_09, INIT_RAM_08, \
    INIT_RAM_07, INIT_RAM_06, INIT_RAM_05, INIT_RAM_04, INIT_RAM_03, INIT_RAM_02, INIT_RAM_01, INIT_RAM_00}

// 2,048 slots of SLOT bits, one port that writes and one that reads. A wider word is two or four slots, each with an enable
// in the low bits of the writing address; a narrower one is a part of a slot.
module gowin_memory #(
    parameter SLOT = 8,
    parameter WRITE_WIDTH = 8,
    parameter READ_WIDTH = 8,
    parameter MODELLED = 1,
    parameter [2048*SLOT-1:0] CONTENTS = {2048*SLOT{1'b0}}
) (
    input wire write_clk, write,
    input wire [13:0] write_address,
    input wire [4*SLOT-1:0] given,
    input wire read_clk, read, reset,
    input wire [13:0] read_address,
    output reg [4*SLOT-1:0] taken
);
    localparam NARROW = WRITE_WIDTH < SLOT ? WRITE_WIDTH : SLOT;
    reg [SLOT-1:0] slots [0:2047];
    wire [2:0] write_part = write_address[2:0] & -WRITE_WIDTH;
    wire [2:0] read_part = read_address[2:0] & -READ_WIDTH;
    wire [10:0] first_written = write_address[13:3] & -(WRITE_WIDTH / SLOT);
    wire [10:0] first_read = read_address[13:3] & -(READ_WIDTH / SLOT);
    integer i;
    initial begin
        if (!MODELLED) begin
            $display("%m: a mode that is not modelled");
            $finish;
        end
        taken = {4*SLOT{1'b0}};
        for (i = 0; i < 2048; i = i + 1)
            slots[i] = CONTENTS[i * SLOT +: SLOT];
    end
    always @(posedge write_clk) begin : writing
        integer slot;
        if (write)
            if (WRITE_WIDTH < SLOT)
                slots[write_address[13:3]][write_part +: NARROW] <= given[NARROW-1:0];
            else
                for (slot = 0; slot < WRITE_WIDTH / SLOT; slot = slot + 1)
                    if (WRITE_WIDTH == SLOT || write_address[slot])
                        slots[first_written + slot] <= given[SLOT*slot +: SLOT];
    end
    always @(posedge read_clk) begin : reading
        integer slot;
        if (reset) begin
            $display("%m: a reset, which is not modelled");
            $finish;
        end
        if (read)
            if (READ_WIDTH < SLOT)
                taken <= slots[read_address[13:3]] >> read_part;
            else
                for (slot = 0; slot < READ_WIDTH / SLOT; slot = slot + 1)
                    taken[SLOT*slot +: SLOT] <= slots[first_read + slot];
    end
endmodule

module SDPB #(
    parameter READ_MODE = 1'b0,
    parameter BIT_WIDTH_0 = 32,
    parameter BIT_WIDTH_1 = 32,
    parameter BLK_SEL_0 = 3'b000,
    parameter BLK_SEL_1 = 3'b000,
    parameter RESET_MODE = "SYNC",
    `INITIAL(256)
) (
    input wire CLKA, CEA, RESETA, CLKB, CEB, OCE, RESETB,
    input wire [2:0] BLKSELA, BLKSELB,
    input wire [13:0] ADA, ADB,
    input wire [31:0] DI,
    output wire [31:0] DO
);
    gowin_memory #(
        .SLOT(8), .WRITE_WIDTH(BIT_WIDTH_0), .READ_WIDTH(BIT_WIDTH_1),
        .MODELLED(!READ_MODE && BLK_SEL_0 == 3'd0 && BLK_SEL_1 == 3'd0), .CONTENTS(`CONTENTS)
    ) memory (
        CLKA, CEA && BLKSELA == 3'd0, ADA, DI, CLKB, CEB && BLKSELB == 3'd0, RESETB, ADB, DO
    );
endmodule

module SDPX9B #(
    parameter READ_MODE = 1'b0,
    parameter BIT_WIDTH_0 = 36,
    parameter BIT_WIDTH_1 = 36,
    parameter BLK_SEL_0 = 3'b000,
    parameter BLK_SEL_1 = 3'b000,
    parameter RESET_MODE = "SYNC",
    `INITIAL(288)
) (
    input wire CLKA, CEA, RESETA, CLKB, CEB, OCE, RESETB,
    input wire [2:0] BLKSELA, BLKSELB,
    input wire [13:0] ADA, ADB,
    input wire [35:0] DI,
    output wire [35:0] DO
);
    gowin_memory #(
        .SLOT(9), .WRITE_WIDTH(BIT_WIDTH_0), .READ_WIDTH(BIT_WIDTH_1),
        .MODELLED(!READ_MODE && BLK_SEL_0 == 3'd0 && BLK_SEL_1 == 3'd0), .CONTENTS(`CONTENTS)
    ) memory (
        CLKA, CEA && BLKSELA == 3'd0, ADA, DI, CLKB, CEB && BLKSELB == 3'd0, RESETB, ADB, DO
    );
endmodule

// One port; here as it is used for memories that nothing writes.
module SP #(
    parameter READ_MODE = 1'b0,
    parameter WRITE_MODE = 2'b00,
    parameter BIT_WIDTH = 32,
    parameter BLK_SEL = 3'b000,
    parameter RESET_MODE = "SYNC",
    `INITIAL(256)
) (
    input wire CLK, CE, OCE, RESET, WRE,
    input wire [2:0] BLKSEL,
    input wire [13:0] AD,
    input wire [31:0] DI,
    output wire [31:0] DO
);
    gowin_memory #(
        .SLOT(8), .WRITE_WIDTH(BIT_WIDTH), .READ_WIDTH(BIT_WIDTH),
        .MODELLED(!READ_MODE && BLK_SEL == 3'd0), .CONTENTS(`CONTENTS)
    ) memory (
        CLK, CE && WRE && BLKSEL == 3'd0, AD, DI, CLK, CE && !WRE && BLKSEL == 3'd0, RESET, AD, DO
    );
endmodule

// One port; here as it is used for memories that nothing writes.
module SPX9 #(
    parameter READ_MODE = 1'b0,
    parameter WRITE_MODE = 2'b00,
    parameter BIT_WIDTH = 36,
    parameter BLK_SEL = 3'b000,
    parameter RESET_MODE = "SYNC",
    `INITIAL(288)
) (
    input wire CLK, CE, OCE, RESET, WRE,
    input wire [2:0] BLKSEL,
    input wire [13:0] AD,
    input wire [35:0] DI,
    output wire [35:0] DO
);
    gowin_memory #(
        .SLOT(9), .WRITE_WIDTH(BIT_WIDTH), .READ_WIDTH(BIT_WIDTH),
        .MODELLED(!READ_MODE && BLK_SEL == 3'd0), .CONTENTS(`CONTENTS)
    ) memory (
        CLK, CE && WRE && BLKSEL == 3'd0, AD, DI, CLK, CE && !WRE && BLKSEL == 3'd0, RESET, AD, DO
    );
endmodule

module MULT9X9 (
    input wire CLK, CE, RESET, ASIGN, BSIGN, ASEL, BSEL,
    input wire [8:0] A, B, SIA, SIB,
    output wire [17:0] DOUT
);
    wire signed [9:0] wide_a = {ASIGN & A[8], A};
    wire signed [9:0] wide_b = {BSIGN & B[8], B};
    wire signed [19:0] product = wide_a * wide_b;
    assign DOUT = product[17:0];
endmodule

module MULT18X18 (
    input wire CLK, CE, RESET, ASIGN, BSIGN, ASEL, BSEL,
    input wire [17:0] A, B, SIA, SIB,
    output wire [35:0] DOUT
);
    wire signed [18:0] wide_a = {ASIGN & A[17], A};
    wire signed [18:0] wide_b = {BSIGN & B[17], B};
    wire signed [37:0] product = wide_a * wide_b;
    assign DOUT = product[35:0];
endmodule
`default_nettype wire
