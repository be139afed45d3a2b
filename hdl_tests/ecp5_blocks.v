// Block RAM and multiplier of the ECP5 as far as Yosys uses them, which has no models of them. Sources: Lattice
// FPGA-TN-02204 (sysMEM) and FPGA-TN-02205 (sysDSP). What is not modelled ends the simulation.
`default_nettype none

// One memory, two ports. A word of 18 or 36 bits is two or four of 9; a narrower one lies in the low eight bits of a slot
// of 9. Where a port has 36 bits, A writes and B reads, by the data pins of both: B's are the high half.
module DP16KD #(
    parameter DATA_WIDTH_A = 18,
    parameter DATA_WIDTH_B = 18,
    parameter REGMODE_A = "NOREG",
    parameter REGMODE_B = "NOREG",
    parameter RESETMODE = "SYNC",
    parameter ASYNC_RESET_RELEASE = "SYNC",
    parameter CSDECODE_A = "0b000",
    parameter CSDECODE_B = "0b000",
    parameter WRITEMODE_A = "READBEFOREWRITE",
    parameter WRITEMODE_B = "READBEFOREWRITE",
    parameter CLKAMUX = "CLKA",
    parameter CLKBMUX = "CLKB",
    parameter GSR = "DISABLED",
    parameter [319:0] INITVAL_00 = 320'd0, parameter [319:0] INITVAL_01 = 320'd0, parameter [319:0] INITVAL_02 =
    320'd0, parameter [319:0] INITVAL_03 = 320'd0, parameter [319:0] INITVAL_04 = 320'd0, parameter [319:0]
    INITVAL_05 = 320'd0, parameter [319:0] INITVAL_06 = 320'd0, parameter [319:0] INITVAL_07 = 320'd0, parameter
    [319:0] INITVAL_08 = 320'd0, parameter [319:0] INITVAL_09 = 320'd0, parameter [319:0] INITVAL_0A = 320'd0,
    parameter [319:0] INITVAL_0B = 320'd0, parameter [319:0] INITVAL_0C = 320'd0, parameter [319:0] INITVAL_0D =
    320'd0, parameter [319:0] INITVAL_0E = 320'd0, parameter [319:0] INITVAL_0F = 320'd0, parameter [319:0]
    INITVAL_10 = 320'd0, parameter [319:0] INITVAL_11 = 320'd0, parameter [319:0] INITVAL_12 = 320'd0, parameter
    [319:0] INITVAL_13 = 320'd0, parameter [319:0] INITVAL_14 = 320'd0, parameter [319:0] INITVAL_15 = 320'd0,
    parameter [319:0] INITVAL_16 = 320'd0, parameter [319:0] INITVAL_17 = 320'd0, parameter [319:0] INITVAL_18 =
    320'd0, parameter [319:0] INITVAL_19 = 320'd0, parameter [319:0] INITVAL_1A = 320'd0, parameter [319:0]
    INITVAL_1B = 320'd0, parameter [319:0] INITVAL_1C = 320'd0, parameter [319:0] INITVAL_1D = 320'd0, parameter
    [319:0] INITVAL_1E = 320'd0, parameter [319:0] INITVAL_1F = 320'd0, parameter [319:0] INITVAL_20 = 320'd0,
    parameter [319:0] INITVAL_21 = 320'd0, parameter [319:0] INITVAL_22 = 320'd0, parameter [319:0] INITVAL_23 =
    320'd0, parameter [319:0] INITVAL_24 = 320'd0, parameter [319:0] INITVAL_25 = 320'd0, parameter [319:0]
    INITVAL_26 = 320'd0, parameter [319:0] INITVAL_27 = 320'd0, parameter [319:0] INITVAL_28 = 320'd0, parameter
    [319:0] INITVAL_29 = 320'd0, parameter [319:0] INITVAL_2A = 320'd0, parameter [319:0] INITVAL_2B = 320'd0,
    parameter [319:0] INITVAL_2C = 320'd0, parameter [319:0] INITVAL_2D = 320'd0, parameter [319:0] INITVAL_2E =
    320'd0, parameter [319:0] INITVAL_2F = 320'd0, parameter [319:0] INITVAL_30 = 320'd0, parameter [319:0]
    INITVAL_31 = 320'd0, parameter [319:0] INITVAL_32 = 320'd0, parameter [319:0] INITVAL_33 = 320'd0, parameter
    [319:0] INITVAL_34 = 320'd0, parameter [319:0] INITVAL_35 = 320'd0, parameter [319:0] INITVAL_36 = 320'd0,
    parameter [319:0] INITVAL_37 = 320'd0, parameter [319:0] INITVAL_38 = 320'd0, parameter [319:0] INITVAL_39 =
    320'd0, parameter [319:0] INITVAL_3A = 320'd0, parameter [319:0] INITVAL_3B = 320'd0, parameter [319:0]
    INITVAL_3C = 320'd0, parameter [319:0] INITVAL_3D = 320'd0, parameter [319:0] INITVAL_3E = 320'd0, parameter
    [319:0] INITVAL_3F = 320'd0
) (
    input wire CLKA, CEA, OCEA, RSTA, WEA, CSA0, CSA1, CSA2,
    input wire ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    input wire DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3,
    DIA2, DIA1, DIA0,
    output wire DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4,
    DOA3, DOA2, DOA1, DOA0,
    input wire CLKB, CEB, OCEB, RSTB, WEB, CSB0, CSB1, CSB2,
    input wire ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    input wire DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3,
    DIB2, DIB1, DIB0,
    output wire DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4,
    DOB3, DOB2, DOB1, DOB0
);
    localparam DOUBLE = DATA_WIDTH_A == 36 || DATA_WIDTH_B == 36;
    wire [20479:0] contents = {
        INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
        INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
        INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
        INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
        INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
        INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
        INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
        INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00
    };
    reg [8:0] slots [0:2047];
    wire [13:0] ada = {
        ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0
    };
    wire [13:0] adb = {
        ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0
    };
    wire [17:0] dia = {
        DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3,
        DIA2, DIA1, DIA0
    };
    wire [17:0] dib = {
        DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3,
        DIB2, DIB1, DIB0
    };
    wire [35:0] given_a = {dib, dia};
    wire [35:0] given_b = {18'd0, dib};
    localparam NARROW_A = DATA_WIDTH_A < 9 ? DATA_WIDTH_A : 9;
    localparam NARROW_B = DATA_WIDTH_B < 9 ? DATA_WIDTH_B : 9;
    wire [2:0] part_a = ada[2:0] & -DATA_WIDTH_A;
    wire [2:0] part_b = adb[2:0] & -DATA_WIDTH_B;
    wire [10:0] first_a = ada[13:3] & -(DATA_WIDTH_A / 9);
    wire [10:0] first_b = adb[13:3] & -(DATA_WIDTH_B / 9);
    reg [35:0] read_a, read_b, kept_a, kept_b;
    wire [35:0] out_a = REGMODE_A == "OUTREG" ? kept_a : read_a;
    wire [35:0] out_b = REGMODE_B == "OUTREG" ? kept_b : read_b;
    assign {
        DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3,
        DOA2, DOA1, DOA0
    } = DATA_WIDTH_B == 36 ? out_b[17:0] : out_a[17:0];
    assign {
        DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3,
        DOB2, DOB1, DOB0
    } = DATA_WIDTH_B == 36 ? out_b[35:18] : out_b[17:0];

    integer i;
    initial begin
        if (CLKAMUX != "CLKA" || CLKBMUX != "CLKB" || GSR != "DISABLED" || CSDECODE_A != "0b000" || CSDECODE_B != "0b000"
            || WRITEMODE_A != "READBEFOREWRITE" || WRITEMODE_B != "READBEFOREWRITE"
            || (REGMODE_A != "NOREG" && REGMODE_A != "OUTREG") || (REGMODE_B != "NOREG" && REGMODE_B != "OUTREG")
            || (DOUBLE && REGMODE_A != REGMODE_B)) begin
            $display("%m: a mode that is not modelled");
            $finish;
        end
        {read_a, read_b, kept_a, kept_b} = 144'd0;
        #0 for (i = 0; i < 2048; i = i + 1)
            slots[i] = contents[i / 2 * 20 + i % 2 * 9 +: 9];
    end

    always @(posedge CLKA) begin : port_a
        integer slot;
        if (OCEA)
            kept_a <= read_a;
        if (CEA && {CSA2, CSA1, CSA0} == 3'd0) begin
            if (DATA_WIDTH_A < 9) begin
                read_a <= slots[ada[13:3]] >> part_a;
                if (WEA)
                    slots[ada[13:3]][part_a +: NARROW_A] <= given_a[NARROW_A-1:0];
            end else
                for (slot = 0; slot < DATA_WIDTH_A / 9; slot = slot + 1) begin
                    read_a[9*slot +: 9] <= slots[first_a + slot];
                    if (WEA && (DATA_WIDTH_A == 9 || ada[slot]))
                        slots[first_a + slot] <= given_a[9*slot +: 9];
                end
        end
        if (RSTA) begin
            read_a <= 36'd0;
            kept_a <= 36'd0;
        end
    end
    always @(posedge CLKB) begin : port_b
        integer slot;
        if (OCEB)
            kept_b <= read_b;
        if (CEB && {CSB2, CSB1, CSB0} == 3'd0) begin
            if (DATA_WIDTH_B < 9) begin
                read_b <= slots[adb[13:3]] >> part_b;
                if (WEB)
                    slots[adb[13:3]][part_b +: NARROW_B] <= given_b[NARROW_B-1:0];
            end else
                for (slot = 0; slot < DATA_WIDTH_B / 9; slot = slot + 1) begin
                    read_b[9*slot +: 9] <= slots[first_b + slot];
                    if (WEB && (DATA_WIDTH_B == 9 || adb[slot]))
                        slots[first_b + slot] <= given_b[9*slot +: 9];
                end
        end
        if (RSTB) begin
            read_b <= 36'd0;
            kept_b <= 36'd0;
        end
    end
endmodule

// A product of 18 by 18 bits, signed or not, with or without registers at factors and product.
module MULT18X18D #(
    parameter REG_INPUTA_CLK = "NONE",
    parameter REG_INPUTA_CE = "CE0",
    parameter REG_INPUTA_RST = "RST0",
    parameter REG_INPUTB_CLK = "NONE",
    parameter REG_INPUTB_CE = "CE0",
    parameter REG_INPUTB_RST = "RST0",
    parameter REG_OUTPUT_CLK = "NONE",
    parameter REG_OUTPUT_CE = "CE0",
    parameter REG_OUTPUT_RST = "RST0"
) (
    input wire CLK0, CE0, RST0, SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
    input wire A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
    input wire B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
    input wire C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
    output wire P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17,
    P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
    wire [17:0] given_a = {
        A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0
    };
    wire [17:0] given_b = {
        B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0
    };
    reg [17:0] kept_a = 18'd0;
    reg [17:0] kept_b = 18'd0;
    wire [17:0] factor_a = REG_INPUTA_CLK == "NONE" ? given_a : kept_a;
    wire [17:0] factor_b = REG_INPUTB_CLK == "NONE" ? given_b : kept_b;
    wire signed [18:0] wide_a = {SIGNEDA & factor_a[17], factor_a};
    wire signed [18:0] wide_b = {SIGNEDB & factor_b[17], factor_b};
    wire signed [37:0] product = wide_a * wide_b;
    reg [35:0] kept = 36'd0;
    assign {
        P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16,
        P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
    } = REG_OUTPUT_CLK == "NONE" ? product[35:0] : kept;
    always @(posedge CLK0)
        if (RST0) begin
            kept <= 36'd0;
            kept_a <= 18'd0;
            kept_b <= 18'd0;
        end else if (CE0) begin
            kept <= product[35:0];
            kept_a <= given_a;
            kept_b <= given_b;
        end
    initial
        if ((REG_INPUTA_CLK != "NONE"
            && {REG_INPUTA_CLK, REG_INPUTA_CE, REG_INPUTA_RST} != {"CLK0", "CE0", "RST0"})
            || (REG_INPUTB_CLK != "NONE"
            && {REG_INPUTB_CLK, REG_INPUTB_CE, REG_INPUTB_RST} != {"CLK0", "CE0", "RST0"})) begin
            $display("%m: a mode that is not modelled");
            $finish;
        end
    initial
        if (REG_OUTPUT_CLK != "NONE" && {REG_OUTPUT_CLK, REG_OUTPUT_CE, REG_OUTPUT_RST} != {"CLK0", "CE0", "RST0"}) begin
            $display("%m: a mode that is not modelled");
            $finish;
        end
endmodule
`default_nettype wire
