// Two rectifiers in a row on frames of 2 x 3 pixels, 5 channels, 2 lanes; written by hand to try the bench on.
`default_nettype none
module fpgaq_top (
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
    output reg         frame_error
);
    wire [15:0] s0_data, s1_data;
    wire [13:0] s2_data;
    wire s0_valid, s0_ready, s1_valid, s1_ready, s2_valid, s2_ready;

    fpgaq_fifo2 #(.WIDTH(16)) unpack (
        .clk(clk), .rst(rst), .in_data(s_axis_tdata), .in_valid(s_axis_tvalid), .in_ready(s_axis_tready),
        .out_data(s0_data), .out_valid(s0_valid), .out_ready(s0_ready));

    wire [7:0] a0 = s0_data[7] ? 8'd0 : s0_data[7:0];
    wire [7:0] a1 = s0_data[15] ? 8'd0 : s0_data[15:8];
    fpgaq_fifo2 #(.WIDTH(16)) relu_a (
        .clk(clk), .rst(rst), .in_data({a1, a0}), .in_valid(s0_valid), .in_ready(s0_ready),
        .out_data(s1_data), .out_valid(s1_valid), .out_ready(s1_ready));

    wire [6:0] b0 = s1_data[7] ? 7'd0 : s1_data[6:0];
    wire [6:0] b1 = s1_data[15] ? 7'd0 : s1_data[14:8];
    fpgaq_fifo2 #(.WIDTH(14)) relu_b (
        .clk(clk), .rst(rst), .in_data({b1, b0}), .in_valid(s1_valid), .in_ready(s1_ready),
        .out_data(s2_data), .out_valid(s2_valid), .out_ready(s2_ready));

    reg [4:0] in_beat, out_beat;
    assign m_axis_tdata = {1'b0, s2_data[13:7], 1'b0, s2_data[6:0]};
    assign m_axis_tvalid = s2_valid;
    assign s2_ready = m_axis_tready;
    assign m_axis_tlast = out_beat == 5'd17;

    always @(posedge clk) begin
        if (s_axis_tvalid && s_axis_tready) begin
            in_beat <= (in_beat == 5'd17) ? 5'd0 : in_beat + 5'd1;
            if (s_axis_tlast != (in_beat == 5'd17))
                frame_error <= 1'b1;
        end
        if (m_axis_tvalid && m_axis_tready)
            out_beat <= (out_beat == 5'd17) ? 5'd0 : out_beat + 5'd1;
        if (rst) begin
            in_beat <= 5'd0;
            out_beat <= 5'd0;
            frame_error <= 1'b0;
        end
    end
endmodule
`default_nettype wire
