// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// How many of five bits are set.
module fpgaq_count5 (
    input  wire [4:0] bits,
    output wire [2:0] count
);
    wire [1:0] three; // of the first three
    wire [1:0] rest;  // the odd one of them, and the other two
    fpgaq_count3 first (.bits(bits[2:0]), .count(three));
    fpgaq_count3 second (.bits({bits[4:3], three[0]}), .count(rest));

    assign count = {three[1] & rest[1], three[1] ^ rest[1], rest[0]};
endmodule
`default_nettype wire
