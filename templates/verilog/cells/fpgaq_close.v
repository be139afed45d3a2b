// SPDX-License-Identifier: 0BSD
`default_nettype none
// The last stage of the wrapper: a register two words deep that `abandon` does not empty, so that an offered beat
// stays. A frame of which words have passed when `abandon` comes is closed by a marked beat of zeros, so that the next
// frame starts on a beat of its own.
module fpgaq_close #(
    parameter BYTES = 4,     // bytes of tdata, at least 1
    parameter LAST_BYTES = 4 // bytes of a frame's last beat, 1 to BYTES
) (
    input  wire               clk,
    input  wire               rst,
    input  wire               abandon,
    input  wire [8*BYTES-1:0] s_data,
    input  wire               s_last,
    input  wire               s_user,
    input  wire               s_valid,
    output wire               s_ready,
    output wire [8*BYTES-1:0] m_axis_tdata,
    output wire [BYTES-1:0]   m_axis_tkeep,
    output wire               m_axis_tvalid,
    input  wire               m_axis_tready,
    output wire               m_axis_tlast,
    output wire               m_axis_tuser
);
    localparam [BYTES-1:0] LAST_KEEP = {BYTES{1'b1}} >> (BYTES - LAST_BYTES);

    reg open;    // the frame's first word was taken, its last was not
    reg closing;
    wire room;
    wire taken = s_valid & s_ready;
    wire [8*BYTES-1:0] data = closing ? {(8*BYTES){1'b0}} : s_data;

    assign s_ready = room & ~closing & ~abandon;
    assign m_axis_tkeep = m_axis_tlast ? LAST_KEEP : {BYTES{1'b1}};

    always @(posedge clk) begin
        if (taken)
            open <= ~s_last;
        if (closing & room) begin
            closing <= 1'b0;
            open <= 1'b0;
        end
        if (abandon & open & ~(closing & room))
            closing <= 1'b1;
        if (rst) begin
            open <= 1'b0;
            closing <= 1'b0;
        end
    end

    fpgaq_slice #(
        .WIDTH(8 * BYTES + 2)
    ) slice (
        .clk(clk),
        .rst(rst),
        .s_data({closing | s_user, closing | s_last, data}),
        .s_valid((s_valid & ~abandon) | closing),
        .s_ready(room),
        .m_data({m_axis_tuser, m_axis_tlast, m_axis_tdata}),
        .m_valid(m_axis_tvalid),
        .m_ready(m_axis_tready)
    );
endmodule
`default_nettype wire
