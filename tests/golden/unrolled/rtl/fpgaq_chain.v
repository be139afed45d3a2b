// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// sum = plain + other + carry, a carry chain. A difference is written where `other` is computed, because synthesizers
// keep its operands apart: the minuend goes to the carry multiplexers as it is, so that what computes `other` fits into
// the tables of the chain. Inverted wires go well with it too, straight ones with a sum.
// The lowest position only brings in the carry: it needs no table.
module fpgaq_chain #(
    parameter WIDTH = 8,     // bits of the operands and the sum, at least 1
    parameter DIFFERENCE = 1 // 1: written as a difference; 0: as a sum
) (
    input  wire [WIDTH-1:0] plain,
    input  wire [WIDTH-1:0] other,
    input  wire             carry,
    output wire [WIDTH-1:0] sum
);
    wire [WIDTH:0] total;
    generate
        if (DIFFERENCE != 0) begin : gen_difference
            assign total = {plain, carry} - {~other, 1'b1};
        end else begin : gen_sum
            assign total = {plain, carry} + {other, 1'b1};
        end
    endgenerate
    wire unused = &{1'b0, total[0]};

    assign sum = total[WIDTH:1];
endmodule
`default_nettype wire
