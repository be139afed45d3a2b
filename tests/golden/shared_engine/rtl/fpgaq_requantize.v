// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// result = saturate(round(total / 2**(SHIFT - lift))), STAGES cycles later. The rules are those of fpgaq/formats.py:
// ROUNDING 0 half up, 1 half away from zero, 2 half to even, 3 floor. `lift` is what a channel's shift falls short of
// the layer's largest: shifting the total left by it first changes neither the value nor any tie.
module fpgaq_requantize #(
    parameter TOTAL_WIDTH = 24,  // bits of the signed total
    parameter LIFT_MAX = 0,      // greatest value of `lift`, at least 0
    parameter LIFT_WIDTH = 1,    // bits of `lift`, at least 1
    parameter SHIFT = 8,         // largest shift of the layer, at least 0
    parameter ROUNDING = 0,      // 0 to 3, see above
    parameter RESULT_WIDTH = 8,  // bits of the result
    parameter RESULT_SIGNED = 1, // 1: the result is two's complement; 0: unsigned
    parameter NARROW = 0,        // 1: the most negative code is not used
    parameter RELU = 0,          // 1: negative totals give 0
    parameter STAGES = 1,        // 2: a register between rounding and saturation, for a wide total; 1: none
    parameter CLIP = 0,          // 1: results are held to LOW..HIGH instead, which lie within the result's range
    parameter [RESULT_WIDTH:0] LOW = 0, // in two's complement, with a bit more than the result
    parameter [RESULT_WIDTH:0] HIGH = 0 // likewise
) (
    input  wire                    clk,
    input  wire [TOTAL_WIDTH-1:0]  total,
    input  wire [LIFT_WIDTH-1:0]   lift,
    output reg  [RESULT_WIDTH-1:0] result
);
    // One more bit than the lifted total for the half that rounding adds; wide enough for the shift and the result.
    localparam NATURAL = TOTAL_WIDTH + LIFT_MAX + 1;
    localparam LEAST = SHIFT + RESULT_WIDTH + 1;
    localparam WIDTH = NATURAL > LEAST ? NATURAL : LEAST;
    localparam QUOTIENT_WIDTH = WIDTH - SHIFT;
    localparam FLOOR = RESULT_SIGNED == 0 || RELU != 0; // nothing below zero leaves
    localparam BODY = RESULT_SIGNED != 0 ? RESULT_WIDTH - 1 : RESULT_WIDTH; // bits of a magnitude

    wire [WIDTH-1:0] extended = {{(WIDTH-TOTAL_WIDTH){total[TOTAL_WIDTH-1]}}, total};
    wire [WIDTH-1:0] lifted;
    wire [WIDTH-1:0] rounded;
    wire [QUOTIENT_WIDTH-1:0] quotient;
    wire negative = quotient[QUOTIENT_WIDTH-1];
    wire above = ~negative & (|quotient[QUOTIENT_WIDTH-1:BODY]);

    generate
        if (LIFT_MAX == 0) begin : level
            assign lifted = extended;
            wire unused = &{1'b0, lift};
        end else begin : lifting
            assign lifted = extended << lift;
        end
        if (SHIFT == 0 || ROUNDING == 3) begin : plain
            assign rounded = lifted;
        end else begin : half
            localparam [WIDTH-1:0] HALF = {{(WIDTH-1){1'b0}}, 1'b1} << (SHIFT - 1);
            // Ties move down by one unit where the rule sends them there.
            wire down = ROUNDING == 1 ? lifted[WIDTH-1] : ROUNDING == 2 ? ~lifted[SHIFT] : 1'b0;
            assign rounded = lifted + HALF - {{(WIDTH-1){1'b0}}, down};
        end
        if (STAGES > 1) begin : apart
            reg [QUOTIENT_WIDTH-1:0] kept;
            assign quotient = kept;
            always @(posedge clk)
                kept <= rounded[WIDTH-1:SHIFT];
        end else begin : at_once
            assign quotient = rounded[WIDTH-1:SHIFT];
        end
        if (SHIFT > 0) begin : cut
            wire unused = &{1'b0, rounded[SHIFT-1:0]};
        end
        if (CLIP != 0) begin : clipped
            localparam MORE = QUOTIENT_WIDTH - RESULT_WIDTH - 1;
            wire signed [QUOTIENT_WIDTH-1:0] value = quotient;
            wire signed [QUOTIENT_WIDTH-1:0] first;
            wire signed [QUOTIENT_WIDTH-1:0] last;
            if (MORE == 0) begin : same
                assign first = LOW;
                assign last = HIGH;
            end else begin : wider
                assign first = {{MORE{LOW[RESULT_WIDTH]}}, LOW};
                assign last = {{MORE{HIGH[RESULT_WIDTH]}}, HIGH};
            end
            wire unused = &{1'b0, negative, above, LOW[RESULT_WIDTH], HIGH[RESULT_WIDTH]};
            always @(posedge clk)
                if (value < first)
                    result <= LOW[RESULT_WIDTH-1:0];
                else if (value > last)
                    result <= HIGH[RESULT_WIDTH-1:0];
                else
                    result <= quotient[RESULT_WIDTH-1:0];
        end else if (FLOOR) begin : unipolar
            always @(posedge clk)
                if (negative)
                    result <= {RESULT_WIDTH{1'b0}};
                else if (above)
                    result <= {RESULT_SIGNED == 0, {(RESULT_WIDTH-1){1'b1}}};
                else
                    result <= quotient[RESULT_WIDTH-1:0];
        end else begin : bipolar
            wire below = negative & (~(&quotient[QUOTIENT_WIDTH-1:BODY]) | (NARROW != 0 & ~(|quotient[BODY-1:0])));
            always @(posedge clk)
                if (below)
                    result <= {1'b1, {(RESULT_WIDTH-1){1'b0}}} | {{(RESULT_WIDTH-1){1'b0}}, NARROW != 0};
                else if (above)
                    result <= {1'b0, {(RESULT_WIDTH-1){1'b1}}};
                else
                    result <= quotient[RESULT_WIDTH-1:0];
        end
    endgenerate
endmodule
`default_nettype wire
