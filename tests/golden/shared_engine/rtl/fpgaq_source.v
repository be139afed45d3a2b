// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// The input of the network: takes the elements out of their byte slots, holds off during reset, and checks that tlast
// marks each frame's last beat and no other; a misplaced one sets `frame_error` until reset.
module fpgaq_source #(
    parameter LANES = 1,         // elements of a beat, at least 1
    parameter ELEMENT_WIDTH = 8, // bits of an element
    parameter SLOT_WIDTH = 8,    // bits of an element in s_axis_tdata, whole bytes
    parameter FRAME_BEATS = 1,   // beats of a frame, at least 1
    parameter COUNT_WIDTH = 1    // bits of the number of a beat in its frame, at least 1
) (
    input  wire                           clk,
    input  wire                           rst,
    input  wire [LANES*SLOT_WIDTH-1:0]    s_axis_tdata,
    input  wire                           s_axis_tvalid,
    output wire                           s_axis_tready,
    input  wire                           s_axis_tlast,
    output wire [LANES*ELEMENT_WIDTH-1:0] m_data,
    output wire                           m_valid,
    input  wire                           m_ready,
    output reg                            frame_error
);
    localparam [31:0] LAST_BEAT = FRAME_BEATS - 1;

    reg [COUNT_WIDTH-1:0] beat;
    wire frame_last = beat == LAST_BEAT[COUNT_WIDTH-1:0];
    wire taken = s_axis_tvalid & s_axis_tready;

    assign s_axis_tready = m_ready & ~rst;
    assign m_valid = s_axis_tvalid & ~rst;

    initial frame_error = 1'b0;

    always @(posedge clk) begin
        if (taken) begin
            beat <= frame_last ? {COUNT_WIDTH{1'b0}} : beat + 1'b1;
            if (s_axis_tlast != frame_last)
                frame_error <= 1'b1;
        end
        if (rst) begin
            beat <= {COUNT_WIDTH{1'b0}};
            frame_error <= 1'b0;
        end
    end

    genvar lane;
    generate
        for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
            assign m_data[lane*ELEMENT_WIDTH +: ELEMENT_WIDTH] = s_axis_tdata[lane*SLOT_WIDTH +: ELEMENT_WIDTH];
            if (SLOT_WIDTH > ELEMENT_WIDTH) begin : slack
                wire unused = &{1'b0, s_axis_tdata[lane*SLOT_WIDTH+ELEMENT_WIDTH +: SLOT_WIDTH-ELEMENT_WIDTH]};
            end
        end
    endgenerate
endmodule
`default_nettype wire
