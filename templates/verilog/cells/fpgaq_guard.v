// SPDX-License-Identifier: 0BSD
`default_nettype none
// Makes frames of exactly FRAME_BEATS beats of whatever stands between two beats with tlast: one that ends early is
// completed with zeros, surplus beats are dropped up to tlast, and bytes that tkeep leaves out are zeros. Each frame
// gives one mark, 1 if it was damaged, in the cycle of its beat with tlast; tuser counts on that beat only.
module fpgaq_guard #(
    parameter BYTES = 4,       // bytes of tdata, at least 1
    parameter FRAME_BEATS = 1, // beats of a frame, at least 1
    parameter LAST_BYTES = 4   // bytes of a frame's last beat, 1 to BYTES; what stands above them is ignored
) (
    input  wire               clk,
    input  wire               rst,
    input  wire               abandon, // drop the rest of a frame that has begun, without a mark
    input  wire [8*BYTES-1:0] s_axis_tdata,
    input  wire [BYTES-1:0]   s_axis_tkeep,
    input  wire               s_axis_tvalid,
    output wire               s_axis_tready,
    input  wire               s_axis_tlast,
    input  wire               s_axis_tuser,
    output wire [8*BYTES-1:0] m_data,
    output wire               m_valid,
    input  wire               m_ready,
    output wire               mark_data,
    output wire               mark_valid,
    input  wire               mark_ready,
    output wire               busy,      // a frame has begun and its last beat has not passed
    output wire [3:0]         errors     // bit 0: ended early, 1: surplus beats, 2: bytes left out, 3: tuser
);
    localparam COUNT_WIDTH = FRAME_BEATS > 1 ? $clog2(FRAME_BEATS) : 1;
    localparam [31:0] LAST_BEAT = FRAME_BEATS - 1;
    localparam [1:0] PASS = 2'd0, PAD = 2'd1, DROP = 2'd2, SKIP = 2'd3;
    localparam [BYTES-1:0] LAST_KEEP = {BYTES{1'b1}} >> (BYTES - LAST_BYTES);

    reg [COUNT_WIDTH-1:0] beat;
    reg [1:0] state;
    reg damaged; // the frame, by an earlier beat

    wire passing = state == PASS;
    wire padding = state == PAD;
    wire frame_last = beat == LAST_BEAT[COUNT_WIDTH-1:0];
    wire [BYTES-1:0] expected = frame_last ? LAST_KEEP : {BYTES{1'b1}};
    wire cut = passing & (expected & ~s_axis_tkeep) != {BYTES{1'b0}};
    wire taken = s_axis_tvalid & s_axis_tready;
    wire ended = taken & s_axis_tlast & (state != SKIP);
    wire moved = m_valid & m_ready;

    assign s_axis_tready = ~rst & ~abandon & (passing ? m_ready & mark_ready : state == DROP ? mark_ready : ~padding);
    assign m_valid = padding | (passing & s_axis_tvalid & mark_ready & ~abandon);
    assign errors = {ended & s_axis_tuser, taken & cut, ended & (state == DROP), ended & passing & ~frame_last};
    assign mark_data = damaged | s_axis_tuser | cut | ~frame_last;
    assign mark_valid = ended;
    assign busy = ~passing | (beat != {COUNT_WIDTH{1'b0}});

    always @(posedge clk) begin
        if (moved)
            beat <= frame_last ? {COUNT_WIDTH{1'b0}} : beat + 1'b1;
        if (taken)
            damaged <= ~s_axis_tlast & (damaged | cut | frame_last);
        case (state)
            PASS: if (taken & (s_axis_tlast != frame_last)) state <= frame_last ? DROP : PAD;
            PAD: if (moved & frame_last) state <= PASS;
            default: if (taken & s_axis_tlast) state <= PASS;
        endcase
        if (rst) begin
            beat <= {COUNT_WIDTH{1'b0}};
            damaged <= 1'b0;
            state <= PASS;
        end else if (abandon) begin
            beat <= {COUNT_WIDTH{1'b0}};
            damaged <= 1'b0;
            state <= busy & ~padding ? SKIP : PASS;
        end
    end

    genvar place;
    generate
        for (place = 0; place < BYTES; place = place + 1) begin : bytes
            assign m_data[8*place +: 8] = s_axis_tdata[8*place +: 8] & {8{passing & s_axis_tkeep[place]}};
        end
    endgenerate
endmodule
`default_nettype wire
