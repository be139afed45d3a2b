// SPDX-License-Identifier: 0BSD
`default_nettype none
// Holds each frame's last word until the mark of that frame is known, and gives the mark with it as `m_user`. Nothing
// is registered here.
module fpgaq_release #(
    parameter WIDTH = 32 // bits of a word, at least 1
) (
    input  wire [WIDTH-1:0] s_data,
    input  wire             s_last,
    input  wire             s_valid,
    output wire             s_ready,
    input  wire             mark_data,
    input  wire             mark_valid,
    output wire             mark_ready,
    output wire [WIDTH-1:0] m_data,
    output wire             m_last,
    output wire             m_user,
    output wire             m_valid,
    input  wire             m_ready
);
    wire known = ~s_last | mark_valid;

    assign s_ready = m_ready & known;
    assign mark_ready = s_valid & s_last & m_ready;
    assign m_data = s_data;
    assign m_last = s_last;
    assign m_user = s_last & mark_data;
    assign m_valid = s_valid & known;
endmodule
`default_nettype wire
