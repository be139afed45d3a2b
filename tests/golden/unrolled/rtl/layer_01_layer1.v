// Layer layer1: affine, 7 to 3, unrolled: a frame a cycle, 3 cycles.
// Input 7 of s5.2; output 3 of s13.6.
// 5 sums of 35 additions in 23 carry chains, 5 behind one another; about 107 look-up tables.
`default_nettype none
module layer_01_layer1 (
    input  wire clk,
    input  wire [34:0] s_data,
    output wire [38:0] m_data
);
    reg [66:0] kept_0;
    reg [47:0] kept_1;

    wire [4:0] sum_0;
    fpgaq_chain #(.WIDTH(5), .DIFFERENCE(0)) sum_0_chain (
        .plain({1'b0, s_data[33], s_data[32], s_data[31], s_data[10]}),
        .other({1'b0, s_data[13], s_data[12], s_data[11], 1'b0}),
        .carry(s_data[30]),
        .sum(sum_0)
    );

    wire [4:0] sum_1;
    fpgaq_chain #(.WIDTH(5), .DIFFERENCE(1)) sum_1_chain (
        .plain({1'b1, s_data[18], s_data[17], s_data[16], s_data[15]}),
        .other({1'b0, ~s_data[23], ~s_data[22], ~s_data[21], ~s_data[20]}),
        .carry(1'b1),
        .sum(sum_1)
    );

    wire [2:0] sum_2_count_0;
    fpgaq_count5 sum_2_count_0_cell (.bits({s_data[22], s_data[5], s_data[8], ~s_data[16], ~s_data[10]}), .count(sum_2_count_0));
    wire [2:0] sum_2_count_1;
    fpgaq_count5 sum_2_count_1_cell (.bits({s_data[11], s_data[8], ~s_data[31], ~s_data[13], ~s_data[1]}), .count(sum_2_count_1));
    wire [6:0] sum_2;
    fpgaq_chain #(.WIDTH(7), .DIFFERENCE(1)) sum_2_chain (
        .plain({1'b0, s_data[13], s_data[12], s_data[16], s_data[7], s_data[6], s_data[28]}),
        .other({1'b0, sum_2_count_1[2], sum_2_count_1[1], sum_2_count_1[0], sum_2_count_0[2], sum_2_count_0[1], sum_2_count_0[0]}),
        .carry(s_data[26]),
        .sum(sum_2)
    );

    wire [2:0] sum_3_count_0;
    fpgaq_count5 sum_3_count_0_cell (.bits({s_data[25], s_data[27], s_data[21], s_data[7], ~s_data[15]}), .count(sum_3_count_0));
    wire [3:0] sum_3;
    fpgaq_chain #(.WIDTH(4), .DIFFERENCE(1)) sum_3_chain (
        .plain({1'b0, s_data[23], s_data[31], s_data[30]}),
        .other({1'b0, sum_3_count_0[2], sum_3_count_0[1], sum_3_count_0[0]}),
        .carry(1'b1),
        .sum(sum_3)
    );

    wire [1:0] sum_4_count_0;
    fpgaq_count3 sum_4_count_0_cell (.bits({s_data[27], ~s_data[17], ~s_data[11]}), .count(sum_4_count_0));
    wire [2:0] sum_4;
    fpgaq_chain #(.WIDTH(3), .DIFFERENCE(1)) sum_4_chain (
        .plain({1'b0, s_data[10], s_data[32]}),
        .other({1'b0, sum_4_count_0[1], sum_4_count_0[0]}),
        .carry(1'b0),
        .sum(sum_4)
    );

    wire [2:0] sum_5_count_0;
    fpgaq_count5 sum_5_count_0_cell (.bits({s_data[15], ~s_data[30], ~s_data[18], ~s_data[12], ~s_data[0]}), .count(sum_5_count_0));
    wire [3:0] sum_5;
    fpgaq_chain #(.WIDTH(4), .DIFFERENCE(1)) sum_5_chain (
        .plain({1'b0, s_data[17], 1'b0, s_data[28]}),
        .other({1'b0, sum_5_count_0[2], sum_5_count_0[1], sum_5_count_0[0]}),
        .carry(s_data[33]),
        .sum(sum_5)
    );

    wire [1:0] sum_6_count_0;
    fpgaq_count3 sum_6_count_0_cell (.bits({s_data[26], s_data[20], s_data[6]}), .count(sum_6_count_0));
    wire [2:0] sum_6_count_1;
    fpgaq_count3_2 sum_6_count_1_cell (.bits({sum_3[3], sum_2[2], sum_4[0], sum_3[2], sum_2[1]}), .count(sum_6_count_1));
    wire [2:0] sum_6_count_2;
    fpgaq_count3_2 sum_6_count_2_cell (.bits({~s_data[33], ~s_data[3], sum_2[4], ~s_data[32], ~s_data[2]}), .count(sum_6_count_2));
    wire [9:0] sum_6;
    fpgaq_chain #(.WIDTH(10), .DIFFERENCE(1)) sum_6_chain (
        .plain({1'b0, sum_2[6], s_data[18], sum_5[2], sum_2[3], sum_4[1], sum_0[4], sum_2[0], sum_3[0], sum_0[1]}),
        .other({
            1'b0, sum_6_count_2[2], sum_6_count_2[1], sum_6_count_2[0], sum_6_count_1[2], sum_6_count_1[1], sum_6_count_1[0],
            1'b0, sum_6_count_0[1], sum_6_count_0[0]
        }),
        .carry(1'b1),
        .sum(sum_6)
    );

    wire [1:0] sum_7_count_0;
    fpgaq_count3 sum_7_count_0_cell (.bits({kept_0[8], kept_0[7], kept_0[6]}), .count(sum_7_count_0));
    wire [1:0] sum_7_count_2;
    fpgaq_count3 sum_7_count_2_cell (.bits({kept_0[12], kept_0[11], kept_0[10]}), .count(sum_7_count_2));
    wire [2:0] sum_7_count_3;
    fpgaq_count3_2 sum_7_count_3_cell (.bits({kept_0[16], kept_0[15], 1'b1, kept_0[14], kept_0[13]}), .count(sum_7_count_3));
    wire [1:0] sum_7_count_4;
    fpgaq_count3 sum_7_count_4_cell (.bits({kept_0[19], kept_0[18], kept_0[17]}), .count(sum_7_count_4));
    wire [11:0] sum_7;
    fpgaq_chain #(.WIDTH(12), .DIFFERENCE(1)) sum_7_chain (
        .plain({1'b1, 1'b1, kept_0[5], 1'b0, kept_0[4], kept_0[3], 1'b0, kept_0[2], 1'b1, kept_0[1], kept_0[0], 1'b1}),
        .other({
            1'b0, kept_0[20], sum_7_count_4[1], sum_7_count_4[0], sum_7_count_3[2], sum_7_count_3[1], sum_7_count_3[0],
            sum_7_count_2[1], sum_7_count_2[0], kept_0[9], sum_7_count_0[1], sum_7_count_0[0]
        }),
        .carry(1'b0),
        .sum(sum_7)
    );

    wire [2:0] sum_8_count_0;
    fpgaq_count3_2 sum_8_count_0_cell (.bits({~s_data[17], ~s_data[3], s_data[6], ~s_data[16], ~s_data[2]}), .count(sum_8_count_0));
    wire [3:0] sum_8;
    fpgaq_chain #(.WIDTH(4), .DIFFERENCE(1)) sum_8_chain (
        .plain({1'b0, s_data[8], s_data[7], s_data[11]}),
        .other({1'b0, sum_8_count_0[2], sum_8_count_0[1], sum_8_count_0[0]}),
        .carry(s_data[32]),
        .sum(sum_8)
    );

    wire [2:0] sum_9_count_0;
    fpgaq_count3_2 sum_9_count_0_cell (.bits({s_data[8], ~s_data[3], s_data[27], s_data[7], ~s_data[2]}), .count(sum_9_count_0));
    wire [3:0] sum_9;
    fpgaq_chain #(.WIDTH(4), .DIFFERENCE(1)) sum_9_chain (
        .plain({1'b0, s_data[0], s_data[28], 1'b0}),
        .other({1'b0, sum_9_count_0[2], sum_9_count_0[1], sum_9_count_0[0]}),
        .carry(1'b0),
        .sum(sum_9)
    );

    wire [1:0] sum_10_count_0;
    fpgaq_count3 sum_10_count_0_cell (.bits({~sum_0[0], ~s_data[25], ~s_data[5]}), .count(sum_10_count_0));
    wire [2:0] sum_10_count_1;
    fpgaq_count3_2 sum_10_count_1_cell (.bits({~sum_0[3], ~sum_9[1], ~sum_0[0], ~sum_0[2], ~sum_9[0]}), .count(sum_10_count_1));
    wire [2:0] sum_10_count_2;
    fpgaq_count5 sum_10_count_2_cell (.bits({s_data[5], ~sum_0[3], ~sum_9[3], ~s_data[15], ~s_data[1]}), .count(sum_10_count_2));
    wire [8:0] sum_10;
    fpgaq_chain #(.WIDTH(9), .DIFFERENCE(1)) sum_10_chain (
        .plain({1'b0, s_data[12], sum_8[0], s_data[10], s_data[30], sum_1[3], sum_1[2], s_data[1], s_data[0]}),
        .other({
            1'b0, sum_10_count_2[2], sum_10_count_2[1], sum_10_count_2[0], sum_10_count_1[2], sum_10_count_1[1],
            sum_10_count_1[0], sum_10_count_0[1], sum_10_count_0[0]
        }),
        .carry(sum_1[0]),
        .sum(sum_10)
    );

    wire [1:0] sum_11_count_0;
    fpgaq_count3 sum_11_count_0_cell (.bits({~sum_0[1], ~s_data[26], ~s_data[6]}), .count(sum_11_count_0));
    wire [1:0] sum_11_count_1;
    fpgaq_count3 sum_11_count_1_cell (.bits({~sum_0[2], ~sum_0[4], ~sum_9[2]}), .count(sum_11_count_1));
    wire [10:0] sum_11;
    fpgaq_chain #(.WIDTH(11), .DIFFERENCE(1)) sum_11_chain (
        .plain({1'b1, 1'b1, sum_8[3], s_data[13], s_data[33], 1'b1, s_data[31], 1'b1, 1'b0, 1'b1, sum_1[1]}),
        .other({
            1'b0, 1'b0, 1'b0, 1'b0, 1'b0, 1'b0, sum_11_count_1[1], sum_11_count_1[0], 1'b0, sum_11_count_0[1],
            sum_11_count_0[0]
        }),
        .carry(1'b1),
        .sum(sum_11)
    );

    wire [1:0] sum_12_count_0;
    fpgaq_count3 sum_12_count_0_cell (.bits({kept_0[27], kept_0[26], ~kept_0[25]}), .count(sum_12_count_0));
    wire [3:0] sum_12;
    fpgaq_chain #(.WIDTH(4), .DIFFERENCE(1)) sum_12_chain (
        .plain({kept_0[24], kept_0[23], kept_0[22], kept_0[21]}),
        .other({1'b0, 1'b0, sum_12_count_0[1], sum_12_count_0[0]}),
        .carry(1'b0),
        .sum(sum_12)
    );

    wire [2:0] sum_13_count_0;
    fpgaq_count3_2 sum_13_count_0_cell (.bits({kept_0[34], ~kept_0[33], kept_0[32], kept_0[31], ~kept_0[30]}), .count(sum_13_count_0));
    wire [3:0] sum_13;
    fpgaq_chain #(.WIDTH(4), .DIFFERENCE(1)) sum_13_chain (
        .plain({1'b0, kept_0[29], kept_0[28], 1'b0}),
        .other({1'b0, sum_13_count_0[2], sum_13_count_0[1], sum_13_count_0[0]}),
        .carry(1'b0),
        .sum(sum_13)
    );

    wire [2:0] sum_14_count_0;
    fpgaq_count3_2 sum_14_count_0_cell (.bits({kept_1[10], kept_1[9], kept_1[8], kept_1[7], ~kept_1[6]}), .count(sum_14_count_0));
    wire [5:0] sum_14;
    fpgaq_chain #(.WIDTH(6), .DIFFERENCE(1)) sum_14_chain (
        .plain({kept_1[5], kept_1[4], kept_1[3], kept_1[2], kept_1[1], kept_1[0]}),
        .other({1'b0, 1'b0, 1'b0, sum_14_count_0[2], sum_14_count_0[1], sum_14_count_0[0]}),
        .carry(1'b0),
        .sum(sum_14)
    );

    wire [1:0] sum_15_count_1;
    fpgaq_count3 sum_15_count_1_cell (.bits({1'b1, kept_1[18], kept_1[17]}), .count(sum_15_count_1));
    wire [10:0] sum_15;
    fpgaq_chain #(.WIDTH(11), .DIFFERENCE(1)) sum_15_chain (
        .plain({
            sum_14[5], sum_14[4], sum_14[3], sum_14[2], sum_14[1], sum_14[0], 1'b0, kept_1[14], kept_1[13], kept_1[12],
            kept_1[11]
        }),
        .other({1'b0, 1'b0, 1'b0, 1'b0, 1'b0, sum_15_count_1[1], sum_15_count_1[0], 1'b0, 1'b0, kept_1[16], 1'b0}),
        .carry(kept_1[15]),
        .sum(sum_15)
    );

    wire [2:0] sum_16_count_0;
    fpgaq_count3_2 sum_16_count_0_cell (.bits({~s_data[25], ~s_data[1], s_data[7], s_data[3], ~s_data[0]}), .count(sum_16_count_0));
    wire [2:0] sum_16_count_1;
    fpgaq_count3_2 sum_16_count_1_cell (.bits({~s_data[32], ~s_data[28], ~s_data[31], ~s_data[27], ~s_data[3]}), .count(sum_16_count_1));
    wire [6:0] sum_16;
    fpgaq_chain #(.WIDTH(7), .DIFFERENCE(1)) sum_16_chain (
        .plain({1'b0, s_data[3], s_data[2], s_data[1], s_data[0], s_data[8], s_data[10]}),
        .other({
            1'b0, sum_16_count_1[2], sum_16_count_1[1], sum_16_count_1[0], sum_16_count_0[2], sum_16_count_0[1],
            sum_16_count_0[0]
        }),
        .carry(s_data[26]),
        .sum(sum_16)
    );

    wire [1:0] sum_17_count_0;
    fpgaq_count3 sum_17_count_0_cell (.bits({~s_data[30], ~s_data[26], ~s_data[2]}), .count(sum_17_count_0));
    wire [2:0] sum_17;
    fpgaq_chain #(.WIDTH(3), .DIFFERENCE(1)) sum_17_chain (
        .plain({1'b0, s_data[13], s_data[12]}),
        .other({1'b0, sum_17_count_0[1], sum_17_count_0[0]}),
        .carry(s_data[28]),
        .sum(sum_17)
    );

    wire [1:0] sum_18_count_0;
    fpgaq_count3 sum_18_count_0_cell (.bits({s_data[5], s_data[1], ~sum_1[1]}), .count(sum_18_count_0));
    wire [2:0] sum_18_count_1;
    fpgaq_count3_2 sum_18_count_1_cell (.bits({s_data[27], s_data[11], sum_0[3], sum_16[0], ~sum_1[3]}), .count(sum_18_count_1));
    wire [2:0] sum_18_count_2;
    fpgaq_count3_2 sum_18_count_2_cell (.bits({sum_17[2], sum_16[4], sum_17[1], sum_16[3], ~sum_1[4]}), .count(sum_18_count_2));
    wire [8:0] sum_18;
    fpgaq_chain #(.WIDTH(9), .DIFFERENCE(1)) sum_18_chain (
        .plain({1'b0, sum_16[5], sum_1[3], sum_1[2], sum_16[2], sum_16[1], sum_1[1], s_data[2], sum_0[1]}),
        .other({
            1'b0, sum_18_count_2[2], sum_18_count_2[1], sum_18_count_2[0], sum_18_count_1[2], sum_18_count_1[1],
            sum_18_count_1[0], sum_18_count_0[1], sum_18_count_0[0]
        }),
        .carry(1'b0),
        .sum(sum_18)
    );

    wire [1:0] sum_19_count_0;
    fpgaq_count3 sum_19_count_0_cell (.bits({sum_1[2], sum_1[4], sum_0[4]}), .count(sum_19_count_0));
    wire [2:0] sum_19;
    fpgaq_chain #(.WIDTH(3), .DIFFERENCE(1)) sum_19_chain (
        .plain({1'b0, sum_17[0], sum_1[0]}),
        .other({1'b0, sum_19_count_0[1], sum_19_count_0[0]}),
        .carry(1'b0),
        .sum(sum_19)
    );

    wire [2:0] sum_20_count_0;
    fpgaq_count5 sum_20_count_0_cell (.bits({kept_0[53], kept_0[9], kept_0[7], kept_0[52], ~kept_0[51]}), .count(sum_20_count_0));
    wire [1:0] sum_20_count_1;
    fpgaq_count3 sum_20_count_1_cell (.bits({kept_0[56], kept_0[55], kept_0[54]}), .count(sum_20_count_1));
    wire [5:0] sum_20;
    fpgaq_chain #(.WIDTH(6), .DIFFERENCE(1)) sum_20_chain (
        .plain({1'b0, kept_0[50], kept_0[49], kept_0[48], kept_0[47], kept_0[46]}),
        .other({1'b0, sum_20_count_1[1], sum_20_count_1[0], sum_20_count_0[2], sum_20_count_0[1], sum_20_count_0[0]}),
        .carry(1'b0),
        .sum(sum_20)
    );

    wire [2:0] sum_21_count_0;
    fpgaq_count3_2 sum_21_count_0_cell (.bits({~kept_0[60], ~kept_0[59], kept_0[33], kept_0[58], ~kept_0[57]}), .count(sum_21_count_0));
    wire [2:0] sum_21;
    fpgaq_chain #(.WIDTH(3), .DIFFERENCE(1)) sum_21_chain (
        .plain({1'b0, 1'b1, 1'b1}),
        .other({sum_21_count_0[2], sum_21_count_0[1], sum_21_count_0[0]}),
        .carry(1'b0),
        .sum(sum_21)
    );

    wire [1:0] sum_22_count_0;
    fpgaq_count3 sum_22_count_0_cell (.bits({kept_1[29], ~kept_1[28], ~kept_1[27]}), .count(sum_22_count_0));
    wire [10:0] sum_22;
    fpgaq_chain #(.WIDTH(11), .DIFFERENCE(1)) sum_22_chain (
        .plain({
            kept_1[26], kept_1[25], kept_1[24], ~kept_1[23], ~kept_1[22], ~kept_1[21], ~kept_1[20], 1'b1, 1'b1, ~kept_1[19],
            1'b0
        }),
        .other({
            1'b0, 1'b0, 1'b0, ~kept_1[34], ~kept_1[33], 1'b0, ~kept_1[32], ~kept_1[31], ~kept_1[30], sum_22_count_0[1],
            sum_22_count_0[0]
        }),
        .carry(1'b0),
        .sum(sum_22)
    );

    always @(posedge clk) begin
        kept_0 <= {
            sum_10[0], sum_18[6], sum_19[2], sum_19[0], s_data[0], sum_18[0], sum_18[8], sum_16[6], s_data[33], sum_18[7],
            sum_18[4], sum_1[1], sum_1[3], sum_1[0], s_data[6], sum_1[2], sum_18[5], sum_19[1], sum_18[3], sum_18[2],
            sum_18[1], sum_11[4], sum_10[2], sum_11[0], sum_11[1], sum_10[1], sum_10[7], sum_8[1], sum_11[5], sum_10[6],
            sum_0[4], sum_11[6], sum_10[4], sum_1[4], sum_11[2], sum_10[3], sum_0[1], sum_10[5], sum_11[3], sum_10[8],
            sum_8[2], s_data[18], sum_11[10], sum_11[9], sum_11[8], sum_11[7], sum_6[9], sum_6[7], sum_5[3], sum_2[5],
            sum_5[1], sum_4[2], sum_6[4], sum_5[0], sum_6[2], sum_0[3], sum_3[1], sum_0[2], sum_0[0], s_data[25], s_data[5],
            sum_6[8], sum_6[6], sum_6[5], sum_6[3], sum_6[1], sum_6[0]
        };
        kept_1 <= {
            kept_0[66], sum_7[11], sum_7[10], sum_7[9], sum_7[8], sum_7[7], sum_7[6], sum_7[5], sum_7[4], sum_7[3], sum_7[2],
            sum_7[1], sum_7[0], kept_0[65], kept_0[64], kept_0[63], sum_20[1], sum_20[0], kept_0[53], kept_0[8], kept_0[62],
            sum_21[2], sum_21[1], sum_21[0], sum_20[5], sum_20[4], sum_20[3], sum_20[2], kept_0[61], sum_13[2], kept_0[45],
            kept_0[44], kept_0[43], sum_13[1], sum_13[0], kept_0[42], kept_0[41], kept_0[40], kept_0[39], kept_0[38],
            kept_0[37], kept_0[36], sum_12[3], sum_12[2], sum_12[1], sum_12[0], kept_0[35], sum_13[3]
        };
    end

    wire [12:0] total_0 = {
        kept_1[46], kept_1[46], kept_1[45], kept_1[44], kept_1[43], kept_1[42], kept_1[41], kept_1[40], kept_1[39],
        kept_1[38], kept_1[37], kept_1[36], kept_1[35]
    };
    reg [12:0] result_0;
    assign m_data[0 +: 13] = result_0;
    always @(posedge clk)
        result_0 <= total_0;

    wire [12:0] total_1 = {
        sum_15[10], sum_15[10], sum_15[9], sum_15[8], sum_15[7], sum_15[6], sum_15[5], sum_15[4], sum_15[3], sum_15[2],
        sum_15[1], sum_15[0], kept_1[47]
    };
    reg [12:0] result_1;
    assign m_data[13 +: 13] = result_1;
    always @(posedge clk)
        result_1 <= total_1;

    wire [12:0] total_2 = {
        sum_22[10], sum_22[10], sum_22[10], sum_22[9], sum_22[8], sum_22[7], sum_22[6], sum_22[5], sum_22[4], sum_22[3],
        sum_22[2], sum_22[1], sum_22[0]
    };
    reg [12:0] result_2;
    assign m_data[26 +: 13] = result_2;
    always @(posedge clk)
        result_2 <= total_2;

    wire unused = &{1'b0, {s_data[4], s_data[9], s_data[14], s_data[19], s_data[24], s_data[29], s_data[34]}};
endmodule
`default_nettype wire
