// Network test: AXI4-Stream in and out, one clock, synchronous reset, active high.
// Input s_axis_0: 4 x 4 x 2, 1 a beat, 32 beats a frame, channels last.
// Input s_axis_1: 4 x 4 x 1, 1 a beat, 16 beats a frame, channels last.
// Output m_axis_0: 1 x 1 x 1, 1 a beat, 1 beats a frame.
// Output m_axis_1: 1 x 1 x 5, 1 a beat, 5 beats a frame.
// Output m_axis_2: 4 x 4 x 4, 1 a beat, 64 beats a frame.
// 2 multipliers; a frame every 944 cycles, 973 cycles from first beat in to last beat out.
// Integer network cb69385c22949befa4695808d197dce09aad86d7464d2c5397f1665e0651f99a
`default_nettype none
module network_test (
    input  wire clk,
    input  wire rst,
    input  wire [7:0] s_axis_0_tdata,
    input  wire s_axis_0_tvalid,
    output wire s_axis_0_tready,
    input  wire s_axis_0_tlast,
    input  wire [7:0] s_axis_1_tdata,
    input  wire s_axis_1_tvalid,
    output wire s_axis_1_tready,
    input  wire s_axis_1_tlast,
    output wire [7:0] m_axis_0_tdata,
    output wire m_axis_0_tvalid,
    input  wire m_axis_0_tready,
    output wire m_axis_0_tlast,
    output wire [23:0] m_axis_1_tdata,
    output wire m_axis_1_tvalid,
    input  wire m_axis_1_tready,
    output wire m_axis_1_tlast,
    output wire [7:0] m_axis_2_tdata,
    output wire m_axis_2_tvalid,
    input  wire m_axis_2_tready,
    output wire m_axis_2_tlast,
    output wire frame_error // a tlast was misplaced since the last reset
);
    // input
    wire [7:0] s0_data;
    wire s0_valid;
    wire s0_ready;
    // input
    wire [7:0] s1_data;
    wire s1_valid;
    wire s1_ready;
    // conv
    wire [7:0] s2_data;
    wire s2_valid;
    wire s2_ready;
    // scale
    wire [7:0] s3_data;
    wire s3_valid;
    wire s3_ready;
    // add
    wire [7:0] s4_data;
    wire s4_valid;
    wire s4_ready;
    // table
    wire [7:0] s5_data;
    wire s5_valid;
    wire s5_ready;
    // multiply
    wire [7:0] s6_data;
    wire s6_valid;
    wire s6_ready;
    // relu
    wire [7:0] s7_data;
    wire s7_valid;
    wire s7_ready;
    // pool
    wire [31:0] s8_data;
    wire s8_valid;
    wire s8_ready;
    // upsample
    wire [31:0] s9_data;
    wire s9_valid;
    wire s9_ready;
    // concatenate
    wire [7:0] s10_data;
    wire s10_valid;
    wire s10_ready;
    // slice
    wire [7:0] s11_data;
    wire s11_valid;
    wire s11_ready;
    // pad
    wire [7:0] s12_data;
    wire s12_valid;
    wire s12_ready;
    // reshape
    wire [7:0] s13_data;
    wire s13_valid;
    wire s13_ready;
    // transpose
    wire [7:0] s14_data;
    wire s14_valid;
    wire s14_ready;
    // mean
    wire [7:0] s15_data;
    wire s15_valid;
    wire s15_ready;
    // affine
    wire [16:0] s16_data;
    wire s16_valid;
    wire s16_ready;
    // argmax
    wire [2:0] s17_data;
    wire s17_valid;
    wire s17_ready;

    wire s_axis_0_error;
    fpgaq_source #(
        .LANES(1),
        .ELEMENT_WIDTH(8),
        .SLOT_WIDTH(8),
        .FRAME_BEATS(32),
        .COUNT_WIDTH(5)
    ) source_0 (
        .clk(clk),
        .rst(rst),
        .s_axis_tdata(s_axis_0_tdata),
        .s_axis_tvalid(s_axis_0_tvalid),
        .s_axis_tready(s_axis_0_tready),
        .s_axis_tlast(s_axis_0_tlast),
        .m_data(s0_data),
        .m_valid(s0_valid),
        .m_ready(s0_ready),
        .frame_error(s_axis_0_error)
    );

    wire s_axis_1_error;
    fpgaq_source #(
        .LANES(1),
        .ELEMENT_WIDTH(8),
        .SLOT_WIDTH(8),
        .FRAME_BEATS(16),
        .COUNT_WIDTH(4)
    ) source_1 (
        .clk(clk),
        .rst(rst),
        .s_axis_tdata(s_axis_1_tdata),
        .s_axis_tvalid(s_axis_1_tvalid),
        .s_axis_tready(s_axis_1_tready),
        .s_axis_tlast(s_axis_1_tlast),
        .m_data(s1_data),
        .m_valid(s1_valid),
        .m_ready(s1_ready),
        .frame_error(s_axis_1_error)
    );
    assign frame_error = s_axis_0_error | s_axis_1_error;

    // s2 goes 2 ways: it is taken when all queues have room.
    wire [7:0] s2_0_data;
    wire s2_0_valid;
    wire s2_0_ready;
    wire s2_0_room;
    fpgaq_queue #(
        .WIDTH(8),
        .ADDRESS_WIDTH(1),
        .WORDS(2)
    ) s2_0_queue (
        .clk(clk),
        .rst(rst),
        .s_data(s2_data),
        .s_valid(s2_valid & s2_ready),
        .s_ready(s2_0_room),
        .m_data(s2_0_data),
        .m_valid(s2_0_valid),
        .m_ready(s2_0_ready)
    );
    wire [7:0] s2_1_data;
    wire s2_1_valid;
    wire s2_1_ready;
    wire s2_1_room;
    fpgaq_queue #(
        .WIDTH(8),
        .ADDRESS_WIDTH(1),
        .WORDS(2)
    ) s2_1_queue (
        .clk(clk),
        .rst(rst),
        .s_data(s2_data),
        .s_valid(s2_valid & s2_ready),
        .s_ready(s2_1_room),
        .m_data(s2_1_data),
        .m_valid(s2_1_valid),
        .m_ready(s2_1_ready)
    );
    assign s2_ready = s2_0_room & s2_1_room;

    // s4 goes 2 ways: it is taken when all queues have room.
    wire [7:0] s4_0_data;
    wire s4_0_valid;
    wire s4_0_ready;
    wire s4_0_room;
    fpgaq_queue #(
        .WIDTH(8),
        .ADDRESS_WIDTH(1),
        .WORDS(2)
    ) s4_0_queue (
        .clk(clk),
        .rst(rst),
        .s_data(s4_data),
        .s_valid(s4_valid & s4_ready),
        .s_ready(s4_0_room),
        .m_data(s4_0_data),
        .m_valid(s4_0_valid),
        .m_ready(s4_0_ready)
    );
    wire [7:0] s4_1_data;
    wire s4_1_valid;
    wire s4_1_ready;
    wire s4_1_room;
    fpgaq_queue #(
        .WIDTH(8),
        .ADDRESS_WIDTH(1),
        .WORDS(2)
    ) s4_1_queue (
        .clk(clk),
        .rst(rst),
        .s_data(s4_data),
        .s_valid(s4_valid & s4_ready),
        .s_ready(s4_1_room),
        .m_data(s4_1_data),
        .m_valid(s4_1_valid),
        .m_ready(s4_1_ready)
    );
    assign s4_ready = s4_0_room & s4_1_room;

    // s6 goes 3 ways: it is taken when all queues have room.
    wire [7:0] s6_0_data;
    wire s6_0_valid;
    wire s6_0_ready;
    wire s6_0_room;
    fpgaq_queue #(
        .WIDTH(8),
        .ADDRESS_WIDTH(1),
        .WORDS(2)
    ) s6_0_queue (
        .clk(clk),
        .rst(rst),
        .s_data(s6_data),
        .s_valid(s6_valid & s6_ready),
        .s_ready(s6_0_room),
        .m_data(s6_0_data),
        .m_valid(s6_0_valid),
        .m_ready(s6_0_ready)
    );
    wire [7:0] s6_1_data;
    wire s6_1_valid;
    wire s6_1_ready;
    wire s6_1_room;
    fpgaq_queue #(
        .WIDTH(8),
        .ADDRESS_WIDTH(1),
        .WORDS(2)
    ) s6_1_queue (
        .clk(clk),
        .rst(rst),
        .s_data(s6_data),
        .s_valid(s6_valid & s6_ready),
        .s_ready(s6_1_room),
        .m_data(s6_1_data),
        .m_valid(s6_1_valid),
        .m_ready(s6_1_ready)
    );
    wire [7:0] s6_2_data;
    wire s6_2_valid;
    wire s6_2_ready;
    wire s6_2_room;
    fpgaq_queue #(
        .WIDTH(8),
        .ADDRESS_WIDTH(5),
        .WORDS(32)
    ) s6_2_queue (
        .clk(clk),
        .rst(rst),
        .s_data(s6_data),
        .s_valid(s6_valid & s6_ready),
        .s_ready(s6_2_room),
        .m_data(s6_2_data),
        .m_valid(s6_2_valid),
        .m_ready(s6_2_ready)
    );
    assign s6_ready = s6_0_room & s6_1_room & s6_2_room;

    // s16 goes 2 ways: it is taken when all queues have room.
    wire [16:0] s16_0_data;
    wire s16_0_valid;
    wire s16_0_ready;
    wire s16_0_room;
    fpgaq_queue #(
        .WIDTH(17),
        .ADDRESS_WIDTH(1),
        .WORDS(2)
    ) s16_0_queue (
        .clk(clk),
        .rst(rst),
        .s_data(s16_data),
        .s_valid(s16_valid & s16_ready),
        .s_ready(s16_0_room),
        .m_data(s16_0_data),
        .m_valid(s16_0_valid),
        .m_ready(s16_0_ready)
    );
    wire [16:0] s16_1_data;
    wire s16_1_valid;
    wire s16_1_ready;
    wire s16_1_room;
    fpgaq_queue #(
        .WIDTH(17),
        .ADDRESS_WIDTH(1),
        .WORDS(2)
    ) s16_1_queue (
        .clk(clk),
        .rst(rst),
        .s_data(s16_data),
        .s_valid(s16_valid & s16_ready),
        .s_ready(s16_1_room),
        .m_data(s16_1_data),
        .m_valid(s16_1_valid),
        .m_ready(s16_1_ready)
    );
    assign s16_ready = s16_0_room & s16_1_room;

    layer_01_scale layer_01 (
        .clk(clk),
        .rst(rst),
        .s0_data(s2_0_data),
        .s0_valid(s2_0_valid),
        .s0_ready(s2_0_ready),
        .m_data(s3_data),
        .m_valid(s3_valid),
        .m_ready(s3_ready)
    );

    layer_02_add layer_02 (
        .clk(clk),
        .rst(rst),
        .s0_data(s2_1_data),
        .s0_valid(s2_1_valid),
        .s0_ready(s2_1_ready),
        .s1_data(s3_data),
        .s1_valid(s3_valid),
        .s1_ready(s3_ready),
        .m_data(s4_data),
        .m_valid(s4_valid),
        .m_ready(s4_ready)
    );

    layer_03_table layer_03 (
        .clk(clk),
        .rst(rst),
        .s0_data(s4_0_data),
        .s0_valid(s4_0_valid),
        .s0_ready(s4_0_ready),
        .m_data(s5_data),
        .m_valid(s5_valid),
        .m_ready(s5_ready)
    );

    layer_04_multiply layer_04 (
        .clk(clk),
        .rst(rst),
        .s0_data(s5_data),
        .s0_valid(s5_valid),
        .s0_ready(s5_ready),
        .s1_data(s4_1_data),
        .s1_valid(s4_1_valid),
        .s1_ready(s4_1_ready),
        .m_data(s6_data),
        .m_valid(s6_valid),
        .m_ready(s6_ready)
    );

    layer_05_relu layer_05 (
        .clk(clk),
        .rst(rst),
        .s0_data(s6_0_data),
        .s0_valid(s6_0_valid),
        .s0_ready(s6_0_ready),
        .m_data(s7_data),
        .m_valid(s7_valid),
        .m_ready(s7_ready)
    );

    layer_06_pool layer_06 (
        .clk(clk),
        .rst(rst),
        .s_data(s6_1_data),
        .s_valid(s6_1_valid),
        .s_ready(s6_1_ready),
        .m_data(s8_data),
        .m_valid(s8_valid),
        .m_ready(s8_ready)
    );

    layer_07_upsample layer_07 (
        .clk(clk),
        .rst(rst),
        .s_data(s8_data),
        .s_valid(s8_valid),
        .s_ready(s8_ready),
        .m_data(s9_data),
        .m_valid(s9_valid),
        .m_ready(s9_ready)
    );

    wire [7:0] s9_narrow_8_0_data;
    wire s9_narrow_8_0_valid;
    wire s9_narrow_8_0_ready;
    serializer_00 serializer_00 (
        .clk(clk),
        .rst(rst),
        .s0_data(s9_data),
        .s0_valid(s9_valid),
        .s0_ready(s9_ready),
        .m_data(s9_narrow_8_0_data),
        .m_valid(s9_narrow_8_0_valid),
        .m_ready(s9_narrow_8_0_ready)
    );

    layer_08_concatenate layer_08 (
        .clk(clk),
        .rst(rst),
        .s0_data(s9_narrow_8_0_data),
        .s0_valid(s9_narrow_8_0_valid),
        .s0_ready(s9_narrow_8_0_ready),
        .s1_data(s6_2_data),
        .s1_valid(s6_2_valid),
        .s1_ready(s6_2_ready),
        .s2_data(s1_data),
        .s2_valid(s1_valid),
        .s2_ready(s1_ready),
        .m_data(s10_data),
        .m_valid(s10_valid),
        .m_ready(s10_ready)
    );

    layer_09_slice layer_09 (
        .clk(clk),
        .rst(rst),
        .s_data(s10_data),
        .s_valid(s10_valid),
        .s_ready(s10_ready),
        .m_data(s11_data),
        .m_valid(s11_valid),
        .m_ready(s11_ready)
    );

    layer_10_pad layer_10 (
        .clk(clk),
        .rst(rst),
        .s_data(s11_data),
        .s_valid(s11_valid),
        .s_ready(s11_ready),
        .m_data(s12_data),
        .m_valid(s12_valid),
        .m_ready(s12_ready)
    );

    layer_11_reshape layer_11 (
        .clk(clk),
        .rst(rst),
        .s0_data(s12_data),
        .s0_valid(s12_valid),
        .s0_ready(s12_ready),
        .m_data(s13_data),
        .m_valid(s13_valid),
        .m_ready(s13_ready)
    );

    layer_12_transpose layer_12 (
        .clk(clk),
        .rst(rst),
        .s_data(s13_data),
        .s_valid(s13_valid),
        .s_ready(s13_ready),
        .m_data(s14_data),
        .m_valid(s14_valid),
        .m_ready(s14_ready)
    );

    layer_13_mean layer_13 (
        .clk(clk),
        .rst(rst),
        .s_data(s14_data),
        .s_valid(s14_valid),
        .s_ready(s14_ready),
        .m_data(s15_data),
        .m_valid(s15_valid),
        .m_ready(s15_ready)
    );

    layer_15_argmax layer_15 (
        .clk(clk),
        .rst(rst),
        .s0_data(s16_0_data),
        .s0_valid(s16_0_valid),
        .s0_ready(s16_0_ready),
        .m_data(s17_data),
        .m_valid(s17_valid),
        .m_ready(s17_ready)
    );

    engine_00_array engine_00 (
        .clk(clk),
        .rst(rst),
        .s0_data(s0_data),
        .s0_valid(s0_valid),
        .s0_ready(s0_ready),
        .s1_data(s15_data),
        .s1_valid(s15_valid),
        .s1_ready(s15_ready),
        .m0_data(s2_data),
        .m0_valid(s2_valid),
        .m0_ready(s2_ready),
        .m1_data(s16_data),
        .m1_valid(s16_valid),
        .m1_ready(s16_ready)
    );

    fpgaq_sink #(
        .LANES(1),
        .ELEMENT_WIDTH(3),
        .ELEMENT_SIGNED(0),
        .SLOT_WIDTH(8),
        .FRAME_BEATS(1),
        .COUNT_WIDTH(1)
    ) sink_0 (
        .clk(clk),
        .rst(rst),
        .s_data(s17_data),
        .s_valid(s17_valid),
        .s_ready(s17_ready),
        .m_axis_tdata(m_axis_0_tdata),
        .m_axis_tvalid(m_axis_0_tvalid),
        .m_axis_tready(m_axis_0_tready),
        .m_axis_tlast(m_axis_0_tlast)
    );

    fpgaq_sink #(
        .LANES(1),
        .ELEMENT_WIDTH(17),
        .ELEMENT_SIGNED(1),
        .SLOT_WIDTH(24),
        .FRAME_BEATS(5),
        .COUNT_WIDTH(3)
    ) sink_1 (
        .clk(clk),
        .rst(rst),
        .s_data(s16_1_data),
        .s_valid(s16_1_valid),
        .s_ready(s16_1_ready),
        .m_axis_tdata(m_axis_1_tdata),
        .m_axis_tvalid(m_axis_1_tvalid),
        .m_axis_tready(m_axis_1_tready),
        .m_axis_tlast(m_axis_1_tlast)
    );

    fpgaq_sink #(
        .LANES(1),
        .ELEMENT_WIDTH(8),
        .ELEMENT_SIGNED(0),
        .SLOT_WIDTH(8),
        .FRAME_BEATS(64),
        .COUNT_WIDTH(6)
    ) sink_2 (
        .clk(clk),
        .rst(rst),
        .s_data(s7_data),
        .s_valid(s7_valid),
        .s_ready(s7_ready),
        .m_axis_tdata(m_axis_2_tdata),
        .m_axis_tvalid(m_axis_2_tvalid),
        .m_axis_tready(m_axis_2_tready),
        .m_axis_tlast(m_axis_2_tlast)
    );
endmodule
`default_nettype wire
