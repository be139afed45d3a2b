// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// How many of three bits are set.
module fpgaq_count3 (
    input  wire [2:0] bits,
    output wire [1:0] count
);
    assign count = {(bits[0] & bits[1]) | (bits[0] & bits[2]) | (bits[1] & bits[2]), ^bits};
endmodule
`default_nettype wire
