// Layer layer0: affine, 6 to 7, unrolled: a frame a cycle, 4 cycles.
// Input 6 of u8.7; output 7 of s5.2.
// 20 sums of 66 additions in 78 carry chains, 7 behind one another; about 456 look-up tables.
`default_nettype none
module layer_00_layer0 (
    input  wire clk,
    input  wire [47:0] s_data,
    output wire [34:0] m_data
);
    reg [247:0] kept_0;
    reg [183:0] kept_1;
    reg [120:0] kept_2;

    wire [8:0] sum_0;
    fpgaq_chain #(.WIDTH(9), .DIFFERENCE(1)) sum_0_chain (
        .plain({1'b1, s_data[7], s_data[6], s_data[5], s_data[4], s_data[3], s_data[2], s_data[1], s_data[0]}),
        .other({1'b0, ~s_data[15], ~s_data[14], ~s_data[13], ~s_data[12], ~s_data[11], ~s_data[10], ~s_data[9], ~s_data[8]}),
        .carry(1'b1),
        .sum(sum_0)
    );

    wire [8:0] sum_1;
    fpgaq_chain #(.WIDTH(9), .DIFFERENCE(1)) sum_1_chain (
        .plain({1'b1, s_data[31], s_data[30], s_data[29], s_data[28], s_data[27], s_data[26], s_data[25], s_data[24]}),
        .other({1'b0, ~s_data[39], ~s_data[38], ~s_data[37], ~s_data[36], ~s_data[35], ~s_data[34], ~s_data[33], ~s_data[32]}),
        .carry(1'b1),
        .sum(sum_1)
    );

    wire [8:0] sum_2;
    fpgaq_chain #(.WIDTH(9), .DIFFERENCE(1)) sum_2_chain (
        .plain({1'b1, ~s_data[23], ~s_data[22], s_data[23], s_data[22], s_data[21], s_data[20], s_data[19], s_data[18]}),
        .other({1'b0, 1'b0, 1'b0, ~s_data[21], ~s_data[20], ~s_data[19], ~s_data[18], ~s_data[17], ~s_data[16]}),
        .carry(1'b1),
        .sum(sum_2)
    );

    wire [8:0] sum_3;
    fpgaq_chain #(.WIDTH(9), .DIFFERENCE(0)) sum_3_chain (
        .plain({1'b0, s_data[47], s_data[46], s_data[45], s_data[44], s_data[43], s_data[42], s_data[41], s_data[8]}),
        .other({1'b0, s_data[15], s_data[14], s_data[13], s_data[12], s_data[11], s_data[10], s_data[9], 1'b0}),
        .carry(s_data[40]),
        .sum(sum_3)
    );

    wire [8:0] sum_4;
    fpgaq_chain #(.WIDTH(9), .DIFFERENCE(0)) sum_4_chain (
        .plain({1'b0, s_data[39], s_data[38], s_data[37], s_data[36], s_data[35], s_data[34], s_data[33], s_data[24]}),
        .other({1'b0, s_data[31], s_data[30], s_data[29], s_data[28], s_data[27], s_data[26], s_data[25], 1'b0}),
        .carry(s_data[32]),
        .sum(sum_4)
    );

    wire [8:0] sum_5;
    fpgaq_chain #(.WIDTH(9), .DIFFERENCE(1)) sum_5_chain (
        .plain({1'b1, s_data[31], s_data[30], s_data[29], s_data[28], s_data[27], s_data[26], s_data[25], s_data[24]}),
        .other({1'b0, ~s_data[47], ~s_data[46], ~s_data[45], ~s_data[44], ~s_data[43], ~s_data[42], ~s_data[41], ~s_data[40]}),
        .carry(1'b1),
        .sum(sum_5)
    );

    wire [8:0] sum_6;
    fpgaq_chain #(.WIDTH(9), .DIFFERENCE(0)) sum_6_chain (
        .plain({1'b0, s_data[23], s_data[39], s_data[38], s_data[37], s_data[36], s_data[35], s_data[34], s_data[16]}),
        .other({1'b0, 1'b0, s_data[22], s_data[21], s_data[20], s_data[19], s_data[18], s_data[17], 1'b0}),
        .carry(s_data[33]),
        .sum(sum_6)
    );

    wire [8:0] sum_7;
    fpgaq_chain #(.WIDTH(9), .DIFFERENCE(0)) sum_7_chain (
        .plain({1'b0, s_data[7], s_data[6], s_data[5], s_data[4], s_data[3], s_data[2], s_data[1], s_data[2]}),
        .other({1'b0, 1'b0, 1'b0, s_data[7], s_data[6], s_data[5], s_data[4], s_data[3], 1'b0}),
        .carry(s_data[0]),
        .sum(sum_7)
    );

    wire [1:0] sum_8_count_6;
    fpgaq_count3 sum_8_count_6_cell (.bits({1'b1, s_data[47], ~sum_0[8]}), .count(sum_8_count_6));
    wire [9:0] sum_8;
    fpgaq_chain #(.WIDTH(10), .DIFFERENCE(1)) sum_8_chain (
        .plain({1'b1, 1'b1, 1'b0, sum_0[7], sum_0[6], sum_0[5], sum_0[4], sum_0[3], sum_0[2], s_data[40]}),
        .other({
            1'b0, sum_8_count_6[1], sum_8_count_6[0], s_data[46], s_data[45], s_data[44], s_data[43], s_data[42], s_data[41],
            1'b0
        }),
        .carry(sum_0[1]),
        .sum(sum_8)
    );

    wire [2:0] sum_9_count_5;
    fpgaq_count3_2 sum_9_count_5_cell (.bits({1'b1, s_data[23], 1'b1, s_data[22], ~sum_2[8]}), .count(sum_9_count_5));
    wire [7:0] sum_9;
    fpgaq_chain #(.WIDTH(8), .DIFFERENCE(1)) sum_9_chain (
        .plain({1'b0, 1'b0, sum_2[7], sum_2[6], sum_2[5], sum_2[4], sum_2[3], s_data[16]}),
        .other({sum_9_count_5[1], sum_9_count_5[0], s_data[21], s_data[20], s_data[19], s_data[18], s_data[17], 1'b0}),
        .carry(sum_2[2]),
        .sum(sum_9)
    );

    wire [9:0] sum_10;
    fpgaq_chain #(.WIDTH(10), .DIFFERENCE(0)) sum_10_chain (
        .plain({1'b0, sum_4[8], sum_4[7], sum_4[6], sum_4[5], sum_4[4], sum_4[3], sum_4[2], sum_4[1], s_data[40]}),
        .other({1'b0, 1'b0, s_data[47], s_data[46], s_data[45], s_data[44], s_data[43], s_data[42], s_data[41], 1'b0}),
        .carry(sum_4[0]),
        .sum(sum_10)
    );

    wire [8:0] sum_11;
    fpgaq_chain #(.WIDTH(9), .DIFFERENCE(0)) sum_11_chain (
        .plain({1'b0, s_data[23], s_data[22], s_data[21], s_data[20], s_data[19], s_data[18], s_data[17], s_data[9]}),
        .other({1'b0, 1'b0, s_data[15], s_data[14], s_data[13], s_data[12], s_data[11], s_data[10], 1'b0}),
        .carry(s_data[16]),
        .sum(sum_11)
    );

    wire [8:0] sum_12;
    fpgaq_chain #(.WIDTH(9), .DIFFERENCE(0)) sum_12_chain (
        .plain({1'b0, s_data[31], s_data[39], s_data[38], s_data[37], s_data[36], s_data[35], s_data[34], s_data[24]}),
        .other({1'b0, 1'b0, s_data[30], s_data[29], s_data[28], s_data[27], s_data[26], s_data[25], 1'b0}),
        .carry(s_data[33]),
        .sum(sum_12)
    );

    wire [2:0] sum_13_count_0;
    fpgaq_count3_2 sum_13_count_0_cell (.bits({s_data[11], ~s_data[23], s_data[44], s_data[10], ~s_data[22]}), .count(sum_13_count_0));
    wire [3:0] sum_13;
    fpgaq_chain #(.WIDTH(4), .DIFFERENCE(1)) sum_13_chain (
        .plain({1'b0, s_data[12], s_data[45], 1'b0}),
        .other({1'b0, sum_13_count_0[2], sum_13_count_0[1], sum_13_count_0[0]}),
        .carry(1'b0),
        .sum(sum_13)
    );

    wire [2:0] sum_14_count_0;
    fpgaq_count3_2 sum_14_count_0_cell (.bits({sum_0[0], sum_13[0], s_data[43], s_data[9], ~s_data[21]}), .count(sum_14_count_0));
    wire [2:0] sum_14_count_1;
    fpgaq_count3_2 sum_14_count_1_cell (.bits({sum_0[4], s_data[14], sum_13[3], s_data[47], s_data[13]}), .count(sum_14_count_1));
    wire [7:0] sum_14;
    fpgaq_chain #(.WIDTH(8), .DIFFERENCE(1)) sum_14_chain (
        .plain({1'b0, s_data[15], sum_12[7], sum_0[3], s_data[46], sum_13[1], sum_12[3], sum_12[2]}),
        .other({
            1'b0, sum_14_count_1[2], sum_14_count_1[1], sum_14_count_1[0], 1'b0, sum_14_count_0[2], sum_14_count_0[1],
            sum_14_count_0[0]
        }),
        .carry(1'b0),
        .sum(sum_14)
    );

    wire [2:0] sum_15_count_0;
    fpgaq_count3_2 sum_15_count_0_cell (.bits({s_data[41], ~s_data[19], s_data[32], s_data[40], ~s_data[18]}), .count(sum_15_count_0));
    wire [3:0] sum_15;
    fpgaq_chain #(.WIDTH(4), .DIFFERENCE(1)) sum_15_chain (
        .plain({1'b0, s_data[8], sum_12[0], 1'b0}),
        .other({1'b0, sum_15_count_0[2], sum_15_count_0[1], sum_15_count_0[0]}),
        .carry(1'b0),
        .sum(sum_15)
    );

    wire [1:0] sum_16_count_0;
    fpgaq_count3 sum_16_count_0_cell (.bits({kept_0[12], kept_0[11], ~kept_0[10]}), .count(sum_16_count_0));
    wire [2:0] sum_16_count_1;
    fpgaq_count3_2 sum_16_count_1_cell (.bits({kept_0[17], ~kept_0[16], kept_0[15], kept_0[14], ~kept_0[13]}), .count(sum_16_count_1));
    wire [2:0] sum_16_count_2;
    fpgaq_count3_2 sum_16_count_2_cell (.bits({kept_0[22], ~kept_0[21], kept_0[20], kept_0[19], ~kept_0[18]}), .count(sum_16_count_2));
    wire [10:0] sum_16;
    fpgaq_chain #(.WIDTH(11), .DIFFERENCE(1)) sum_16_chain (
        .plain({
            1'b0, kept_0[9], kept_0[8], kept_0[7], kept_0[6], kept_0[5], kept_0[4], kept_0[3], kept_0[2], kept_0[1],
            kept_0[0]
        }),
        .other({
            1'b0, sum_16_count_2[2], sum_16_count_2[1], sum_16_count_2[0], sum_16_count_1[2], sum_16_count_1[1],
            sum_16_count_1[0], 1'b0, 1'b0, sum_16_count_0[1], sum_16_count_0[0]
        }),
        .carry(1'b0),
        .sum(sum_16)
    );

    wire [1:0] sum_17_count_0;
    fpgaq_count3 sum_17_count_0_cell (.bits({kept_0[29], ~kept_0[28], ~kept_0[27]}), .count(sum_17_count_0));
    wire [9:0] sum_17;
    fpgaq_chain #(.WIDTH(10), .DIFFERENCE(1)) sum_17_chain (
        .plain({1'b1, kept_0[26], kept_0[25], kept_0[24], 1'b1, 1'b1, kept_0[23], 1'b1, 1'b0, 1'b1}),
        .other({1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, sum_17_count_0[1], sum_17_count_0[0]}),
        .carry(1'b0),
        .sum(sum_17)
    );

    wire [2:0] sum_18_count_2;
    fpgaq_count3_2 sum_18_count_2_cell (.bits({sum_17[2], ~sum_16[5], sum_17[1], ~sum_16[4], ~kept_0[31]}), .count(sum_18_count_2));
    wire [2:0] sum_18_count_6;
    fpgaq_count3_2 sum_18_count_6_cell (.bits({1'b1, sum_17[8], sum_17[7], kept_0[32], ~sum_16[10]}), .count(sum_18_count_6));
    wire [10:0] sum_18;
    fpgaq_chain #(.WIDTH(11), .DIFFERENCE(1)) sum_18_chain (
        .plain({sum_17[9], 1'b0, 1'b0, sum_17[6], sum_17[5], sum_17[4], sum_17[3], 1'b0, 1'b0, sum_17[0], kept_0[30]}),
        .other({
            sum_18_count_6[2], sum_18_count_6[1], sum_18_count_6[0], ~sum_16[9], ~sum_16[8], ~sum_16[7], sum_18_count_2[2],
            sum_18_count_2[1], sum_18_count_2[0], ~sum_16[3], ~sum_16[2]
        }),
        .carry(1'b1),
        .sum(sum_18)
    );

    wire [16:0] sum_19;
    fpgaq_chain #(.WIDTH(17), .DIFFERENCE(1)) sum_19_chain (
        .plain({
            kept_1[12], kept_1[11], kept_1[10], kept_1[9], kept_1[8], kept_1[7], kept_1[6], kept_1[5], kept_1[4], kept_1[3],
            kept_1[2], ~kept_1[1], 1'b1, 1'b1, 1'b1, 1'b1, kept_1[0]
        }),
        .other({
            1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, ~kept_1[18], 1'b0, 1'b0, 1'b0, 1'b0, ~kept_1[17], ~kept_1[16], ~kept_1[15],
            ~kept_1[14], kept_1[13], 1'b0
        }),
        .carry(1'b1),
        .sum(sum_19)
    );

    wire [2:0] sum_20_count_0;
    fpgaq_count3_2 sum_20_count_0_cell (.bits({s_data[12], s_data[4], s_data[11], s_data[3], ~s_data[32]}), .count(sum_20_count_0));
    wire [2:0] sum_20_count_1;
    fpgaq_count3_2 sum_20_count_1_cell (.bits({s_data[7], ~s_data[2], s_data[14], s_data[6], ~s_data[1]}), .count(sum_20_count_1));
    wire [6:0] sum_20;
    fpgaq_chain #(.WIDTH(7), .DIFFERENCE(1)) sum_20_chain (
        .plain({1'b0, s_data[31], s_data[15], s_data[29], s_data[5], s_data[27], s_data[26]}),
        .other({
            1'b0, sum_20_count_1[2], sum_20_count_1[1], sum_20_count_1[0], sum_20_count_0[2], sum_20_count_0[1],
            sum_20_count_0[0]
        }),
        .carry(1'b0),
        .sum(sum_20)
    );

    wire [2:0] sum_21_count_0;
    fpgaq_count3_2 sum_21_count_0_cell (.bits({s_data[9], s_data[1], s_data[17], s_data[8], s_data[0]}), .count(sum_21_count_0));
    wire [3:0] sum_21;
    fpgaq_chain #(.WIDTH(4), .DIFFERENCE(1)) sum_21_chain (
        .plain({1'b0, s_data[2], s_data[24], 1'b0}),
        .other({1'b0, sum_21_count_0[2], sum_21_count_0[1], sum_21_count_0[0]}),
        .carry(1'b0),
        .sum(sum_21)
    );

    wire [1:0] sum_22_count_0;
    fpgaq_count3 sum_22_count_0_cell (.bits({sum_21[2], s_data[25], s_data[10]}), .count(sum_22_count_0));
    wire [1:0] sum_22_count_1;
    fpgaq_count3 sum_22_count_1_cell (.bits({s_data[13], ~sum_12[1], ~s_data[0]}), .count(sum_22_count_1));
    wire [5:0] sum_22;
    fpgaq_chain #(.WIDTH(6), .DIFFERENCE(1)) sum_22_chain (
        .plain({1'b0, sum_20[3], s_data[28], sum_20[1], sum_20[0], sum_0[0]}),
        .other({1'b0, sum_22_count_1[1], sum_22_count_1[0], 1'b0, sum_22_count_0[1], sum_22_count_0[0]}),
        .carry(sum_2[1]),
        .sum(sum_22)
    );

    wire [2:0] sum_23_count_0;
    fpgaq_count3_2 sum_23_count_0_cell (.bits({~sum_12[4], ~s_data[3], sum_20[4], s_data[30], ~sum_12[3]}), .count(sum_23_count_0));
    wire [3:0] sum_23;
    fpgaq_chain #(.WIDTH(4), .DIFFERENCE(1)) sum_23_chain (
        .plain({1'b0, sum_20[6], sum_20[5], 1'b0}),
        .other({1'b0, sum_23_count_0[2], sum_23_count_0[1], sum_23_count_0[0]}),
        .carry(1'b1),
        .sum(sum_23)
    );

    wire [2:0] sum_24_count_0;
    fpgaq_count3_2 sum_24_count_0_cell (.bits({kept_0[51], ~kept_0[50], kept_0[49], kept_0[48], kept_0[47]}), .count(sum_24_count_0));
    wire [2:0] sum_24_count_1;
    fpgaq_count3_2 sum_24_count_1_cell (.bits({kept_0[56], kept_0[55], kept_0[54], kept_0[53], ~kept_0[52]}), .count(sum_24_count_1));
    wire [2:0] sum_24_count_2;
    fpgaq_count3_2 sum_24_count_2_cell (.bits({~kept_0[17], ~kept_0[59], kept_0[58], ~kept_0[4], ~kept_0[57]}), .count(sum_24_count_2));
    wire [9:0] sum_24;
    fpgaq_chain #(.WIDTH(10), .DIFFERENCE(1)) sum_24_chain (
        .plain({1'b0, kept_0[46], kept_0[45], kept_0[44], kept_0[43], kept_0[42], kept_0[41], kept_0[40], kept_0[39], kept_0[38]}),
        .other({
            1'b0, sum_24_count_2[2], sum_24_count_2[1], sum_24_count_2[0], sum_24_count_1[2], sum_24_count_1[1],
            sum_24_count_1[0], sum_24_count_0[2], sum_24_count_0[1], sum_24_count_0[0]
        }),
        .carry(1'b0),
        .sum(sum_24)
    );

    wire [1:0] sum_25_count_0;
    fpgaq_count3 sum_25_count_0_cell (.bits({kept_0[66], kept_0[65], kept_0[64]}), .count(sum_25_count_0));
    wire [1:0] sum_25_count_1;
    fpgaq_count3 sum_25_count_1_cell (.bits({~kept_0[68], ~kept_0[20], ~kept_0[67]}), .count(sum_25_count_1));
    wire [9:0] sum_25;
    fpgaq_chain #(.WIDTH(10), .DIFFERENCE(1)) sum_25_chain (
        .plain({1'b0, 1'b1, sum_24[9], sum_24[8], kept_0[63], kept_0[62], kept_0[61], kept_0[60], sum_24[3], sum_24[2]}),
        .other({1'b0, sum_25_count_1[1], sum_25_count_1[0], 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, sum_25_count_0[1], sum_25_count_0[0]}),
        .carry(1'b1),
        .sum(sum_25)
    );

    wire [2:0] sum_26_count_0;
    fpgaq_count3_2 sum_26_count_0_cell (.bits({~kept_1[27], ~kept_1[26], kept_1[25], kept_1[24], kept_1[23]}), .count(sum_26_count_0));
    wire [4:0] sum_26;
    fpgaq_chain #(.WIDTH(5), .DIFFERENCE(1)) sum_26_chain (
        .plain({kept_1[22], kept_1[21], kept_1[20], kept_1[19], 1'b0}),
        .other({1'b0, 1'b0, sum_26_count_0[2], sum_26_count_0[1], sum_26_count_0[0]}),
        .carry(1'b0),
        .sum(sum_26)
    );

    wire [2:0] sum_27_count_4;
    fpgaq_count3_2 sum_27_count_4_cell (.bits({kept_1[42], kept_1[41], kept_1[40], kept_1[39], kept_1[38]}), .count(sum_27_count_4));
    wire [13:0] sum_27;
    fpgaq_chain #(.WIDTH(14), .DIFFERENCE(1)) sum_27_chain (
        .plain({
            sum_26[4], sum_26[3], 1'b1, sum_26[1], sum_26[0], 1'b0, 1'b0, kept_1[33], kept_1[32], kept_1[31], kept_1[30],
            kept_1[29], 1'b1, kept_1[28]
        }),
        .other({
            1'b0, 1'b0, sum_26[2], 1'b0, sum_27_count_4[2], sum_27_count_4[1], sum_27_count_4[0], kept_1[37], 1'b0, 1'b0,
            kept_1[36], 1'b0, kept_1[35], kept_1[34]
        }),
        .carry(1'b1),
        .sum(sum_27)
    );

    wire [2:0] sum_28_count_0;
    fpgaq_count3_2 sum_28_count_0_cell (.bits({~s_data[27], ~s_data[17], ~s_data[24], ~s_data[26], ~s_data[16]}), .count(sum_28_count_0));
    wire [2:0] sum_28_count_1;
    fpgaq_count3_2 sum_28_count_1_cell (.bits({~s_data[30], ~s_data[20], ~s_data[27], ~s_data[29], ~s_data[19]}), .count(sum_28_count_1));
    wire [2:0] sum_28_count_2;
    fpgaq_count3_2 sum_28_count_2_cell (.bits({~s_data[31], ~s_data[23], s_data[14], ~s_data[30], ~s_data[22]}), .count(sum_28_count_2));
    wire [9:0] sum_28;
    fpgaq_chain #(.WIDTH(10), .DIFFERENCE(1)) sum_28_chain (
        .plain({1'b0, s_data[37], s_data[15], s_data[35], s_data[13], s_data[12], s_data[11], s_data[10], s_data[9], s_data[8]}),
        .other({
            1'b0, sum_28_count_2[2], sum_28_count_2[1], sum_28_count_2[0], sum_28_count_1[2], sum_28_count_1[1],
            sum_28_count_1[0], sum_28_count_0[2], sum_28_count_0[1], sum_28_count_0[0]
        }),
        .carry(s_data[0]),
        .sum(sum_28)
    );

    wire [2:0] sum_29_count_0;
    fpgaq_count5 sum_29_count_0_cell (.bits({~sum_6[0], ~sum_6[4], ~s_data[26], ~s_data[28], ~s_data[18]}), .count(sum_29_count_0));
    wire [2:0] sum_29_count_1;
    fpgaq_count5 sum_29_count_1_cell (.bits({~sum_6[3], ~sum_6[7], ~s_data[29], ~s_data[31], ~s_data[21]}), .count(sum_29_count_1));
    wire [2:0] sum_29_count_2;
    fpgaq_count3_2 sum_29_count_2_cell (.bits({s_data[38], ~sum_6[7], sum_5[6], sum_28[8], ~sum_6[6]}), .count(sum_29_count_2));
    wire [9:0] sum_29;
    fpgaq_chain #(.WIDTH(10), .DIFFERENCE(1)) sum_29_chain (
        .plain({1'b0, s_data[39], sum_28[9], sum_7[6], s_data[36], sum_28[6], s_data[34], s_data[33], s_data[32], sum_28[2]}),
        .other({
            1'b0, sum_29_count_2[2], sum_29_count_2[1], sum_29_count_2[0], sum_29_count_1[2], sum_29_count_1[1],
            sum_29_count_1[0], sum_29_count_0[2], sum_29_count_0[1], sum_29_count_0[0]
        }),
        .carry(sum_5[0]),
        .sum(sum_29)
    );

    wire [1:0] sum_30_count_0;
    fpgaq_count3 sum_30_count_0_cell (.bits({~sum_6[3], ~s_data[32], ~s_data[25]}), .count(sum_30_count_0));
    wire [2:0] sum_30_count_1;
    fpgaq_count3_2 sum_30_count_1_cell (.bits({~sum_6[6], ~s_data[28], sum_28[3], ~sum_6[1], ~sum_6[5]}), .count(sum_30_count_1));
    wire [1:0] sum_30_count_2;
    fpgaq_count3 sum_30_count_2_cell (.bits({sum_5[4], ~sum_6[4], ~sum_6[8]}), .count(sum_30_count_2));
    wire [7:0] sum_30;
    fpgaq_chain #(.WIDTH(8), .DIFFERENCE(1)) sum_30_chain (
        .plain({1'b0, sum_28[7], sum_7[4], sum_28[5], sum_28[4], sum_5[1], sum_7[0], s_data[1]}),
        .other({
            1'b0, sum_30_count_2[1], sum_30_count_2[0], sum_30_count_1[2], sum_30_count_1[1], sum_30_count_1[0],
            sum_30_count_0[1], sum_30_count_0[0]
        }),
        .carry(sum_28[1]),
        .sum(sum_30)
    );

    wire [2:0] sum_31_count_0;
    fpgaq_count5 sum_31_count_0_cell (.bits({kept_0[88], kept_0[87], kept_0[86], ~kept_0[61], ~kept_0[85]}), .count(sum_31_count_0));
    wire [2:0] sum_31_count_1;
    fpgaq_count5 sum_31_count_1_cell (.bits({kept_0[92], kept_0[91], kept_0[90], ~kept_0[46], ~kept_0[89]}), .count(sum_31_count_1));
    wire [1:0] sum_31_count_2;
    fpgaq_count3 sum_31_count_2_cell (.bits({kept_0[95], ~kept_0[94], ~kept_0[93]}), .count(sum_31_count_2));
    wire [8:0] sum_31;
    fpgaq_chain #(.WIDTH(9), .DIFFERENCE(1)) sum_31_chain (
        .plain({1'b0, kept_0[84], kept_0[83], kept_0[82], kept_0[81], kept_0[80], kept_0[79], kept_0[78], kept_0[77]}),
        .other({
            1'b0, sum_31_count_2[1], sum_31_count_2[0], sum_31_count_1[2], sum_31_count_1[1], sum_31_count_1[0],
            sum_31_count_0[2], sum_31_count_0[1], sum_31_count_0[0]
        }),
        .carry(1'b1),
        .sum(sum_31)
    );

    wire [2:0] sum_32_count_0;
    fpgaq_count3_2 sum_32_count_0_cell (.bits({kept_0[98], ~kept_0[65], kept_0[97], ~kept_0[39], ~kept_0[85]}), .count(sum_32_count_0));
    wire [3:0] sum_32;
    fpgaq_chain #(.WIDTH(4), .DIFFERENCE(1)) sum_32_chain (
        .plain({1'b0, kept_0[96], 1'b1, 1'b1}),
        .other({1'b0, sum_32_count_0[2], sum_32_count_0[1], sum_32_count_0[0]}),
        .carry(1'b0),
        .sum(sum_32)
    );

    wire [1:0] sum_33_count_0;
    fpgaq_count3 sum_33_count_0_cell (.bits({kept_0[102], kept_0[101], ~kept_0[44]}), .count(sum_33_count_0));
    wire [2:0] sum_33;
    fpgaq_chain #(.WIDTH(3), .DIFFERENCE(1)) sum_33_chain (
        .plain({1'b0, kept_0[100], kept_0[99]}),
        .other({1'b0, sum_33_count_0[1], sum_33_count_0[0]}),
        .carry(1'b0),
        .sum(sum_33)
    );

    wire [1:0] sum_34_count_0;
    fpgaq_count3 sum_34_count_0_cell (.bits({kept_0[107], kept_0[106], ~kept_0[42]}), .count(sum_34_count_0));
    wire [9:0] sum_34;
    fpgaq_chain #(.WIDTH(10), .DIFFERENCE(1)) sum_34_chain (
        .plain({
            sum_31[8], sum_31[7], sum_31[6], kept_0[105], kept_0[104], sum_31[3], sum_31[2], sum_31[1], sum_31[0],
            kept_0[103]
        }),
        .other({1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, sum_34_count_0[1], sum_34_count_0[0]}),
        .carry(sum_32[3]),
        .sum(sum_34)
    );

    wire [1:0] sum_35_count_0;
    fpgaq_count3 sum_35_count_0_cell (.bits({sum_32[2], kept_0[108], ~kept_0[54]}), .count(sum_35_count_0));
    wire [2:0] sum_35;
    fpgaq_chain #(.WIDTH(3), .DIFFERENCE(1)) sum_35_chain (
        .plain({1'b0, 1'b1, 1'b1}),
        .other({1'b0, sum_35_count_0[1], sum_35_count_0[0]}),
        .carry(1'b0),
        .sum(sum_35)
    );

    wire [2:0] sum_36_count_0;
    fpgaq_count3_2 sum_36_count_0_cell (.bits({kept_1[51], kept_1[50], kept_1[49], kept_1[48], kept_1[47]}), .count(sum_36_count_0));
    wire [4:0] sum_36;
    fpgaq_chain #(.WIDTH(5), .DIFFERENCE(1)) sum_36_chain (
        .plain({kept_1[46], kept_1[45], kept_1[44], kept_1[43], 1'b0}),
        .other({1'b0, 1'b0, sum_36_count_0[2], sum_36_count_0[1], sum_36_count_0[0]}),
        .carry(1'b0),
        .sum(sum_36)
    );

    wire [2:0] sum_37_count_1;
    fpgaq_count3_2 sum_37_count_1_cell (.bits({~kept_1[64], ~kept_1[63], ~kept_1[62], ~kept_1[61], ~kept_1[60]}), .count(sum_37_count_1));
    wire [2:0] sum_37_count_5;
    fpgaq_count3_2 sum_37_count_5_cell (.bits({kept_1[72], kept_1[71], kept_1[70], kept_1[69], ~kept_1[68]}), .count(sum_37_count_5));
    wire [15:0] sum_37;
    fpgaq_chain #(.WIDTH(16), .DIFFERENCE(1)) sum_37_chain (
        .plain({
            1'b1, sum_36[3], sum_36[2], sum_36[1], sum_36[0], 1'b1, 1'b0, kept_1[58], kept_1[57], kept_1[56], kept_1[55],
            kept_1[54], kept_1[53], ~kept_1[52], 1'b1, 1'b1
        }),
        .other({
            sum_36[4], 1'b0, 1'b0, 1'b0, sum_37_count_5[2], sum_37_count_5[1], sum_37_count_5[0], kept_1[67], kept_1[66],
            kept_1[65], 1'b0, 1'b0, sum_37_count_1[2], sum_37_count_1[1], sum_37_count_1[0], ~kept_1[59]
        }),
        .carry(1'b0),
        .sum(sum_37)
    );

    wire [2:0] sum_38_count_0;
    fpgaq_count3_2 sum_38_count_0_cell (.bits({s_data[35], ~s_data[26], s_data[16], s_data[34], ~s_data[25]}), .count(sum_38_count_0));
    wire [3:0] sum_38;
    fpgaq_chain #(.WIDTH(4), .DIFFERENCE(1)) sum_38_chain (
        .plain({1'b0, s_data[36], s_data[17], 1'b0}),
        .other({1'b0, sum_38_count_0[2], sum_38_count_0[1], sum_38_count_0[0]}),
        .carry(1'b0),
        .sum(sum_38)
    );

    wire [1:0] sum_39_count_0;
    fpgaq_count3 sum_39_count_0_cell (.bits({sum_1[2], s_data[32], ~sum_0[0]}), .count(sum_39_count_0));
    wire [2:0] sum_39_count_1;
    fpgaq_count3_2 sum_39_count_1_cell (.bits({sum_38[1], ~sum_0[3], sum_1[4], sum_38[0], ~sum_0[2]}), .count(sum_39_count_1));
    wire [2:0] sum_39_count_2;
    fpgaq_count5 sum_39_count_2_cell (.bits({sum_1[7], sum_38[3], s_data[37], ~sum_0[5], ~s_data[28]}), .count(sum_39_count_2));
    wire [2:0] sum_39_count_3;
    fpgaq_count5 sum_39_count_3_cell (.bits({sum_3[6], sum_2[4], sum_0[8], ~sum_2[8], ~s_data[31]}), .count(sum_39_count_3));
    wire [11:0] sum_39;
    fpgaq_chain #(.WIDTH(12), .DIFFERENCE(1)) sum_39_chain (
        .plain({
            1'b0, sum_2[6], sum_2[5], sum_5[4], s_data[39], s_data[38], sum_2[5], sum_38[2], sum_1[5], sum_2[2], s_data[33],
            sum_2[0]
        }),
        .other({
            1'b0, sum_39_count_3[2], sum_39_count_3[1], sum_39_count_3[0], sum_39_count_2[2], sum_39_count_2[1],
            sum_39_count_2[0], sum_39_count_1[2], sum_39_count_1[1], sum_39_count_1[0], sum_39_count_0[1], sum_39_count_0[0]
        }),
        .carry(1'b0),
        .sum(sum_39)
    );

    wire [1:0] sum_40_count_0;
    fpgaq_count3 sum_40_count_0_cell (.bits({sum_1[3], ~sum_0[1], ~s_data[24]}), .count(sum_40_count_0));
    wire [2:0] sum_40_count_1;
    fpgaq_count5 sum_40_count_1_cell (.bits({sum_2[0], sum_2[4], sum_1[6], ~sum_0[4], ~s_data[27]}), .count(sum_40_count_1));
    wire [6:0] sum_40;
    fpgaq_chain #(.WIDTH(7), .DIFFERENCE(1)) sum_40_chain (
        .plain({1'b0, sum_2[6], sum_2[1], sum_3[2], sum_2[3], sum_3[0], sum_2[1]}),
        .other({1'b0, sum_40_count_1[2], sum_40_count_1[1], sum_40_count_1[0], 1'b0, sum_40_count_0[1], sum_40_count_0[0]}),
        .carry(1'b0),
        .sum(sum_40)
    );

    wire [1:0] sum_41_count_0;
    fpgaq_count3 sum_41_count_0_cell (.bits({~sum_5[2], ~sum_3[4], ~sum_2[2]}), .count(sum_41_count_0));
    wire [2:0] sum_41;
    fpgaq_chain #(.WIDTH(3), .DIFFERENCE(1)) sum_41_chain (
        .plain({1'b0, s_data[30], s_data[29]}),
        .other({1'b0, sum_41_count_0[1], sum_41_count_0[0]}),
        .carry(sum_0[6]),
        .sum(sum_41)
    );

    wire [2:0] sum_42_count_0;
    fpgaq_count3_2 sum_42_count_0_cell (.bits({kept_0[124], ~kept_0[44], kept_0[123], kept_0[122], ~kept_0[61]}), .count(sum_42_count_0));
    wire [2:0] sum_42_count_1;
    fpgaq_count5 sum_42_count_1_cell (.bits({kept_0[127], kept_0[126], ~kept_0[46], ~kept_0[125], ~kept_0[9]}), .count(sum_42_count_1));
    wire [6:0] sum_42;
    fpgaq_chain #(.WIDTH(7), .DIFFERENCE(1)) sum_42_chain (
        .plain({1'b0, kept_0[121], kept_0[120], kept_0[119], kept_0[118], kept_0[117], kept_0[116]}),
        .other({
            1'b0, sum_42_count_1[2], sum_42_count_1[1], sum_42_count_1[0], sum_42_count_0[2], sum_42_count_0[1],
            sum_42_count_0[0]
        }),
        .carry(1'b0),
        .sum(sum_42)
    );

    wire [1:0] sum_43_count_0;
    fpgaq_count3 sum_43_count_0_cell (.bits({kept_0[49], ~kept_0[128], ~kept_0[34]}), .count(sum_43_count_0));
    wire [2:0] sum_43_count_1;
    fpgaq_count3_2 sum_43_count_1_cell (.bits({~kept_0[132], ~kept_0[131], kept_0[54], ~kept_0[130], ~kept_0[129]}), .count(sum_43_count_1));
    wire [6:0] sum_43;
    fpgaq_chain #(.WIDTH(7), .DIFFERENCE(1)) sum_43_chain (
        .plain({1'b0, 1'b1, kept_0[42], 1'b1, kept_0[65], kept_0[39], 1'b1}),
        .other({1'b0, sum_43_count_1[2], sum_43_count_1[1], sum_43_count_1[0], 1'b0, sum_43_count_0[1], sum_43_count_0[0]}),
        .carry(1'b0),
        .sum(sum_43)
    );

    wire [2:0] sum_44_count_0;
    fpgaq_count3_2 sum_44_count_0_cell (.bits({~kept_0[137], ~kept_0[78], kept_0[136], kept_0[135], ~kept_0[134]}), .count(sum_44_count_0));
    wire [3:0] sum_44;
    fpgaq_chain #(.WIDTH(4), .DIFFERENCE(1)) sum_44_chain (
        .plain({1'b0, kept_0[133], 1'b1, kept_0[63]}),
        .other({1'b0, sum_44_count_0[2], sum_44_count_0[1], sum_44_count_0[0]}),
        .carry(1'b0),
        .sum(sum_44)
    );

    wire [1:0] sum_45_count_0;
    fpgaq_count3 sum_45_count_0_cell (.bits({sum_43[2], ~kept_0[139], ~kept_0[138]}), .count(sum_45_count_0));
    wire [1:0] sum_45_count_1;
    fpgaq_count3 sum_45_count_1_cell (.bits({~sum_42[1], ~kept_0[141], ~kept_0[140]}), .count(sum_45_count_1));
    wire [6:0] sum_45;
    fpgaq_chain #(.WIDTH(7), .DIFFERENCE(1)) sum_45_chain (
        .plain({1'b0, sum_44[0], sum_43[6], sum_43[5], sum_43[4], sum_43[3], 1'b1}),
        .other({1'b0, sum_45_count_1[1], sum_45_count_1[0], 1'b0, 1'b0, sum_45_count_0[1], sum_45_count_0[0]}),
        .carry(1'b0),
        .sum(sum_45)
    );

    wire [2:0] sum_46_count_0;
    fpgaq_count3_2 sum_46_count_0_cell (.bits({kept_0[145], kept_0[144], kept_0[143], kept_0[90], ~sum_44[3]}), .count(sum_46_count_0));
    wire [3:0] sum_46;
    fpgaq_chain #(.WIDTH(4), .DIFFERENCE(1)) sum_46_chain (
        .plain({1'b0, kept_0[126], kept_0[142], sum_42[5]}),
        .other({1'b0, sum_46_count_0[2], sum_46_count_0[1], sum_46_count_0[0]}),
        .carry(1'b0),
        .sum(sum_46)
    );

    wire [2:0] sum_47_count_0;
    fpgaq_count3_2 sum_47_count_0_cell (.bits({~kept_1[79], ~kept_1[47], kept_1[78], ~kept_1[77], ~kept_1[76]}), .count(sum_47_count_0));
    wire [2:0] sum_47_count_1;
    fpgaq_count3_2 sum_47_count_1_cell (.bits({kept_1[84], ~kept_1[83], ~kept_1[82], ~kept_1[81], ~kept_1[80]}), .count(sum_47_count_1));
    wire [6:0] sum_47;
    fpgaq_chain #(.WIDTH(7), .DIFFERENCE(1)) sum_47_chain (
        .plain({1'b0, kept_1[75], 1'b1, 1'b1, 1'b1, kept_1[74], kept_1[73]}),
        .other({
            sum_47_count_1[2], sum_47_count_1[1], sum_47_count_1[0], 1'b0, sum_47_count_0[2], sum_47_count_0[1],
            sum_47_count_0[0]
        }),
        .carry(1'b0),
        .sum(sum_47)
    );

    wire [1:0] sum_48_count_0;
    fpgaq_count3 sum_48_count_0_cell (.bits({kept_1[62], ~kept_1[93], ~kept_1[0]}), .count(sum_48_count_0));
    wire [1:0] sum_48_count_6;
    fpgaq_count3 sum_48_count_6_cell (.bits({sum_47[3], ~kept_1[100], ~kept_1[99]}), .count(sum_48_count_6));
    wire [15:0] sum_48;
    fpgaq_chain #(.WIDTH(16), .DIFFERENCE(1)) sum_48_chain (
        .plain({
            sum_47[6], sum_47[5], sum_47[4], 1'b0, sum_47[2], sum_47[1], sum_47[0], kept_1[92], kept_1[91], kept_1[90],
            kept_1[89], kept_1[88], kept_1[87], kept_1[86], kept_1[85], 1'b0
        }),
        .other({
            1'b0, 1'b0, sum_48_count_6[1], sum_48_count_6[0], ~kept_1[98], 1'b0, 1'b0, ~kept_1[97], 1'b0, ~kept_1[96],
            ~kept_1[95], 1'b0, 1'b0, ~kept_1[94], sum_48_count_0[1], sum_48_count_0[0]
        }),
        .carry(1'b0),
        .sum(sum_48)
    );

    wire [2:0] sum_49_count_0;
    fpgaq_count3_2 sum_49_count_0_cell (.bits({~s_data[8], ~s_data[18], s_data[43], s_data[0], ~s_data[17]}), .count(sum_49_count_0));
    wire [2:0] sum_49_count_1;
    fpgaq_count3_2 sum_49_count_1_cell (.bits({s_data[4], ~s_data[21], s_data[8], s_data[3], ~s_data[20]}), .count(sum_49_count_1));
    wire [2:0] sum_49_count_2;
    fpgaq_count3_2 sum_49_count_2_cell (.bits({s_data[12], s_data[7], s_data[11], s_data[6], ~s_data[23]}), .count(sum_49_count_2));
    wire [9:0] sum_49;
    fpgaq_chain #(.WIDTH(10), .DIFFERENCE(1)) sum_49_chain (
        .plain({1'b0, s_data[13], s_data[47], s_data[46], s_data[5], s_data[9], s_data[46], s_data[2], s_data[1], s_data[40]}),
        .other({
            1'b0, sum_49_count_2[2], sum_49_count_2[1], sum_49_count_2[0], sum_49_count_1[2], sum_49_count_1[1],
            sum_49_count_1[0], sum_49_count_0[2], sum_49_count_0[1], sum_49_count_0[0]
        }),
        .carry(1'b0),
        .sum(sum_49)
    );

    wire [2:0] sum_50_count_0;
    fpgaq_count3_2 sum_50_count_0_cell (.bits({sum_0[3], sum_49[0], sum_0[2], s_data[42], ~s_data[16]}), .count(sum_50_count_0));
    wire [2:0] sum_50_count_1;
    fpgaq_count5 sum_50_count_1_cell (.bits({sum_49[2], s_data[42], s_data[45], ~sum_11[0], ~s_data[19]}), .count(sum_50_count_1));
    wire [2:0] sum_50_count_2;
    fpgaq_count5 sum_50_count_2_cell (.bits({s_data[10], ~sum_11[3], ~sum_1[8], ~sum_0[8], ~s_data[22]}), .count(sum_50_count_2));
    wire [9:0] sum_50;
    fpgaq_chain #(.WIDTH(10), .DIFFERENCE(1)) sum_50_chain (
        .plain({1'b0, sum_49[7], sum_49[6], s_data[45], s_data[47], s_data[43], sum_0[5], s_data[44], sum_1[3], sum_1[2]}),
        .other({
            1'b0, sum_50_count_2[2], sum_50_count_2[1], sum_50_count_2[0], sum_50_count_1[2], sum_50_count_1[1],
            sum_50_count_1[0], sum_50_count_0[2], sum_50_count_0[1], sum_50_count_0[0]
        }),
        .carry(sum_4[0]),
        .sum(sum_50)
    );

    wire [1:0] sum_51_count_0;
    fpgaq_count3 sum_51_count_0_cell (.bits({sum_0[4], sum_49[1], s_data[41]}), .count(sum_51_count_0));
    wire [2:0] sum_51_count_1;
    fpgaq_count5 sum_51_count_1_cell (.bits({sum_1[7], sum_0[7], sum_49[4], s_data[44], ~sum_11[2]}), .count(sum_51_count_1));
    wire [6:0] sum_51;
    fpgaq_chain #(.WIDTH(7), .DIFFERENCE(1)) sum_51_chain (
        .plain({1'b0, sum_4[7], sum_49[5], sum_4[5], sum_49[3], sum_1[5], sum_1[4]}),
        .other({1'b0, sum_51_count_1[2], sum_51_count_1[1], sum_51_count_1[0], 1'b0, sum_51_count_0[1], sum_51_count_0[0]}),
        .carry(sum_4[2]),
        .sum(sum_51)
    );

    wire [2:0] sum_52_count_0;
    fpgaq_count5 sum_52_count_0_cell (.bits({~kept_0[158], ~kept_0[157], ~kept_0[156], ~kept_0[155], ~kept_0[22]}), .count(sum_52_count_0));
    wire [2:0] sum_52_count_1;
    fpgaq_count3_2 sum_52_count_1_cell (.bits({~kept_0[163], ~kept_0[162], kept_0[161], ~kept_0[160], ~kept_0[159]}), .count(sum_52_count_1));
    wire [2:0] sum_52_count_2;
    fpgaq_count3_2 sum_52_count_2_cell (.bits({kept_0[168], ~kept_0[167], kept_0[166], ~kept_0[165], ~kept_0[164]}), .count(sum_52_count_2));
    wire [9:0] sum_52;
    fpgaq_chain #(.WIDTH(10), .DIFFERENCE(1)) sum_52_chain (
        .plain({
            1'b0, kept_0[32], kept_0[24], kept_0[21], kept_0[154], kept_0[153], kept_0[16], kept_0[13], kept_0[29],
            kept_0[152]
        }),
        .other({
            1'b0, sum_52_count_2[2], sum_52_count_2[1], sum_52_count_2[0], sum_52_count_1[2], sum_52_count_1[1],
            sum_52_count_1[0], sum_52_count_0[2], sum_52_count_0[1], sum_52_count_0[0]
        }),
        .carry(kept_0[30]),
        .sum(sum_52)
    );

    wire [2:0] sum_53_count_0;
    fpgaq_count3_2 sum_53_count_0_cell (.bits({kept_0[3], kept_0[171], kept_0[149], kept_0[113], kept_0[170]}), .count(sum_53_count_0));
    wire [3:0] sum_53;
    fpgaq_chain #(.WIDTH(4), .DIFFERENCE(1)) sum_53_chain (
        .plain({1'b0, kept_0[169], kept_0[128], 1'b0}),
        .other({1'b0, sum_53_count_0[2], sum_53_count_0[1], sum_53_count_0[0]}),
        .carry(1'b0),
        .sum(sum_53)
    );

    wire [1:0] sum_54_count_0;
    fpgaq_count3 sum_54_count_0_cell (.bits({kept_0[18], ~kept_0[173], ~kept_0[172]}), .count(sum_54_count_0));
    wire [5:0] sum_54;
    fpgaq_chain #(.WIDTH(6), .DIFFERENCE(1)) sum_54_chain (
        .plain({1'b1, kept_0[26], sum_52[8], sum_52[7], sum_52[6], sum_52[5]}),
        .other({1'b0, 1'b0, 1'b0, 1'b0, sum_54_count_0[1], sum_54_count_0[0]}),
        .carry(1'b0),
        .sum(sum_54)
    );

    wire [2:0] sum_55_count_0;
    fpgaq_count3_2 sum_55_count_0_cell (.bits({~kept_1[116], ~kept_1[115], ~kept_1[114], ~kept_1[113], ~kept_1[112]}), .count(sum_55_count_0));
    wire [1:0] sum_55_count_1;
    fpgaq_count3 sum_55_count_1_cell (.bits({~kept_1[119], ~kept_1[118], ~kept_1[117]}), .count(sum_55_count_1));
    wire [13:0] sum_55;
    fpgaq_chain #(.WIDTH(14), .DIFFERENCE(1)) sum_55_chain (
        .plain({
            kept_1[111], kept_1[110], kept_1[109], kept_1[108], kept_1[107], kept_1[106], kept_1[105], kept_1[104],
            kept_1[103], kept_1[102], kept_1[101], 1'b1, 1'b1, 1'b1
        }),
        .other({
            1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, sum_55_count_1[1], sum_55_count_1[0], 1'b0, 1'b0, sum_55_count_0[2],
            sum_55_count_0[1], sum_55_count_0[0]
        }),
        .carry(1'b0),
        .sum(sum_55)
    );

    wire [1:0] sum_56_count_0;
    fpgaq_count3 sum_56_count_0_cell (.bits({~kept_1[124], ~kept_1[123], ~kept_1[122]}), .count(sum_56_count_0));
    wire [11:0] sum_56;
    fpgaq_chain #(.WIDTH(12), .DIFFERENCE(1)) sum_56_chain (
        .plain({
            sum_55[13], kept_1[121], sum_55[11], sum_55[10], sum_55[9], sum_55[8], kept_1[120], sum_55[6], sum_55[5],
            sum_55[4], sum_55[3], sum_55[2]
        }),
        .other({1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, sum_56_count_0[1], sum_56_count_0[0]}),
        .carry(1'b0),
        .sum(sum_56)
    );

    wire [1:0] sum_57_count_3;
    fpgaq_count3 sum_57_count_3_cell (.bits({kept_2[14], ~kept_2[13], ~kept_2[12]}), .count(sum_57_count_3));
    wire [1:0] sum_57_count_5;
    fpgaq_count3 sum_57_count_5_cell (.bits({kept_2[18], kept_2[17], ~kept_2[16]}), .count(sum_57_count_5));
    wire [1:0] sum_57_count_7;
    fpgaq_count3 sum_57_count_7_cell (.bits({1'b1, kept_2[21], kept_2[20]}), .count(sum_57_count_7));
    wire [16:0] sum_57;
    fpgaq_chain #(.WIDTH(17), .DIFFERENCE(1)) sum_57_chain (
        .plain({
            kept_2[8], 1'b0, kept_2[7], 1'b1, kept_2[6], kept_2[5], 1'b0, 1'b1, kept_2[4], 1'b0, 1'b1, kept_2[3], kept_2[2],
            kept_2[1], ~kept_2[0], 1'b1, 1'b1
        }),
        .other({
            sum_57_count_7[1], sum_57_count_7[0], 1'b0, kept_2[19], 1'b0, sum_57_count_5[1], sum_57_count_5[0], kept_2[15],
            sum_57_count_3[1], sum_57_count_3[0], kept_2[11], 1'b0, 1'b0, 1'b0, 1'b0, ~kept_2[10], ~kept_2[9]
        }),
        .carry(1'b0),
        .sum(sum_57)
    );

    wire [2:0] sum_58_count_0;
    fpgaq_count3_2 sum_58_count_0_cell (.bits({s_data[34], ~s_data[4], s_data[43], s_data[33], ~s_data[3]}), .count(sum_58_count_0));
    wire [2:0] sum_58_count_1;
    fpgaq_count3_2 sum_58_count_1_cell (.bits({s_data[37], ~s_data[7], s_data[46], s_data[36], ~s_data[6]}), .count(sum_58_count_1));
    wire [6:0] sum_58;
    fpgaq_chain #(.WIDTH(7), .DIFFERENCE(1)) sum_58_chain (
        .plain({1'b0, s_data[38], s_data[47], 1'b0, s_data[35], s_data[44], 1'b0}),
        .other({
            1'b0, sum_58_count_1[2], sum_58_count_1[1], sum_58_count_1[0], sum_58_count_0[2], sum_58_count_0[1],
            sum_58_count_0[0]
        }),
        .carry(1'b0),
        .sum(sum_58)
    );

    wire [2:0] sum_59_count_0;
    fpgaq_count5 sum_59_count_0_cell (.bits({s_data[40], ~sum_6[2], ~sum_3[2], ~sum_0[4], ~s_data[0]}), .count(sum_59_count_0));
    wire [2:0] sum_59_count_1;
    fpgaq_count5 sum_59_count_1_cell (.bits({sum_1[4], sum_58[0], ~sum_6[5], ~sum_3[5], ~sum_0[7]}), .count(sum_59_count_1));
    wire [2:0] sum_59_count_2;
    fpgaq_count3_2 sum_59_count_2_cell (.bits({sum_58[4], ~sum_1[8], sum_58[3], ~sum_6[8], ~sum_3[8]}), .count(sum_59_count_2));
    wire [9:0] sum_59;
    fpgaq_chain #(.WIDTH(10), .DIFFERENCE(1)) sum_59_chain (
        .plain({1'b0, sum_58[5], sum_11[5], sum_1[7], s_data[45], sum_58[1], sum_5[7], s_data[32], s_data[41], sum_1[1]}),
        .other({
            1'b0, sum_59_count_2[2], sum_59_count_2[1], sum_59_count_2[0], sum_59_count_1[2], sum_59_count_1[1],
            sum_59_count_1[0], sum_59_count_0[2], sum_59_count_0[1], sum_59_count_0[0]
        }),
        .carry(sum_5[4]),
        .sum(sum_59)
    );

    wire [2:0] sum_60_count_0;
    fpgaq_count5 sum_60_count_0_cell (.bits({s_data[8], ~sum_6[3], ~sum_3[3], ~sum_0[5], ~s_data[1]}), .count(sum_60_count_0));
    wire [2:0] sum_60_count_1;
    fpgaq_count5 sum_60_count_1_cell (.bits({sum_1[5], sum_0[8], ~sum_6[6], ~sum_5[8], ~sum_3[6]}), .count(sum_60_count_1));
    wire [6:0] sum_60;
    fpgaq_chain #(.WIDTH(7), .DIFFERENCE(1)) sum_60_chain (
        .plain({1'b0, sum_11[4], sum_58[2], sum_11[2], sum_11[1], s_data[42], sum_1[2]}),
        .other({
            1'b0, sum_60_count_1[2], sum_60_count_1[1], sum_60_count_1[0], sum_60_count_0[2], sum_60_count_0[1],
            sum_60_count_0[0]
        }),
        .carry(sum_5[5]),
        .sum(sum_60)
    );

    wire [1:0] sum_61_count_0;
    fpgaq_count3 sum_61_count_0_cell (.bits({sum_3[0], sum_0[2], ~sum_5[2]}), .count(sum_61_count_0));
    wire [2:0] sum_61;
    fpgaq_chain #(.WIDTH(3), .DIFFERENCE(1)) sum_61_chain (
        .plain({1'b0, sum_0[3], sum_6[0]}),
        .other({1'b0, sum_61_count_0[1], sum_61_count_0[0]}),
        .carry(1'b0),
        .sum(sum_61)
    );

    wire [1:0] sum_62_count_0;
    fpgaq_count3 sum_62_count_0_cell (.bits({~kept_0[195], ~kept_0[115], ~kept_0[131]}), .count(sum_62_count_0));
    wire [2:0] sum_62_count_1;
    fpgaq_count5 sum_62_count_1_cell (.bits({kept_0[199], ~kept_0[198], ~kept_0[197], ~kept_0[22], ~kept_0[196]}), .count(sum_62_count_1));
    wire [2:0] sum_62_count_2;
    fpgaq_count5 sum_62_count_2_cell (.bits({kept_0[201], kept_0[155], ~kept_0[200], ~kept_0[121], ~kept_0[59]}), .count(sum_62_count_2));
    wire [1:0] sum_62_count_3;
    fpgaq_count3 sum_62_count_3_cell (.bits({kept_0[166], kept_0[203], kept_0[202]}), .count(sum_62_count_3));
    wire [12:0] sum_62;
    fpgaq_chain #(.WIDTH(13), .DIFFERENCE(1)) sum_62_chain (
        .plain({
            1'b0, kept_0[168], kept_0[194], kept_0[154], kept_0[193], kept_0[192], kept_0[191], kept_0[190], kept_0[189],
            kept_0[145], kept_0[188], kept_0[187], kept_0[149]
        }),
        .other({
            1'b0, sum_62_count_3[1], sum_62_count_3[0], 1'b0, sum_62_count_2[2], sum_62_count_2[1], sum_62_count_2[0],
            sum_62_count_1[2], sum_62_count_1[1], sum_62_count_1[0], 1'b0, sum_62_count_0[1], sum_62_count_0[0]
        }),
        .carry(kept_0[78]),
        .sum(sum_62)
    );

    wire [1:0] sum_63_count_0;
    fpgaq_count3 sum_63_count_0_cell (.bits({kept_0[117], ~kept_0[3], ~kept_0[110]}), .count(sum_63_count_0));
    wire [2:0] sum_63;
    fpgaq_chain #(.WIDTH(3), .DIFFERENCE(1)) sum_63_chain (
        .plain({1'b0, 1'b1, 1'b1}),
        .other({1'b0, sum_63_count_0[1], sum_63_count_0[0]}),
        .carry(1'b0),
        .sum(sum_63)
    );

    wire [1:0] sum_64_count_0;
    fpgaq_count3 sum_64_count_0_cell (.bits({kept_0[212], kept_0[211], kept_0[210]}), .count(sum_64_count_0));
    wire [10:0] sum_64;
    fpgaq_chain #(.WIDTH(11), .DIFFERENCE(1)) sum_64_chain (
        .plain({
            1'b1, sum_62[12], sum_62[11], sum_62[10], kept_0[209], kept_0[208], kept_0[207], kept_0[206], kept_0[205],
            kept_0[204], sum_62[3]
        }),
        .other({1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, sum_64_count_0[1], sum_64_count_0[0]}),
        .carry(1'b0),
        .sum(sum_64)
    );

    wire [2:0] sum_65_count_0;
    fpgaq_count3_2 sum_65_count_0_cell (.bits({kept_1[138], kept_1[137], 1'b1, kept_1[136], kept_1[135]}), .count(sum_65_count_0));
    wire [5:0] sum_65;
    fpgaq_chain #(.WIDTH(6), .DIFFERENCE(1)) sum_65_chain (
        .plain({kept_1[134], kept_1[133], kept_1[132], kept_1[131], 1'b1, 1'b0}),
        .other({1'b0, 1'b0, 1'b0, sum_65_count_0[2], sum_65_count_0[1], sum_65_count_0[0]}),
        .carry(1'b0),
        .sum(sum_65)
    );

    wire [1:0] sum_66_count_0;
    fpgaq_count3 sum_66_count_0_cell (.bits({1'b1, kept_1[146], ~kept_1[62]}), .count(sum_66_count_0));
    wire [2:0] sum_66_count_3;
    fpgaq_count1_3 sum_66_count_3_cell (.bits({1'b1, kept_1[151], kept_1[150], ~kept_1[149]}), .count(sum_66_count_3));
    wire [2:0] sum_66_count_5;
    fpgaq_count3_2 sum_66_count_5_cell (.bits({kept_1[156], kept_1[155], 1'b1, kept_1[154], kept_1[153]}), .count(sum_66_count_5));
    wire [16:0] sum_66;
    fpgaq_chain #(.WIDTH(17), .DIFFERENCE(1)) sum_66_chain (
        .plain({
            sum_65[5], 1'b1, 1'b1, sum_65[2], sum_65[1], sum_65[0], kept_1[145], 1'b0, 1'b0, kept_1[144], kept_1[143], 1'b0,
            kept_1[142], kept_1[141], kept_1[140], kept_1[139], 1'b0
        }),
        .other({
            1'b0, sum_65[4], sum_65[3], 1'b0, 1'b0, 1'b0, sum_66_count_5[2], sum_66_count_5[1], sum_66_count_5[0],
            kept_1[152], sum_66_count_3[2], sum_66_count_3[1], sum_66_count_3[0], kept_1[148], ~kept_1[147],
            sum_66_count_0[1], sum_66_count_0[0]
        }),
        .carry(1'b0),
        .sum(sum_66)
    );

    wire [6:0] sum_67;
    fpgaq_chain #(.WIDTH(7), .DIFFERENCE(0)) sum_67_chain (
        .plain({kept_2[28], kept_2[27], kept_2[26], kept_2[25], kept_2[24], kept_2[23], kept_2[22]}),
        .other({1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0}),
        .carry(kept_2[29]),
        .sum(sum_67)
    );

    wire [2:0] sum_68_count_0;
    fpgaq_count3_2 sum_68_count_0_cell (.bits({s_data[4], ~s_data[43], s_data[14], s_data[3], ~s_data[42]}), .count(sum_68_count_0));
    wire [3:0] sum_68;
    fpgaq_chain #(.WIDTH(4), .DIFFERENCE(1)) sum_68_chain (
        .plain({1'b0, s_data[5], s_data[15], 1'b0}),
        .other({1'b0, sum_68_count_0[2], sum_68_count_0[1], sum_68_count_0[0]}),
        .carry(1'b0),
        .sum(sum_68)
    );

    wire [2:0] sum_69_count_0;
    fpgaq_count3_2 sum_69_count_0_cell (.bits({s_data[8], ~sum_2[0], sum_3[1], s_data[0], ~s_data[17]}), .count(sum_69_count_0));
    wire [2:0] sum_69_count_1;
    fpgaq_count3_2 sum_69_count_1_cell (.bits({s_data[0], ~sum_1[2], sum_3[4], s_data[10], ~sum_1[1]}), .count(sum_69_count_1));
    wire [2:0] sum_69_count_2;
    fpgaq_count5 sum_69_count_2_cell (.bits({sum_1[2], s_data[13], s_data[2], ~sum_1[4], ~s_data[41]}), .count(sum_69_count_2));
    wire [2:0] sum_69_count_3;
    fpgaq_count3_2 sum_69_count_3_cell (.bits({s_data[6], ~s_data[45], sum_68[2], ~sum_1[7], ~s_data[44]}), .count(sum_69_count_3));
    wire [12:0] sum_69;
    fpgaq_chain #(.WIDTH(13), .DIFFERENCE(1)) sum_69_chain (
        .plain({
            1'b0, s_data[7], sum_68[3], sum_1[5], sum_68[1], sum_68[0], sum_3[7], s_data[1], s_data[11], sum_7[1], s_data[9],
            s_data[1], sum_1[0]
        }),
        .other({
            1'b0, sum_69_count_3[2], sum_69_count_3[1], sum_69_count_3[0], sum_69_count_2[2], sum_69_count_2[1],
            sum_69_count_2[0], sum_69_count_1[2], sum_69_count_1[1], sum_69_count_1[0], sum_69_count_0[2], sum_69_count_0[1],
            sum_69_count_0[0]
        }),
        .carry(1'b0),
        .sum(sum_69)
    );

    wire [1:0] sum_70_count_0;
    fpgaq_count3 sum_70_count_0_cell (.bits({sum_3[3], ~sum_1[0], ~sum_2[1]}), .count(sum_70_count_0));
    wire [2:0] sum_70_count_1;
    fpgaq_count3_2 sum_70_count_1_cell (.bits({~sum_1[3], ~s_data[40], sum_7[2], sum_3[5], sum_1[0]}), .count(sum_70_count_1));
    wire [2:0] sum_70_count_2;
    fpgaq_count3_2 sum_70_count_2_cell (.bits({~sum_1[6], ~sum_1[8], sum_3[8], sum_1[3], ~sum_1[5]}), .count(sum_70_count_2));
    wire [8:0] sum_70;
    fpgaq_chain #(.WIDTH(9), .DIFFERENCE(1)) sum_70_chain (
        .plain({1'b0, sum_7[7], sum_1[4], sum_7[5], sum_7[4], s_data[12], sum_1[4], sum_1[3], sum_7[0]}),
        .other({
            1'b0, sum_70_count_2[2], sum_70_count_2[1], sum_70_count_2[0], sum_70_count_1[2], sum_70_count_1[1],
            sum_70_count_1[0], sum_70_count_0[1], sum_70_count_0[0]
        }),
        .carry(sum_1[2]),
        .sum(sum_70)
    );

    wire [1:0] sum_71_count_0;
    fpgaq_count3 sum_71_count_0_cell (.bits({sum_7[3], sum_3[6], sum_1[1]}), .count(sum_71_count_0));
    wire [2:0] sum_71;
    fpgaq_chain #(.WIDTH(3), .DIFFERENCE(1)) sum_71_chain (
        .plain({1'b0, sum_1[6], sum_1[5]}),
        .other({1'b0, sum_71_count_0[1], sum_71_count_0[0]}),
        .carry(1'b0),
        .sum(sum_71)
    );

    wire [1:0] sum_72_count_0;
    fpgaq_count3 sum_72_count_0_cell (.bits({kept_0[225], kept_0[224], ~kept_0[66]}), .count(sum_72_count_0));
    wire [2:0] sum_72_count_1;
    fpgaq_count3_2 sum_72_count_1_cell (.bits({kept_0[227], ~kept_0[76], kept_0[226], kept_0[222], ~kept_0[60]}), .count(sum_72_count_1));
    wire [2:0] sum_72_count_2;
    fpgaq_count5 sum_72_count_2_cell (.bits({kept_0[228], kept_0[135], kept_0[95], kept_0[155], ~kept_0[69]}), .count(sum_72_count_2));
    wire [8:0] sum_72;
    fpgaq_chain #(.WIDTH(9), .DIFFERENCE(1)) sum_72_chain (
        .plain({1'b0, kept_0[223], kept_0[222], kept_0[221], kept_0[220], kept_0[219], kept_0[218], kept_0[217], kept_0[216]}),
        .other({
            1'b0, sum_72_count_2[2], sum_72_count_2[1], sum_72_count_2[0], sum_72_count_1[2], sum_72_count_1[1],
            sum_72_count_1[0], sum_72_count_0[1], sum_72_count_0[0]
        }),
        .carry(1'b0),
        .sum(sum_72)
    );

    wire [1:0] sum_73_count_0;
    fpgaq_count3 sum_73_count_0_cell (.bits({kept_0[41], ~kept_0[230], ~kept_0[229]}), .count(sum_73_count_0));
    wire [2:0] sum_73;
    fpgaq_chain #(.WIDTH(3), .DIFFERENCE(1)) sum_73_chain (
        .plain({1'b0, 1'b1, 1'b1}),
        .other({1'b0, sum_73_count_0[1], sum_73_count_0[0]}),
        .carry(1'b0),
        .sum(sum_73)
    );

    wire [2:0] sum_74_count_0;
    fpgaq_count3_2 sum_74_count_0_cell (.bits({~sum_72[4], ~kept_0[232], sum_73[2], ~sum_72[3], ~kept_0[231]}), .count(sum_74_count_0));
    wire [3:0] sum_74;
    fpgaq_chain #(.WIDTH(4), .DIFFERENCE(1)) sum_74_chain (
        .plain({1'b0, 1'b1, kept_0[62], 1'b1}),
        .other({1'b0, sum_74_count_0[2], sum_74_count_0[1], sum_74_count_0[0]}),
        .carry(1'b0),
        .sum(sum_74)
    );

    wire [2:0] sum_75_count_0;
    fpgaq_count3_2 sum_75_count_0_cell (.bits({~kept_0[135], ~kept_0[235], sum_72[6], kept_0[234], ~kept_0[233]}), .count(sum_75_count_0));
    wire [3:0] sum_75;
    fpgaq_chain #(.WIDTH(4), .DIFFERENCE(1)) sum_75_chain (
        .plain({1'b0, sum_72[8], sum_72[7], 1'b0}),
        .other({1'b0, sum_75_count_0[2], sum_75_count_0[1], sum_75_count_0[0]}),
        .carry(1'b0),
        .sum(sum_75)
    );

    wire [2:0] sum_76_count_0;
    fpgaq_count3_2 sum_76_count_0_cell (.bits({kept_0[239], ~kept_0[75], kept_0[238], kept_0[237], ~kept_0[38]}), .count(sum_76_count_0));
    wire [3:0] sum_76;
    fpgaq_chain #(.WIDTH(4), .DIFFERENCE(1)) sum_76_chain (
        .plain({1'b0, sum_72[0], kept_0[236], 1'b0}),
        .other({1'b0, sum_76_count_0[2], sum_76_count_0[1], sum_76_count_0[0]}),
        .carry(1'b0),
        .sum(sum_76)
    );

    wire [2:0] sum_77_count_2;
    fpgaq_count3_2 sum_77_count_2_cell (.bits({~kept_1[172], ~kept_1[171], ~kept_1[170], ~kept_1[169], ~kept_1[168]}), .count(sum_77_count_2));
    wire [2:0] sum_77_count_3;
    fpgaq_count3_2 sum_77_count_3_cell (.bits({~kept_1[177], ~kept_1[176], kept_1[175], ~kept_1[174], ~kept_1[173]}), .count(sum_77_count_3));
    wire [15:0] sum_77;
    fpgaq_chain #(.WIDTH(16), .DIFFERENCE(1)) sum_77_chain (
        .plain({
            ~kept_1[165], 1'b1, 1'b1, kept_1[164], kept_1[163], 1'b1, kept_1[162], kept_1[161], 1'b0, ~kept_1[160],
            ~kept_1[159], ~kept_1[158], 1'b1, 1'b1, 1'b1, kept_1[0]
        }),
        .other({
            1'b0, ~kept_1[182], ~kept_1[181], ~kept_1[180], ~kept_1[179], kept_1[178], sum_77_count_3[2], sum_77_count_3[1],
            sum_77_count_3[0], 1'b0, 1'b0, sum_77_count_2[2], sum_77_count_2[1], sum_77_count_2[0], ~kept_1[167],
            ~kept_1[166]
        }),
        .carry(1'b0),
        .sum(sum_77)
    );

    always @(posedge clk) begin
        kept_0 <= {
            sum_21[0], sum_71[2], sum_70[0], sum_69[2], sum_69[1], sum_3[2], sum_69[0], sum_3[0], sum_69[4], sum_70[1],
            sum_69[3], sum_70[2], s_data[47], sum_69[11], s_data[46], sum_70[7], sum_70[6], sum_71[1], sum_70[4], sum_69[10],
            sum_7[6], sum_69[7], sum_70[3], sum_69[5], sum_69[12], sum_1[7], sum_70[8], sum_69[9], sum_69[8], sum_70[5],
            sum_69[6], sum_71[0], sum_60[0], sum_61[2], sum_61[0], sum_60[1], sum_59[2], sum_11[0], sum_59[8], sum_60[6],
            sum_60[5], sum_60[4], sum_60[3], sum_60[2], sum_58[6], s_data[39], sum_11[3], sum_6[7], sum_1[3], sum_6[4],
            sum_3[4], s_data[2], sum_61[1], sum_59[9], sum_59[7], sum_59[6], sum_59[5], sum_59[4], sum_59[3], sum_59[1],
            sum_59[0], sum_51[6], sum_51[3], sum_50[5], sum_51[1], sum_50[3], sum_4[3], sum_51[4], sum_50[6], sum_4[6],
            sum_51[0], sum_50[2], sum_50[1], sum_4[1], sum_50[9], sum_49[8], s_data[41], s_data[40], sum_50[0], sum_11[8],
            s_data[15], sum_11[7], sum_49[9], s_data[14], sum_50[8], sum_4[8], sum_11[4], sum_51[5], sum_50[7], sum_51[2],
            sum_50[4], sum_4[4], sum_1[6], sum_11[6], sum_11[5], sum_11[1], sum_40[2], sum_39[0], sum_1[0], sum_2[8],
            sum_39[11], sum_40[6], sum_5[6], sum_3[8], sum_39[9], sum_39[10], sum_40[4], sum_39[5], sum_40[0], sum_39[1],
            sum_39[7], sum_41[0], sum_1[8], sum_40[5], sum_41[2], sum_39[3], sum_3[1], sum_40[1], sum_39[2], sum_1[1],
            sum_2[3], sum_2[7], sum_41[1], sum_3[3], sum_39[4], sum_5[0], sum_3[7], sum_39[8], sum_3[5], sum_39[6], sum_5[1],
            sum_40[3], sum_6[1], s_data[25], sum_0[0], sum_6[0], s_data[24], s_data[32], sum_29[7], sum_30[1], sum_29[1],
            sum_7[1], sum_7[7], sum_30[7], sum_30[2], sum_29[3], sum_7[3], sum_30[5], sum_30[4], sum_30[0], sum_28[0],
            sum_29[0], sum_7[8], sum_6[8], sum_5[8], sum_29[5], sum_7[5], sum_5[5], sum_6[5], sum_29[2], sum_7[2], sum_5[2],
            sum_6[2], sum_29[9], sum_29[8], sum_5[7], sum_29[6], sum_30[6], sum_29[4], sum_5[3], sum_30[3], sum_9[5],
            sum_9[1], sum_22[0], sum_21[1], sum_2[0], sum_12[7], s_data[6], sum_9[7], sum_8[9], s_data[7], sum_9[2],
            sum_8[2], sum_22[3], sum_8[7], sum_9[6], sum_8[5], sum_9[4], s_data[5], sum_23[2], s_data[4], sum_23[0],
            sum_22[5], sum_8[3], sum_22[4], sum_12[2], sum_22[2], sum_12[0], sum_8[0], sum_22[1], sum_21[3], sum_8[8],
            sum_23[3], sum_8[6], sum_23[1], sum_8[4], sum_9[3], sum_20[2], sum_8[1], sum_9[0], sum_15[3], sum_15[1],
            sum_15[0], s_data[17], s_data[16], sum_10[8], sum_14[3], sum_10[0], sum_10[1], sum_14[2], sum_12[4], sum_10[9],
            sum_0[8], sum_10[7], sum_10[4], sum_0[6], sum_10[6], sum_12[8], sum_0[5], sum_10[5], sum_12[6], sum_10[3],
            sum_0[2], sum_13[2], sum_10[2], sum_12[1], s_data[42], s_data[20], sum_0[7], sum_14[7], sum_14[6], sum_14[5],
            sum_14[4], sum_12[5], sum_0[1], sum_14[1], sum_14[0], sum_15[2]
        };
        kept_1 <= {
            kept_0[247], sum_75[2], sum_75[1], sum_75[0], sum_72[5], sum_74[1], sum_72[2], kept_0[246], sum_73[0], sum_76[3],
            sum_72[1], kept_0[245], kept_0[244], kept_0[243], kept_0[128], kept_0[242], kept_0[241], kept_0[240], sum_75[3],
            sum_74[3], sum_74[2], sum_74[0], sum_73[1], sum_76[2], sum_76[1], sum_76[0], sum_64[4], sum_64[3], sum_62[6],
            sum_64[2], sum_62[5], sum_62[4], sum_62[2], kept_0[215], kept_0[214], sum_62[0], kept_0[213], kept_0[122],
            sum_62[7], sum_64[1], sum_64[0], sum_62[1], sum_63[2], sum_63[1], sum_63[0], sum_64[6], sum_62[9], sum_64[5],
            sum_62[8], sum_64[10], sum_64[9], sum_64[8], sum_64[7], kept_0[186], kept_0[185], kept_0[184], sum_53[1],
            sum_53[0], sum_53[2], kept_0[183], kept_0[182], kept_0[181], sum_54[4], sum_52[4], kept_0[180], kept_0[179],
            kept_0[178], kept_0[177], kept_0[176], sum_53[3], kept_0[175], kept_0[174], sum_54[5], sum_52[9], sum_54[3],
            sum_54[2], sum_54[1], sum_54[0], kept_0[23], sum_52[3], sum_52[2], sum_52[1], sum_52[0], sum_46[1], sum_42[6],
            sum_46[0], sum_42[2], sum_42[0], kept_0[151], kept_0[150], kept_0[149], sum_45[5], sum_45[4], sum_45[3],
            sum_45[2], sum_45[1], sum_45[0], sum_43[1], sum_43[0], kept_0[148], sum_46[3], sum_46[2], kept_0[147],
            kept_0[82], sum_42[4], sum_44[1], sum_42[3], kept_0[146], kept_0[93], sum_44[2], sum_45[6], sum_34[4], sum_33[2],
            sum_34[3], sum_33[1], kept_0[63], sum_33[0], sum_34[1], sum_34[0], kept_0[115], kept_0[114], kept_0[113],
            kept_0[112], kept_0[111], kept_0[110], sum_34[2], sum_35[2], sum_35[1], sum_35[0], sum_32[1], sum_32[0],
            kept_0[49], sum_31[5], kept_0[109], sum_34[5], sum_31[4], kept_0[68], sum_34[9], sum_34[8], sum_34[7], sum_34[6],
            sum_25[4], sum_24[6], sum_25[3], sum_24[5], kept_0[76], sum_24[4], kept_0[75], kept_0[74], kept_0[73], sum_25[2],
            sum_25[1], sum_25[0], sum_24[1], sum_24[0], kept_0[72], kept_0[71], kept_0[70], sum_25[5], sum_24[7], kept_0[69],
            sum_25[9], sum_25[8], sum_25[7], sum_25[6], sum_16[6], kept_0[37], sum_16[0], kept_0[36], kept_0[35], kept_0[34],
            sum_18[10], sum_18[9], sum_18[8], sum_18[7], sum_18[6], sum_18[5], sum_18[4], sum_18[3], sum_18[2], sum_18[1],
            sum_18[0], sum_16[1], kept_0[33]
        };
        kept_2 <= {
            sum_77[15], sum_77[14], sum_77[13], sum_77[12], sum_77[11], sum_77[10], sum_77[9], sum_77[8], sum_77[7],
            sum_77[6], sum_77[5], sum_77[4], sum_77[3], sum_77[2], sum_77[1], sum_77[0], sum_66[9], sum_66[8], sum_66[7],
            sum_66[6], sum_66[5], sum_66[4], sum_66[3], sum_66[2], sum_66[1], sum_66[0], sum_48[15], sum_48[14], sum_48[13],
            sum_48[12], sum_48[11], sum_48[10], sum_48[9], sum_48[8], sum_48[7], sum_48[6], sum_48[5], sum_48[4], sum_48[3],
            sum_48[2], sum_48[1], sum_48[0], sum_37[15], sum_37[14], sum_37[13], sum_37[12], sum_37[11], sum_37[10],
            sum_37[9], sum_37[8], sum_37[7], sum_37[6], sum_37[5], sum_37[4], sum_37[3], sum_37[2], sum_37[1], sum_37[0],
            sum_27[13], sum_27[12], sum_27[11], sum_27[10], sum_27[9], sum_27[8], sum_27[7], sum_27[6], sum_27[5], sum_27[4],
            sum_27[3], sum_27[2], sum_27[1], sum_27[0], kept_1[183], kept_1[0], sum_19[16], sum_19[15], sum_19[14],
            sum_19[13], sum_19[12], sum_19[11], sum_19[10], sum_19[9], sum_19[8], sum_19[7], sum_19[6], sum_19[5], sum_19[4],
            sum_19[3], sum_19[2], sum_19[1], sum_19[0], sum_66[10], sum_66[16], sum_66[15], sum_66[14], sum_66[13],
            sum_66[12], sum_66[11], kept_1[157], sum_56[10], sum_55[12], sum_56[8], sum_56[5], sum_55[7], kept_1[130],
            sum_56[4], sum_56[2], kept_1[129], kept_1[128], sum_56[1], kept_1[127], kept_1[126], sum_56[11], sum_56[9],
            sum_56[7], sum_56[6], sum_56[3], sum_56[0], sum_55[1], sum_55[0], kept_1[125]
        };
    end

    wire [16:0] total_0 = {
        kept_2[46], kept_2[45], kept_2[44], kept_2[43], kept_2[42], kept_2[41], kept_2[40], kept_2[39], kept_2[38],
        kept_2[37], kept_2[36], kept_2[35], kept_2[34], kept_2[33], kept_2[32], kept_2[31], kept_2[30]
    };
    fpgaq_requantize #(
        .TOTAL_WIDTH(17),
        .SHIFT(9),
        .ROUNDING(3), // floor
        .RESULT_WIDTH(5),
        .RESULT_SIGNED(1),
        .NARROW(0),
        .RELU(1)
    ) requantize_0 (
        .clk(clk),
        .total(total_0),
        .lift(1'b0),
        .result(m_data[0 +: 5])
    );

    wire [15:0] total_1 = {
        kept_2[62], kept_2[61], kept_2[60], kept_2[59], kept_2[58], kept_2[57], kept_2[56], kept_2[55], kept_2[54],
        kept_2[53], kept_2[52], kept_2[51], kept_2[50], kept_2[49], kept_2[48], kept_2[47]
    };
    fpgaq_requantize #(
        .TOTAL_WIDTH(16),
        .SHIFT(9),
        .ROUNDING(3), // floor
        .RESULT_WIDTH(5),
        .RESULT_SIGNED(1),
        .NARROW(0),
        .RELU(1)
    ) requantize_1 (
        .clk(clk),
        .total(total_1),
        .lift(1'b0),
        .result(m_data[5 +: 5])
    );

    wire [15:0] total_2 = {
        kept_2[78], kept_2[77], kept_2[76], kept_2[75], kept_2[74], kept_2[73], kept_2[72], kept_2[71], kept_2[70],
        kept_2[69], kept_2[68], kept_2[67], kept_2[66], kept_2[65], kept_2[64], kept_2[63]
    };
    fpgaq_requantize #(
        .TOTAL_WIDTH(16),
        .SHIFT(10),
        .ROUNDING(3), // floor
        .RESULT_WIDTH(5),
        .RESULT_SIGNED(1),
        .NARROW(0),
        .RELU(1)
    ) requantize_2 (
        .clk(clk),
        .total(total_2),
        .lift(1'b0),
        .result(m_data[10 +: 5])
    );

    wire [15:0] total_3 = {
        kept_2[94], kept_2[93], kept_2[92], kept_2[91], kept_2[90], kept_2[89], kept_2[88], kept_2[87], kept_2[86],
        kept_2[85], kept_2[84], kept_2[83], kept_2[82], kept_2[81], kept_2[80], kept_2[79]
    };
    fpgaq_requantize #(
        .TOTAL_WIDTH(16),
        .SHIFT(9),
        .ROUNDING(3), // floor
        .RESULT_WIDTH(5),
        .RESULT_SIGNED(1),
        .NARROW(0),
        .RELU(1)
    ) requantize_3 (
        .clk(clk),
        .total(total_3),
        .lift(1'b0),
        .result(m_data[15 +: 5])
    );

    wire [16:0] total_4 = {
        sum_57[16], sum_57[15], sum_57[14], sum_57[13], sum_57[12], sum_57[11], sum_57[10], sum_57[9], sum_57[8],
        sum_57[7], sum_57[6], sum_57[5], sum_57[4], sum_57[3], sum_57[2], sum_57[1], sum_57[0]
    };
    fpgaq_requantize #(
        .TOTAL_WIDTH(17),
        .SHIFT(9),
        .ROUNDING(3), // floor
        .RESULT_WIDTH(5),
        .RESULT_SIGNED(1),
        .NARROW(0),
        .RELU(1)
    ) requantize_4 (
        .clk(clk),
        .total(total_4),
        .lift(1'b0),
        .result(m_data[20 +: 5])
    );

    wire [16:0] total_5 = {
        sum_67[6], sum_67[5], sum_67[4], sum_67[3], sum_67[2], sum_67[1], sum_67[0], kept_2[104], kept_2[103],
        kept_2[102], kept_2[101], kept_2[100], kept_2[99], kept_2[98], kept_2[97], kept_2[96], kept_2[95]
    };
    fpgaq_requantize #(
        .TOTAL_WIDTH(17),
        .SHIFT(10),
        .ROUNDING(3), // floor
        .RESULT_WIDTH(5),
        .RESULT_SIGNED(1),
        .NARROW(0),
        .RELU(1)
    ) requantize_5 (
        .clk(clk),
        .total(total_5),
        .lift(1'b0),
        .result(m_data[25 +: 5])
    );

    wire [15:0] total_6 = {
        kept_2[120], kept_2[119], kept_2[118], kept_2[117], kept_2[116], kept_2[115], kept_2[114], kept_2[113],
        kept_2[112], kept_2[111], kept_2[110], kept_2[109], kept_2[108], kept_2[107], kept_2[106], kept_2[105]
    };
    fpgaq_requantize #(
        .TOTAL_WIDTH(16),
        .SHIFT(10),
        .ROUNDING(3), // floor
        .RESULT_WIDTH(5),
        .RESULT_SIGNED(1),
        .NARROW(0),
        .RELU(1)
    ) requantize_6 (
        .clk(clk),
        .total(total_6),
        .lift(1'b0),
        .result(m_data[30 +: 5])
    );

    wire unused = &{1'b0, {sum_9_count_5[2]}};
endmodule
`default_nettype wire
