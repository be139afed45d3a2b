// SPDX-License-Identifier: 0BSD
`default_nettype none
// Holds a result to limits that are loaded: those of a ReLU or a clip, or its format's own. It takes no cycle.
module fpgaq_clip #(
    parameter WIDTH = 8, // bits of a result
    parameter SIGNED = 1 // 1: results are two's complement; 0: unsigned
) (
    input  wire [WIDTH-1:0] value,
    input  wire [WIDTH-1:0] low,   // at most `high`
    input  wire [WIDTH-1:0] high,
    output wire [WIDTH-1:0] result
);
    wire below = SIGNED != 0 ? $signed(value) < $signed(low) : value < low;
    wire above = SIGNED != 0 ? $signed(value) > $signed(high) : value > high;

    assign result = below ? low : above ? high : value;
endmodule
`default_nettype wire
