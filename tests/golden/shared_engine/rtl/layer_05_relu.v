// Layer relu: relu.
// 1 input, 1 a beat; output 4 x 4 x 4 of u8.5, 1 a beat.
`default_nettype none
module layer_05_relu (
    input  wire clk,
    input  wire rst,
    input  wire [7:0] s0_data,
    input  wire s0_valid,
    output wire s0_ready,
    output wire [7:0] m_data,
    output wire m_valid,
    input  wire m_ready
);
    // ---- Inputs ----
    wire [7:0] a0;
    wire a0_valid;
    wire a0_pop;
    fpgaq_slice #(.WIDTH(8)) slice_0 (
        .clk(clk),
        .rst(rst),
        .s_data(s0_data),
        .s_valid(s0_valid),
        .s_ready(s0_ready),
        .m_data(a0),
        .m_valid(a0_valid),
        .m_ready(a0_pop)
    );

    // ---- Phases ----
    wire [0:0] uses = 1'b1;
    wire pops = 1'b1;
    wire emits = 1'b1;

    wire available;
    wire popped;
    wire step = (available | ~emits) & (&({a0_valid} | ~uses));
    assign a0_pop = step & pops & uses[0];

    fpgaq_credit #(.ADDRESS_WIDTH(1)) credit (
        .clk(clk), .rst(rst), .spent(step & emits), .popped(popped), .available(available)
    );

    wire results_valid;
    fpgaq_delay #(.WIDTH(1), .STAGES(1)) delay_results (
        .clk(clk), .rst(rst), .in(step & emits), .out(results_valid)
    );

    // ---- Results ----
    wire [7:0] results;
    reg [7:0] rectified;
    integer lane;
    always @(posedge clk)
        for (lane = 0; lane < 1; lane = lane + 1)
            rectified[lane*8 +: 8] <= a0[lane*8+7]
                ? 8'd0 : a0[lane*8 +: 8];
    assign results = rectified;

    fpgaq_fifo #(
        .WIDTH(8),
        .ADDRESS_WIDTH(1)
    ) fifo (
        .clk(clk),
        .rst(rst),
        .write_enable(results_valid),
        .write_data(results),
        .m_data(m_data),
        .m_valid(m_valid),
        .m_ready(m_ready),
        .popped(popped)
    );
endmodule
`default_nettype wire
