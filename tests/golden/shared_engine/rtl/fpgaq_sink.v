// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// The output of the network: extends the elements to whole bytes and marks each frame's last beat.
module fpgaq_sink #(
    parameter LANES = 1,          // elements of a beat, at least 1
    parameter ELEMENT_WIDTH = 8,  // bits of an element
    parameter ELEMENT_SIGNED = 1, // 1: a slot repeats the sign above its element; 0: it has zeros there
    parameter SLOT_WIDTH = 8,     // bits of an element in m_axis_tdata, whole bytes
    parameter FRAME_BEATS = 1,    // beats of a frame, at least 1
    parameter COUNT_WIDTH = 1     // bits of the number of a beat in its frame, at least 1
) (
    input  wire                           clk,
    input  wire                           rst,
    input  wire [LANES*ELEMENT_WIDTH-1:0] s_data,
    input  wire                           s_valid,
    output wire                           s_ready,
    output wire [LANES*SLOT_WIDTH-1:0]    m_axis_tdata,
    output wire                           m_axis_tvalid,
    input  wire                           m_axis_tready,
    output wire                           m_axis_tlast
);
    localparam [31:0] LAST_BEAT = FRAME_BEATS - 1;

    reg [COUNT_WIDTH-1:0] beat;

    assign s_ready = m_axis_tready;
    assign m_axis_tvalid = s_valid;
    assign m_axis_tlast = beat == LAST_BEAT[COUNT_WIDTH-1:0];

    always @(posedge clk) begin
        if (m_axis_tvalid & m_axis_tready)
            beat <= m_axis_tlast ? {COUNT_WIDTH{1'b0}} : beat + 1'b1;
        if (rst)
            beat <= {COUNT_WIDTH{1'b0}};
    end

    genvar lane;
    generate
        for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
            if (SLOT_WIDTH > ELEMENT_WIDTH) begin : extended
                assign m_axis_tdata[lane*SLOT_WIDTH +: SLOT_WIDTH] =
                    {{(SLOT_WIDTH-ELEMENT_WIDTH){ELEMENT_SIGNED != 0 && s_data[lane*ELEMENT_WIDTH+ELEMENT_WIDTH-1]}},
                     s_data[lane*ELEMENT_WIDTH +: ELEMENT_WIDTH]};
            end else begin : exact
                assign m_axis_tdata[lane*SLOT_WIDTH +: SLOT_WIDTH] = s_data[lane*ELEMENT_WIDTH +: ELEMENT_WIDTH];
            end
        end
    endgenerate
endmodule
`default_nettype wire
