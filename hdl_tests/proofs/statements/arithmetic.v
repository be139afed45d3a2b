// SPDX-License-Identifier: Apache-2.0
// What the arithmetic cells are to compute, stated by division and comparison of integers. `bad` is 1 where the cell
// differs, `seen` where the case that tests the statement itself occurs. Registers of the cells that only delay are
// wires in these proofs.
`default_nettype none

// saturate(round(total * 2**lift / 2**SHIFT)): the quotient's floor and its rest decide, as a person would.
module state_requantize #(
    parameter TOTAL_WIDTH = 8, LIFT_MAX = 0, LIFT_WIDTH = 1, SHIFT = 1, ROUNDING = 0, RESULT_WIDTH = 4,
    parameter RESULT_SIGNED = 1, NARROW = 0, RELU = 0, CLIP = 0, STAGES = 1,
    parameter signed [RESULT_WIDTH:0] LOW = 0, parameter signed [RESULT_WIDTH:0] HIGH = 0
) (
    input wire clk,
    input wire [TOTAL_WIDTH-1:0] total,
    input wire [LIFT_WIDTH-1:0] lift,
    output wire bad,
    output wire seen
);
    localparam W = TOTAL_WIDTH + LIFT_MAX + SHIFT + RESULT_WIDTH + 4;
    wire [RESULT_WIDTH-1:0] result;
    fpgaq_requantize #(
        .TOTAL_WIDTH(TOTAL_WIDTH), .LIFT_MAX(LIFT_MAX), .LIFT_WIDTH(LIFT_WIDTH), .SHIFT(SHIFT), .ROUNDING(ROUNDING),
        .RESULT_WIDTH(RESULT_WIDTH), .RESULT_SIGNED(RESULT_SIGNED), .NARROW(NARROW), .RELU(RELU),
        .CLIP(CLIP), .LOW(LOW), .HIGH(HIGH), .STAGES(STAGES)
    ) cell_under_proof (.clk(clk), .total(total), .lift(lift), .result(result));

    wire signed [W-1:0] one = 1;
    wire signed [W-1:0] value = $signed(total);
    wire signed [W-1:0] scaled = value <<< lift;
    wire signed [W-1:0] unit = one <<< SHIFT;
    wire signed [W-1:0] below = scaled >>> SHIFT;           // floor of the quotient
    wire signed [W-1:0] rest = scaled - (below <<< SHIFT);  // from 0 to less than a unit
    wire tie = (rest <<< 1) == unit;
    wire more = (rest <<< 1) > unit;
    reg up;
    always @* begin
        case (ROUNDING)
            0: up = more | tie;
            1: up = more | (tie & ~scaled[W-1]);
            2: up = more | (tie & below[0]);
            default: up = 1'b0;
        endcase
    end
    wire signed [W-1:0] rounded = up ? below + one : below;
    wire signed [W-1:0] most = RESULT_SIGNED != 0 ? (one <<< (RESULT_WIDTH - 1)) - one : (one <<< RESULT_WIDTH) - one;
    wire signed [W-1:0] lowest = RESULT_SIGNED == 0 ? 0 : RELU != 0 ? 0 : NARROW != 0 ? -most : -most - one;
    wire signed [W-1:0] top = CLIP != 0 ? HIGH : most;
    wire signed [W-1:0] bottom = CLIP != 0 ? LOW : lowest;
    wire signed [W-1:0] expected = rounded > top ? top : rounded < bottom ? bottom : rounded;
    wire legal = lift <= LIFT_MAX;
    assign bad = legal & (result != expected[RESULT_WIDTH-1:0]);
    assign seen = legal & (SHIFT == 0 | tie) & (rounded == expected);
endmodule

module state_clip #(
    parameter WIDTH = 4, SIGNED = 1
) (
    input wire clk,
    input wire [WIDTH-1:0] value,
    input wire [WIDTH-1:0] low,
    input wire [WIDTH-1:0] high,
    output wire bad,
    output wire seen
);
    wire [WIDTH-1:0] result;
    fpgaq_clip #(.WIDTH(WIDTH), .SIGNED(SIGNED)) cell_under_proof (
        .value(value), .low(low), .high(high), .result(result));
    wire top = SIGNED != 0;
    wire signed [WIDTH:0] v = {top & value[WIDTH-1], value};
    wire signed [WIDTH:0] l = {top & low[WIDTH-1], low};
    wire signed [WIDTH:0] h = {top & high[WIDTH-1], high};
    wire signed [WIDTH:0] r = {top & result[WIDTH-1], result};
    wire legal = l <= h;
    wire right = v < l ? r == l : v > h ? r == h : r == v;
    assign bad = legal & ~right;
    assign seen = legal & (r != v);
endmodule

module state_bias #(
    parameter LANES = 1, SUM_WIDTH = 8
) (
    input wire clk,
    input wire [LANES*SUM_WIDTH-1:0] sums,
    input wire [LANES*SUM_WIDTH-1:0] biases,
    output wire bad,
    output wire seen
);
    wire [LANES*SUM_WIDTH-1:0] totals;
    fpgaq_bias #(.LANES(LANES), .SUM_WIDTH(SUM_WIDTH)) cell_under_proof (
        .clk(clk), .valid(1'b1), .sums(sums), .biases(biases), .totals(totals));
    wire [LANES-1:0] wrong;
    wire [LANES-1:0] carried;
    genvar i;
    generate
        for (i = 0; i < LANES; i = i + 1) begin : lanes
            wire [SUM_WIDTH:0] exact = $signed(sums[i*SUM_WIDTH +: SUM_WIDTH]) - -$signed(biases[i*SUM_WIDTH +: SUM_WIDTH]);
            assign wrong[i] = totals[i*SUM_WIDTH +: SUM_WIDTH] != exact[SUM_WIDTH-1:0];
            assign carried[i] = exact[SUM_WIDTH] != exact[SUM_WIDTH-1];
        end
    endgenerate
    assign bad = |wrong;
    assign seen = |carried;
endmodule

module state_spread #(
    parameter PLACES = 1, OWN_LANES = 1, ELEMENT_WIDTH = 4, ELEMENT_SIGNED = 0, ALL_PLACES = 2, LANES = 1, WIDTH = 6
) (
    input wire clk,
    input wire [PLACES*OWN_LANES*ELEMENT_WIDTH-1:0] elements,
    output wire bad,
    output wire seen
);
    wire [ALL_PLACES*LANES*WIDTH-1:0] spread;
    fpgaq_spread #(
        .PLACES(PLACES), .OWN_LANES(OWN_LANES), .ELEMENT_WIDTH(ELEMENT_WIDTH), .ELEMENT_SIGNED(ELEMENT_SIGNED),
        .ALL_PLACES(ALL_PLACES), .LANES(LANES), .WIDTH(WIDTH)
    ) cell_under_proof (.elements(elements), .spread(spread));
    wire [ALL_PLACES*LANES-1:0] wrong;
    genvar i, j;
    generate
        for (i = 0; i < ALL_PLACES; i = i + 1) begin : places
            for (j = 0; j < LANES; j = j + 1) begin : lanes
                wire signed [WIDTH:0] given = ELEMENT_SIGNED != 0 ? $signed(spread[(i*LANES+j)*WIDTH +: WIDTH])
                                                                 : $signed({1'b0, spread[(i*LANES+j)*WIDTH +: WIDTH]});
                wire signed [WIDTH:0] wanted;
                if (i >= PLACES || (OWN_LANES > 1 && j >= OWN_LANES)) begin : none
                    assign wanted = 0;
                end else if (ELEMENT_SIGNED != 0) begin : with_sign
                    assign wanted = $signed(elements[(i*OWN_LANES+(OWN_LANES > 1 ? j : 0))*ELEMENT_WIDTH +: ELEMENT_WIDTH]);
                end else begin : without_sign
                    assign wanted = elements[(i*OWN_LANES+(OWN_LANES > 1 ? j : 0))*ELEMENT_WIDTH +: ELEMENT_WIDTH];
                end
                assign wrong[i*LANES+j] = given != wanted;
            end
        end
    endgenerate
    assign bad = |wrong;
    assign seen = |elements;
endmodule

module state_chain #(
    parameter WIDTH = 4, DIFFERENCE = 1
) (
    input wire clk,
    input wire [WIDTH-1:0] plain,
    input wire [WIDTH-1:0] other,
    input wire carry,
    output wire bad,
    output wire seen
);
    wire [WIDTH-1:0] sum;
    fpgaq_chain #(.WIDTH(WIDTH), .DIFFERENCE(DIFFERENCE)) cell_under_proof (
        .plain(plain), .other(other), .carry(carry), .sum(sum));
    wire [WIDTH-1:0] expected = plain + other + {{(WIDTH){1'b0}}, carry};
    assign bad = sum != expected;
    assign seen = carry & (&plain);
endmodule

module state_adder #(
    parameter WIDTH = 4, SUBTRACT = 0
) (
    input wire clk,
    input wire [WIDTH-1:0] first,
    input wire [WIDTH-1:0] second,
    output wire bad,
    output wire seen
);
    wire [WIDTH-1:0] sum;
    fpgaq_adder #(.WIDTH(WIDTH), .SUBTRACT(SUBTRACT)) cell_under_proof (.first(first), .second(second), .sum(sum));
    // Adding the second to a difference gives the first again.
    assign bad = SUBTRACT != 0 ? sum + second != first : sum - second != first;
    assign seen = &second;
endmodule

// Every counter of bits at once: the ones that it says are those that are there.
module state_counts (
    input wire clk,
    input wire [4:0] bits,
    output wire bad,
    output wire seen
);
    wire [1:0] three;
    wire [2:0] five;
    fpgaq_count3 count_three (.bits(bits[2:0]), .count(three));
    fpgaq_count5 count_five (.bits(bits), .count(five));
    wire [3:0] ones = bits[0] + bits[1] + bits[2];
    assign bad = (three != ones) | (five != ones + bits[3] + bits[4]);
    assign seen = &bits;
endmodule

// A division by a constant of a mean, for one addend, multiplier and divisor.
module state_divide #(
    parameter TOTAL_WIDTH = 8, DOUBLE = 0, DIVIDEND_WIDTH = 10, MULTIPLIER_WIDTH = 8, SHIFT = 8, OFFSET = 0, TIES = 0,
    parameter RESULT_WIDTH = 4, RESULT_SIGNED = 1, NARROW = 0, RELU = 0,
    parameter ADDEND = 0, MULTIPLIER = 1, DIVISOR = 1, COUNT = 1, ROUNDING = 0, LEAST = 0, MOST = 1
) (
    input wire clk,
    input wire [TOTAL_WIDTH-1:0] total,
    output wire bad,
    output wire seen
);
    localparam W = TOTAL_WIDTH + 36;
    wire [RESULT_WIDTH-1:0] result;
    fpgaq_divide #(
        .TOTAL_WIDTH(TOTAL_WIDTH), .DOUBLE(DOUBLE), .DIVIDEND_WIDTH(DIVIDEND_WIDTH),
        .MULTIPLIER_WIDTH(MULTIPLIER_WIDTH), .SHIFT(SHIFT), .OFFSET(OFFSET), .TIES(TIES), .RESULT_WIDTH(RESULT_WIDTH),
        .RESULT_SIGNED(RESULT_SIGNED), .NARROW(NARROW), .RELU(RELU)
    ) cell_under_proof (
        .clk(clk), .total(total), .addend(ADDEND[DIVIDEND_WIDTH-1:0]),
        .multiplier(MULTIPLIER[MULTIPLIER_WIDTH-1:0]), .divisor(DIVISOR[DIVIDEND_WIDTH-1:0]), .result(result));
    // The quotient is what the result says unless it saturates: its distance from total / COUNT is half at most.
    wire signed [W-1:0] value = $signed(total);
    wire signed [W-1:0] count = COUNT;
    wire signed [W-1:0] most = RESULT_SIGNED != 0 ? (1 <<< (RESULT_WIDTH - 1)) - 1 : (1 <<< RESULT_WIDTH) - 1;
    wire signed [W-1:0] lowest = RESULT_SIGNED == 0 || RELU != 0 ? 0 : NARROW != 0 ? -most : -most - 1;
    wire signed [W-1:0] given = RESULT_SIGNED != 0 ? $signed(result) : $signed({1'b0, result});
    wire signed [W-1:0] twice_off = (value - given * count) <<< 1; // twice the distance, times COUNT
    reg right;
    always @* begin
        case (ROUNDING)
            0: right = twice_off >= -count & twice_off < count;
            1: right = value < 0 ? twice_off > -count & twice_off <= count : twice_off >= -count & twice_off < count;
            2: right = given[0] ? twice_off > -count & twice_off < count : twice_off >= -count & twice_off <= count;
            default: right = twice_off >= 0 & twice_off < (count <<< 1);
        endcase
        if (given == most & twice_off > 0)
            right = 1'b1;
        if (given == lowest & twice_off < 0)
            right = 1'b1;
    end
    wire signed [31:0] least = LEAST; // a parameter may come as bits without a sign
    wire signed [31:0] greatest = MOST;
    wire legal = value >= least & value <= greatest;
    assign bad = legal & (~right | given > most | given < lowest);
    assign seen = legal & (given != most) & (given != lowest | most == 1);
endmodule
`default_nettype wire
