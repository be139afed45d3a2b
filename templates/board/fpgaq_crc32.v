// SPDX-License-Identifier: 0BSD
`default_nettype none
// The CRC-32 of Ethernet (IEEE 802.3, reflected), a bit a cycle: a byte takes 8 cycles, and the line is slower.
module fpgaq_crc32 (
    input  wire        clk,
    input  wire        clear,
    input  wire [7:0]  data,
    input  wire        valid,
    output reg  [31:0] state  // after a byte and 8 cycles; the CRC is its complement
);
    reg [7:0] bits;
    reg [3:0] left;
    wire turn = state[0] ^ bits[0];

    always @(posedge clk) begin
        if (left != 4'd0) begin
            state <= {1'b0, state[31:1]} ^ (turn ? 32'hedb88320 : 32'd0);
            bits <= {1'b0, bits[7:1]};
            left <= left - 4'd1;
        end
        if (valid) begin
            bits <= data;
            left <= 4'd8;
        end
        if (clear) begin
            state <= 32'hffffffff;
            left <= 4'd0;
        end
    end
endmodule
`default_nettype wire
