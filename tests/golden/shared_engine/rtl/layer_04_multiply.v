// Layer multiply: multiply.
// 2 inputs, 1 a beat; output 4 x 4 x 4 of s8.5, 1 a beat.
`default_nettype none
module layer_04_multiply (
    input  wire clk,
    input  wire rst,
    input  wire [7:0] s0_data,
    input  wire s0_valid,
    output wire s0_ready,
    input  wire [7:0] s1_data,
    input  wire s1_valid,
    output wire s1_ready,
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
    wire [7:0] a1;
    wire a1_valid;
    wire a1_pop;
    fpgaq_slice #(.WIDTH(8)) slice_1 (
        .clk(clk),
        .rst(rst),
        .s_data(s1_data),
        .s_valid(s1_valid),
        .s_ready(s1_ready),
        .m_data(a1),
        .m_valid(a1_valid),
        .m_ready(a1_pop)
    );

    // ---- Phases ----
    wire [1:0] uses = 2'b11;
    wire pops = 1'b1;
    wire emits = 1'b1;

    wire available;
    wire popped;
    wire step = (available | ~emits) & (&({a1_valid, a0_valid} | ~uses));
    assign a0_pop = step & pops & uses[0];
    assign a1_pop = step & pops & uses[1];

    fpgaq_credit #(.ADDRESS_WIDTH(1)) credit (
        .clk(clk), .rst(rst), .spent(step & emits), .popped(popped), .available(available)
    );

    wire results_valid;
    fpgaq_delay #(.WIDTH(1), .STAGES(2)) delay_results (
        .clk(clk), .rst(rst), .in(step & emits), .out(results_valid)
    );

    // ---- Results ----
    wire [7:0] results;
    genvar lane;
    generate
        for (lane = 0; lane < 1; lane = lane + 1) begin : lanes
            reg signed [15:0] total;
            wire signed [15:0] x0 = {{8{a0[lane*8+7]}}, a0[lane*8 +: 8]};
            wire signed [15:0] x1 = {{8{a1[lane*8+7]}}, a1[lane*8 +: 8]};
            always @(posedge clk)
                total <= x0 * x1;
            fpgaq_requantize #(
                .TOTAL_WIDTH(16),
                .LIFT_MAX(0),
                .LIFT_WIDTH(1),
                .SHIFT(5),
                .ROUNDING(0), // half_up
                .RESULT_WIDTH(8),
                .RESULT_SIGNED(1),
                .NARROW(0),
                .RELU(0)
            ) requantize (
                .clk(clk),
                .total(total),
                .lift(1'b0),
                .result(results[lane*8 +: 8])
            );
        end
    endgenerate

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
