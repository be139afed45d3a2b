// SPDX-License-Identifier: 0BSD
`default_nettype none
// sum = first + second or first - second, in a carry chain without anything in front of it.
module fpgaq_adder #(
    parameter WIDTH = 8,   // bits of the operands and the sum, at least 1
    parameter SUBTRACT = 0 // 1: first - second; 0: first + second
) (
    input  wire [WIDTH-1:0] first,
    input  wire [WIDTH-1:0] second,
    output wire [WIDTH-1:0] sum
);
    generate
        if (SUBTRACT != 0) begin : gen_difference
            assign sum = first - second;
        end else begin : gen_sum
            assign sum = first + second;
        end
    endgenerate
endmodule
`default_nettype wire
