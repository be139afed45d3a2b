// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// A bit of weight 1 and, above it, three of weight 2, added.
module fpgaq_count1_3 (
    input  wire [3:0] bits,
    output wire [2:0] count
);
    fpgaq_count3 twos (.bits(bits[3:1]), .count(count[2:1]));

    assign count[0] = bits[0];
endmodule
`default_nettype wire
