`default_nettype none
// Stands for a core: 7 pixels of 3 channels of 8 bits, 2 a beat; gives back what it gets.
module loop_core (
    input  wire        clk,
    input  wire        rst,
    input  wire [15:0] s_axis_tdata,
    input  wire        s_axis_tvalid,
    output wire        s_axis_tready,
    input  wire        s_axis_tlast,
    output wire [15:0] m_axis_tdata,
    output wire        m_axis_tvalid,
    input  wire        m_axis_tready,
    output wire        m_axis_tlast,
    output wire        frame_error
);
    wire [15:0] in_data, out_data;
    wire in_valid, in_ready, out_valid, out_ready;

    fpgaq_source #(
        .LANES(2), .ELEMENT_WIDTH(8), .SLOT_WIDTH(8), .FRAME_BEATS(14), .COUNT_WIDTH(4)
    ) source (
        .clk(clk), .rst(rst), .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid),
        .s_axis_tready(s_axis_tready), .s_axis_tlast(s_axis_tlast), .m_data(in_data), .m_valid(in_valid),
        .m_ready(in_ready), .frame_error(frame_error)
    );

    fpgaq_queue #(.WIDTH(16), .ADDRESS_WIDTH(3)) queue (
        .clk(clk), .rst(rst), .s_data(in_data), .s_valid(in_valid), .s_ready(in_ready),
        .m_data(out_data), .m_valid(out_valid), .m_ready(out_ready)
    );

    fpgaq_sink #(
        .LANES(2), .ELEMENT_WIDTH(8), .ELEMENT_SIGNED(0), .SLOT_WIDTH(8), .FRAME_BEATS(14), .COUNT_WIDTH(4)
    ) sink (
        .clk(clk), .rst(rst), .s_data(out_data), .s_valid(out_valid), .s_ready(out_ready),
        .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
        .m_axis_tlast(m_axis_tlast)
    );
endmodule
`default_nettype wire
