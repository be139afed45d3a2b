// SPDX-License-Identifier: 0BSD
`default_nettype none
// What fpgaq_mac computes, in logic alone: products are no cells, but rows of the sum. A weight is the sum of its
// signed digits, two bits each, times powers of two. So for each output the elements are summed times the digits of
// each place of the weights, then the places, then the steps of a group. Of an odd number of bits the lowest is a digit
// alone.
// Elements and weights of cycle t are in `sums` in cycle t + 2 + LEVELS.
module fpgaq_digits #(
    parameter PRODUCTS = 1,       // products of a step for each output, at least 1
    parameter OUTPUTS = 1,        // accumulators, at least 1
    parameter SHARED = 1,         // 1: all outputs see the same elements; 0: output j sees elements j, j + OUTPUTS, ...
    parameter ELEMENT_WIDTH = 4,  // bits of an element
    parameter ELEMENT_SIGNED = 0, // 1: elements are two's complement; 0: unsigned
    parameter WEIGHT_WIDTH = 4,   // bits of a signed weight, at least 1
    parameter SUM_WIDTH = 16,     // bits of a sum; proved: no sum of any of a result's products needs more
    parameter LEVELS = 0          // of sums: the least with 2**LEVELS >= PRODUCTS
) (
    input  wire                                      clk,
    input  wire                                      first, // the sums restart with this cycle's products
    input  wire                                      valid, // those products belong to a step
    input  wire [PRODUCTS*(SHARED != 0 ? 1 : OUTPUTS)*ELEMENT_WIDTH-1:0] elements,
    input  wire [OUTPUTS*PRODUCTS*WEIGHT_WIDTH-1:0]  weights,
    output wire [OUTPUTS*SUM_WIDTH-1:0]              sums
);
    localparam DIGITS = (WEIGHT_WIDTH + 1) / 2;
    localparam COLUMN = ELEMENT_WIDTH + 2 + LEVELS; // bits of a sum of elements times digits
    localparam ODD = WEIGHT_WIDTH > 1 ? WEIGHT_WIDTH % 2 : 0;
    localparam STEP = ELEMENT_WIDTH + LEVELS + (WEIGHT_WIDTH > 1 ? WEIGHT_WIDTH : 2); // bits of a step's sum

    genvar lane;
    genvar digit;
    genvar place;
    generate
        for (lane = 0; lane < OUTPUTS; lane = lane + 1) begin : lanes
            wire [PRODUCTS*ELEMENT_WIDTH-1:0] own;
            wire [DIGITS*COLUMN-1:0] columns;
            wire [DIGITS-1:0] more;
            wire [DIGITS*STEP-1:0] joined; // for each digit the sum of its place and those above, in units of its own

            for (place = 0; place < PRODUCTS; place = place + 1) begin : places
                localparam FROM = SHARED != 0 ? place : place * OUTPUTS + lane;
                assign own[place*ELEMENT_WIDTH +: ELEMENT_WIDTH] = elements[FROM*ELEMENT_WIDTH +: ELEMENT_WIDTH];
            end

            for (digit = 0; digit < DIGITS; digit = digit + 1) begin : of_digits
                localparam MOVE = digit < ODD ? 1 : 2; // bits of this place
                wire [PRODUCTS*3-1:0] digits;
                wire [COLUMN-1:0] column = columns[digit*COLUMN +: COLUMN];
                wire [STEP-1:0] wide = {{(STEP-COLUMN+1){column[COLUMN-1]}}, column[COLUMN-2:0]};
                for (place = 0; place < PRODUCTS; place = place + 1) begin : of_weights
                    localparam LOW = (lane * PRODUCTS + place) * WEIGHT_WIDTH + (digit < ODD ? 0 : 2 * digit - ODD);
                    localparam HIGH = WEIGHT_WIDTH > 1 && digit >= ODD ? LOW + 1 : LOW;
                    localparam BELOW = digit > ODD ? LOW - 1 : LOW;
                    assign digits[place*3 +: 3] =
                        {digit >= ODD && weights[HIGH], weights[LOW], digit > ODD && weights[BELOW]};
                end
                fpgaq_digit_sum #(
                    .PRODUCTS(PRODUCTS),
                    .ELEMENT_WIDTH(ELEMENT_WIDTH),
                    .ELEMENT_SIGNED(ELEMENT_SIGNED),
                    .LEVELS(LEVELS),
                    .WIDTH(COLUMN)
                ) digit_sum (
                    .clk(clk), .elements(own), .digits(digits),
                    .sum(columns[digit*COLUMN +: COLUMN]), .more(more[digit])
                );
                if (digit == DIGITS - 1) begin : highest
                    assign joined[digit*STEP +: STEP] = wide;
                end else begin : lower
                    wire [STEP-MOVE-1:0] upper;
                    wire unused = &{1'b0, joined[(digit+1)*STEP+STEP-1 -: MOVE]}; // repeats of the sign
                    fpgaq_chain #(.WIDTH(STEP-MOVE)) chain (
                        .plain(joined[(digit+1)*STEP +: STEP-MOVE]), .other(wide[STEP-1:MOVE]),
                        .carry(more[digit+1]), .sum(upper)
                    );
                    assign joined[digit*STEP +: STEP] = {upper, wide[MOVE-1:0]};
                end
            end

            reg [STEP-1:0] step;
            reg last_more;
            reg [SUM_WIDTH-1:0] sum;
            wire [STEP+SUM_WIDTH-1:0] extended = {{SUM_WIDTH{step[STEP-1]}}, step};
            wire [SUM_WIDTH-1:0] step_sum = extended[SUM_WIDTH-1:0];
            wire [SUM_WIDTH-1:0] carried = first ? {SUM_WIDTH{1'b0}} : sum;
            wire [SUM_WIDTH-1:0] added;
            wire unused_signs = &{1'b0, extended};

            fpgaq_chain #(.WIDTH(SUM_WIDTH)) chain (
                .plain(step_sum), .other(carried), .carry(last_more), .sum(added)
            );

            always @(posedge clk) begin
                step <= joined[STEP-1:0];
                last_more <= more[0];
                if (valid)
                    sum <= added;
`ifdef FPGAQ_CHECKS
                if (added[SUM_WIDTH-1] != carried[SUM_WIDTH-1])
                    if (valid && carried[SUM_WIDTH-1] == step_sum[SUM_WIDTH-1]) begin
                        $display("fpgaq: accumulator overflow in %m");
                        $finish;
                    end
`endif
            end

            assign sums[lane*SUM_WIDTH +: SUM_WIDTH] = sum;
        end
    endgenerate
endmodule
`default_nettype wire
