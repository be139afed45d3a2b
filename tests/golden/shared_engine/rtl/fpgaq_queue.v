// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// A stream queue of WORDS words, at most 2**ADDRESS_WIDTH. A word taken in cycle t is offered in t + 2; its place is
// free again in the cycle after it left. One word a cycle passes.
module fpgaq_queue #(
    parameter WIDTH = 8,                 // bits of a word
    parameter ADDRESS_WIDTH = 1,         // bits of the address of a word, at least 1
    parameter WORDS = 1 << ADDRESS_WIDTH // words that it holds, from 1 to 2**ADDRESS_WIDTH
) (
    input  wire             clk,
    input  wire             rst,
    input  wire [WIDTH-1:0] s_data,
    input  wire             s_valid,
    output wire             s_ready,
    output wire [WIDTH-1:0] m_data,
    output wire             m_valid,
    input  wire             m_ready
);
    localparam [31:0] WORDS_LESS_ONE = WORDS - 1;

    // Free words, less one: the sign bit tells a full queue.
    reg [ADDRESS_WIDTH:0] free;
    wire taken = s_valid & s_ready;
    wire popped;

    assign s_ready = ~free[ADDRESS_WIDTH];

    always @(posedge clk) begin
        free <= free - {{ADDRESS_WIDTH{1'b0}}, taken} + {{ADDRESS_WIDTH{1'b0}}, popped};
        if (rst)
            free <= WORDS_LESS_ONE[ADDRESS_WIDTH:0];
    end

    fpgaq_fifo #(
        .WIDTH(WIDTH),
        .ADDRESS_WIDTH(ADDRESS_WIDTH)
    ) fifo (
        .clk(clk),
        .rst(rst),
        .write_enable(taken),
        .write_data(s_data),
        .m_data(m_data),
        .m_valid(m_valid),
        .m_ready(m_ready),
        .popped(popped)
    );
endmodule
`default_nettype wire
