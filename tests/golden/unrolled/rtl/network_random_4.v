// Network random 4, unrolled: AXI4-Stream in and out, one clock, synchronous reset, active high.
// Input s_axis: 6 elements, a frame a beat. Output m_axis: 3 elements, a frame a beat.
// No multipliers; a frame every cycle, 10 cycles from beat in to beat out, 8 registers one behind the other.
// Integer network bca8200935d3bc373abf3bc0630376400bd2b77685d7b5915d9cc6b220771648
`default_nettype none
module network_random_4 (
    input  wire clk,
    input  wire rst,
    input  wire [47:0] s_axis_tdata,
    input  wire s_axis_tvalid,
    output wire s_axis_tready,
    input  wire s_axis_tlast,
    output wire [47:0] m_axis_tdata,
    output wire m_axis_tvalid,
    input  wire m_axis_tready,
    output wire m_axis_tlast,
    output wire frame_error // a tlast was misplaced since the last reset
);
    // Input. A frame enters when its result will find room: nothing behind this point ever waits.
    wire [47:0] s0_data;
    wire s0_valid;
    wire s0_ready;
    fpgaq_source #(
        .LANES(6),
        .ELEMENT_WIDTH(8),
        .SLOT_WIDTH(8),
        .FRAME_BEATS(1),
        .COUNT_WIDTH(1)
    ) source (
        .clk(clk),
        .rst(rst),
        .s_axis_tdata(s_axis_tdata),
        .s_axis_tvalid(s_axis_tvalid),
        .s_axis_tready(s_axis_tready),
        .s_axis_tlast(s_axis_tlast),
        .m_data(s0_data),
        .m_valid(s0_valid),
        .m_ready(s0_ready),
        .frame_error(frame_error)
    );

    wire popped;
    fpgaq_credit #(.ADDRESS_WIDTH(4)) credit (
        .clk(clk), .rst(rst), .spent(s0_valid & s0_ready), .popped(popped), .available(s0_ready)
    );

    reg [47:0] frame;
    always @(posedge clk)
        frame <= s0_data;
    wire frame_valid;
    fpgaq_delay #(.WIDTH(1), .STAGES(1)) delay_frame (
        .clk(clk), .rst(rst), .in(s0_valid & s0_ready), .out(frame_valid)
    );

    // layer0
    wire [34:0] s1_data;
    wire s1_valid;
    wire s1_ready = 1'b1;
    wire unused_s1 = &{1'b0, s1_ready};
    layer_00_layer0 layer_00 (
        .clk(clk),
        .s_data(frame),
        .m_data(s1_data)
    );
    fpgaq_delay #(.WIDTH(1), .STAGES(4)) delay_0 (
        .clk(clk),
        .rst(rst),
        .in(frame_valid),
        .out(s1_valid)
    );

    // layer1
    wire [38:0] results;
    wire results_valid;
    layer_01_layer1 layer_01 (
        .clk(clk),
        .s_data(s1_data),
        .m_data(results)
    );
    fpgaq_delay #(.WIDTH(1), .STAGES(3)) delay_1 (
        .clk(clk),
        .rst(rst),
        .in(s1_valid),
        .out(results_valid)
    );

    // Output
    wire [38:0] s2_data;
    wire s2_valid;
    wire s2_ready;
    fpgaq_fifo #(
        .WIDTH(39),
        .ADDRESS_WIDTH(4),
        .EAGER(1)
    ) fifo (
        .clk(clk),
        .rst(rst),
        .write_enable(results_valid),
        .write_data(results),
        .m_data(s2_data),
        .m_valid(s2_valid),
        .m_ready(s2_ready),
        .popped(popped)
    );
    fpgaq_sink #(
        .LANES(3),
        .ELEMENT_WIDTH(13),
        .ELEMENT_SIGNED(1),
        .SLOT_WIDTH(16),
        .FRAME_BEATS(1),
        .COUNT_WIDTH(1)
    ) sink (
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
