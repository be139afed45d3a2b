// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// Three bits of weight 1 and, above them, two of weight 2, added.
module fpgaq_count3_2 (
    input  wire [4:0] bits,
    output wire [2:0] count
);
    wire [1:0] ones;
    fpgaq_count3 first (.bits(bits[2:0]), .count(ones));
    fpgaq_count3 second (.bits({bits[4:3], ones[1]}), .count(count[2:1]));

    assign count[0] = ones[0];
endmodule
`default_nettype wire
