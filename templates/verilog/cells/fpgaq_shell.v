// SPDX-License-Identifier: 0BSD
`default_nettype none
// The wrapper around a core: streams of a bus's width outside, the core's own streams inside. Each frame that comes in
// gives one frame that leaves, marked by tuser if it was damaged, or none while `drop` is high and there is a buffer.
module fpgaq_shell #(
    parameter BUS_WIDTH = 32,         // bits of tdata on the bus, a multiple of 8
    parameter INPUT_BEATS = 1,        // beats of an input frame on the bus, at least 1
    parameter INPUT_LAST_BYTES = 4,   // bytes of the last of them, 1 to BUS_WIDTH / 8
    parameter INPUT_UNIT = 8,         // bits that divide every beat of the input, on the bus and at the core
    parameter INPUT_SLOT = 8,         // bits of an input element on the bus, 8, 16, 32 or 64
    parameter CORE_INPUT_SLOT = 8,    // bits of an input element at the core, a multiple of 8, at most INPUT_SLOT
    parameter CORE_INPUT_LANES = 1,   // elements of an input beat at the core, at least 1
    parameter CORE_INPUT_REST = 1,    // elements of a pixel's last input beat there, 1 to CORE_INPUT_LANES
    parameter CORE_INPUT_PERIOD = 1,  // input beats of a pixel there, at least 1
    parameter CORE_INPUT_BEATS = 1,   // beats of an input frame there, a multiple of CORE_INPUT_PERIOD
    parameter OUTPUT_BEATS = 1,       // beats of an output frame on the bus, at least 1
    parameter OUTPUT_LAST_BYTES = 4,  // bytes of the last of them, 1 to BUS_WIDTH / 8
    parameter OUTPUT_UNIT = 8,        // bits that divide every beat of the output, on the bus and at the core
    parameter OUTPUT_SLOT = 8,        // bits of an output element on the bus, 8, 16, 32 or 64
    parameter OUTPUT_SIGNED = 0,      // 0 or 1; 1: output elements have a sign, which fills their slots up
    parameter CORE_OUTPUT_SLOT = 8,   // bits of an output element at the core, a multiple of 8, at most OUTPUT_SLOT
    parameter CORE_OUTPUT_LANES = 1,  // elements of an output beat at the core, at least 1
    parameter CORE_OUTPUT_REST = 1,   // elements of a pixel's last output beat there, 1 to CORE_OUTPUT_LANES
    parameter CORE_OUTPUT_PERIOD = 1, // output beats of a pixel there, at least 1
    parameter MARK_BITS = 2,          // 2**MARK_BITS frames may be on their way, at least 1
    parameter BUFFER_BITS = 0         // 0: no output buffer, else it holds 2**BUFFER_BITS beats, at least a frame's
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire                   abandon, // forget all frames that are on their way
    input  wire                   drop,
    input  wire [BUS_WIDTH-1:0]   s_axis_tdata,
    input  wire [BUS_WIDTH/8-1:0] s_axis_tkeep,
    input  wire                   s_axis_tvalid,
    output wire                   s_axis_tready,
    input  wire                   s_axis_tlast,
    input  wire                   s_axis_tuser,
    output wire [BUS_WIDTH-1:0]   m_axis_tdata,
    output wire [BUS_WIDTH/8-1:0] m_axis_tkeep,
    output wire                   m_axis_tvalid,
    input  wire                   m_axis_tready,
    output wire                   m_axis_tlast,
    output wire                   m_axis_tuser,
    output wire                                         core_rst,
    output wire [CORE_INPUT_LANES*CORE_INPUT_SLOT-1:0]  core_s_tdata,
    output wire                                         core_s_tvalid,
    input  wire                                         core_s_tready,
    output wire                                         core_s_tlast,
    input  wire [CORE_OUTPUT_LANES*CORE_OUTPUT_SLOT-1:0] core_m_tdata,
    input  wire                                         core_m_tvalid,
    output wire                                         core_m_tready,
    output wire                   frame_in,      // a frame ended at the input
    output wire                   frame_damaged, // and it was damaged
    output wire                   busy,          // frames are on their way
    output wire [3:0]             errors         // see fpgaq_guard
);
    localparam BYTES = BUS_WIDTH / 8;
    localparam INPUT_LAST_UNITS = INPUT_LAST_BYTES * 8 / INPUT_UNIT;
    localparam OUTPUT_LAST_UNITS = OUTPUT_LAST_BYTES * 8 / OUTPUT_UNIT;

    wire clear = rst | abandon;
    assign core_rst = clear;

    wire [BUS_WIDTH-1:0] guarded_data;
    wire guarded_valid;
    wire guarded_ready;
    wire mark_room;
    wire begun;

    fpgaq_guard #(
        .BYTES(BYTES),
        .FRAME_BEATS(INPUT_BEATS),
        .LAST_BYTES(INPUT_LAST_BYTES)
    ) guard (
        .clk(clk),
        .rst(rst),
        .abandon(abandon),
        .s_axis_tdata(s_axis_tdata),
        .s_axis_tkeep(s_axis_tkeep),
        .s_axis_tvalid(s_axis_tvalid),
        .s_axis_tready(s_axis_tready),
        .s_axis_tlast(s_axis_tlast),
        .s_axis_tuser(s_axis_tuser),
        .m_data(guarded_data),
        .m_valid(guarded_valid),
        .m_ready(guarded_ready),
        .mark_data(frame_damaged),
        .mark_valid(frame_in),
        .mark_ready(mark_room),
        .busy(begun),
        .errors(errors)
    );

    wire [CORE_INPUT_LANES*INPUT_SLOT-1:0] slots_in;

    fpgaq_gearbox #(
        .UNIT_WIDTH(INPUT_UNIT),
        .IN_UNITS(BUS_WIDTH / INPUT_UNIT),
        .IN_LAST(INPUT_LAST_UNITS),
        .IN_PERIOD(INPUT_BEATS),
        .OUT_UNITS(CORE_INPUT_LANES * INPUT_SLOT / INPUT_UNIT),
        .OUT_LAST(CORE_INPUT_REST * INPUT_SLOT / INPUT_UNIT),
        .OUT_PERIOD(CORE_INPUT_PERIOD),
        .OUT_FRAME(CORE_INPUT_BEATS)
    ) gearbox_in (
        .clk(clk),
        .rst(clear),
        .s_data(guarded_data),
        .s_valid(guarded_valid),
        .s_ready(guarded_ready),
        .m_data(slots_in),
        .m_valid(core_s_tvalid),
        .m_last(core_s_tlast),
        .m_ready(core_s_tready)
    );

    fpgaq_slots #(
        .LANES(CORE_INPUT_LANES),
        .FROM_WIDTH(INPUT_SLOT),
        .TO_WIDTH(CORE_INPUT_SLOT)
    ) to_core (
        .from(slots_in),
        .to(core_s_tdata)
    );

    wire [CORE_OUTPUT_LANES*OUTPUT_SLOT-1:0] slots_out;

    fpgaq_slots #(
        .LANES(CORE_OUTPUT_LANES),
        .FROM_WIDTH(CORE_OUTPUT_SLOT),
        .TO_WIDTH(OUTPUT_SLOT),
        .SIGNED(OUTPUT_SIGNED)
    ) from_core (
        .from(core_m_tdata),
        .to(slots_out)
    );

    wire [BUS_WIDTH-1:0] packed_data;
    wire packed_valid;
    wire packed_ready;
    wire packed_last;

    fpgaq_gearbox #(
        .UNIT_WIDTH(OUTPUT_UNIT),
        .IN_UNITS(CORE_OUTPUT_LANES * OUTPUT_SLOT / OUTPUT_UNIT),
        .IN_LAST(CORE_OUTPUT_REST * OUTPUT_SLOT / OUTPUT_UNIT),
        .IN_PERIOD(CORE_OUTPUT_PERIOD),
        .OUT_UNITS(BUS_WIDTH / OUTPUT_UNIT),
        .OUT_LAST(OUTPUT_LAST_UNITS),
        .OUT_PERIOD(OUTPUT_BEATS),
        .OUT_FRAME(OUTPUT_BEATS)
    ) gearbox_out (
        .clk(clk),
        .rst(clear),
        .s_data(slots_out),
        .s_valid(core_m_tvalid),
        .s_ready(core_m_tready),
        .m_data(packed_data),
        .m_valid(packed_valid),
        .m_last(packed_last),
        .m_ready(packed_ready)
    );

    wire mark_data;
    wire mark_valid;
    wire mark_ready;

    fpgaq_queue #(
        .WIDTH(1),
        .ADDRESS_WIDTH(MARK_BITS)
    ) marks (
        .clk(clk),
        .rst(clear),
        .s_data(frame_damaged),
        .s_valid(frame_in),
        .s_ready(mark_room),
        .m_data(mark_data),
        .m_valid(mark_valid),
        .m_ready(mark_ready)
    );

    wire [BUS_WIDTH-1:0] marked_data;
    wire marked_valid;
    wire marked_ready;
    wire marked_last;
    wire marked_user;

    fpgaq_release #(
        .WIDTH(BUS_WIDTH)
    ) hold (
        .s_data(packed_data),
        .s_last(packed_last),
        .s_valid(packed_valid),
        .s_ready(packed_ready),
        .mark_data(mark_data),
        .mark_valid(mark_valid),
        .mark_ready(mark_ready),
        .m_data(marked_data),
        .m_last(marked_last),
        .m_user(marked_user),
        .m_valid(marked_valid),
        .m_ready(marked_ready)
    );

    wire [BUS_WIDTH-1:0] final_data;
    wire final_valid;
    wire final_ready;
    wire final_last;
    wire final_user;
    wire kept; // the buffer holds whole frames

    generate
        if (BUFFER_BITS == 0) begin : unbuffered
            wire unused = drop;
            assign kept = 1'b0;
            assign final_data = marked_data;
            assign final_last = marked_last;
            assign final_user = marked_user;
            assign final_valid = marked_valid;
            assign marked_ready = final_ready;
        end else begin : buffered
            fpgaq_frame_buffer #(
                .WIDTH(BUS_WIDTH),
                .ADDRESS_WIDTH(BUFFER_BITS)
            ) buffer (
                .clk(clk),
                .rst(clear),
                .drop(drop),
                .s_data(marked_data),
                .s_last(marked_last),
                .s_user(marked_user),
                .s_valid(marked_valid),
                .s_ready(marked_ready),
                .m_data(final_data),
                .m_last(final_last),
                .m_user(final_user),
                .m_valid(final_valid),
                .m_ready(final_ready),
                .filled(kept)
            );
        end
    endgenerate

    fpgaq_close #(
        .BYTES(BYTES),
        .LAST_BYTES(OUTPUT_LAST_BYTES)
    ) close (
        .clk(clk),
        .rst(rst),
        .abandon(abandon),
        .s_data(final_data),
        .s_last(final_last),
        .s_user(final_user),
        .s_valid(final_valid),
        .s_ready(final_ready),
        .m_axis_tdata(m_axis_tdata),
        .m_axis_tkeep(m_axis_tkeep),
        .m_axis_tvalid(m_axis_tvalid),
        .m_axis_tready(m_axis_tready),
        .m_axis_tlast(m_axis_tlast),
        .m_axis_tuser(m_axis_tuser)
    );

    reg [MARK_BITS:0] waiting; // frames whose last beat has not left the core

    assign busy = begun | (waiting != {(MARK_BITS+1){1'b0}}) | kept | final_valid
        | m_axis_tvalid;

    always @(posedge clk) begin
        waiting <= waiting + {{MARK_BITS{1'b0}}, frame_in} - {{MARK_BITS{1'b0}}, mark_valid & mark_ready};
        if (clear)
            waiting <= {(MARK_BITS + 1){1'b0}};
    end
endmodule
`default_nettype wire
