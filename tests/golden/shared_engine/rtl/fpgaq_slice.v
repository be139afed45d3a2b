// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// A stream register two words deep, which keeps both sides of the handshake apart; one word a cycle passes. A word
// taken in cycle t is offered in t + 1.
module fpgaq_slice #(
    parameter WIDTH = 8 // bits of a beat
) (
    input  wire             clk,
    input  wire             rst,
    input  wire [WIDTH-1:0] s_data,
    input  wire             s_valid,
    output wire             s_ready,
    output reg  [WIDTH-1:0] m_data,
    output wire             m_valid,
    input  wire             m_ready
);
    reg [WIDTH-1:0] second;
    reg [1:0] filled; // bit 0: `m_data` holds a word; bit 1: `second` too

    wire taken = s_valid & s_ready;
    wire passed = m_valid & m_ready;

    assign s_ready = ~filled[1];
    assign m_valid = filled[0];

    always @(posedge clk) begin
        if (passed | ~filled[0])
            m_data <= filled[1] ? second : s_data;
        if (taken)
            second <= s_data;
    end

    always @(posedge clk) begin
        if (taken & ~passed)
            filled <= {filled[0], 1'b1};
        else if (passed & ~taken)
            filled <= {1'b0, filled[1]};
        if (rst)
            filled <= 2'b00;
    end
endmodule
`default_nettype wire
