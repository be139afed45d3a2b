// Network random 4: AXI4-Stream in and out, one clock, synchronous reset, active high.
// Input s_axis: 1 x 1 x 6, 1 a beat, 6 beats a frame, channels last.
// Output m_axis: 1 x 1 x 3, 1 a beat, 3 beats a frame.
// 3 multipliers; a frame every 21 cycles, 69 cycles from first beat in to last beat out.
// Integer network bca8200935d3bc373abf3bc0630376400bd2b77685d7b5915d9cc6b220771648
`default_nettype none
module network_random_4 (
    input  wire clk,
    input  wire rst,
    input  wire [7:0] s_axis_tdata,
    input  wire s_axis_tvalid,
    output wire s_axis_tready,
    input  wire s_axis_tlast,
    output wire [15:0] m_axis_tdata,
    output wire m_axis_tvalid,
    input  wire m_axis_tready,
    output wire m_axis_tlast,
    output wire frame_error // a tlast was misplaced since the last reset
);
    // input
    wire [7:0] s0_data;
    wire s0_valid;
    wire s0_ready;
    // layer0
    wire [4:0] s1_data;
    wire s1_valid;
    wire s1_ready;
    // layer1
    wire [12:0] s2_data;
    wire s2_valid;
    wire s2_ready;

    wire s_axis_error;
    fpgaq_source #(
        .LANES(1),
        .ELEMENT_WIDTH(8),
        .SLOT_WIDTH(8),
        .FRAME_BEATS(6),
        .COUNT_WIDTH(3)
    ) source_0 (
        .clk(clk),
        .rst(rst),
        .s_axis_tdata(s_axis_tdata),
        .s_axis_tvalid(s_axis_tvalid),
        .s_axis_tready(s_axis_tready),
        .s_axis_tlast(s_axis_tlast),
        .m_data(s0_data),
        .m_valid(s0_valid),
        .m_ready(s0_ready),
        .frame_error(s_axis_error)
    );
    assign frame_error = s_axis_error;

    engine_00_array engine_00 (
        .clk(clk),
        .rst(rst),
        .s0_data(s0_data),
        .s0_valid(s0_valid),
        .s0_ready(s0_ready),
        .m0_data(s1_data),
        .m0_valid(s1_valid),
        .m0_ready(s1_ready)
    );

    engine_01_array engine_01 (
        .clk(clk),
        .rst(rst),
        .s0_data(s1_data),
        .s0_valid(s1_valid),
        .s0_ready(s1_ready),
        .m0_data(s2_data),
        .m0_valid(s2_valid),
        .m0_ready(s2_ready)
    );

    fpgaq_sink #(
        .LANES(1),
        .ELEMENT_WIDTH(13),
        .ELEMENT_SIGNED(1),
        .SLOT_WIDTH(16),
        .FRAME_BEATS(3),
        .COUNT_WIDTH(2)
    ) sink_0 (
        .clk(clk),
        .rst(rst),
        .s_data(s2_data),
        .s_valid(s2_valid),
        .s_ready(s2_ready),
        .m_axis_tdata(m_axis_tdata),
        .m_axis_tvalid(m_axis_tvalid),
        .m_axis_tready(m_axis_tready),
        .m_axis_tlast(m_axis_tlast)
    );
endmodule
`default_nettype wire
