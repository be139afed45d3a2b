// Layer scale: scale.
// 1 input, 1 a beat; output 4 x 4 x 4 of s8.5, 1 a beat.
`default_nettype none
module layer_01_scale (
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
    fpgaq_delay #(.WIDTH(1), .STAGES(5)) delay_results (
        .clk(clk), .rst(rst), .in(step & emits), .out(results_valid)
    );

    // ---- Results ----
    wire [7:0] results;
    // Scale, offset and lift of the beat's channels, in the order of the beats.
    reg [1:0] beat;
    always @(posedge clk) begin
        if (step)
            beat <= (beat == 2'd3) ? 2'd0 : beat + 1'b1;
        if (rst)
            beat <= 2'd0;
    end
    wire [31:0] rom_word;
    reg [31:0] facts;
    reg [7:0] a0_first;
    reg [7:0] a0_second;
    rom_01_scale_scales rom (.clk(clk), .address(beat), .data(rom_word));
    always @(posedge clk) begin
        facts <= rom_word;
        a0_first <= a0;
        a0_second <= a0_first;
    end
    genvar lane;
    generate
        for (lane = 0; lane < 1; lane = lane + 1) begin : lanes
            reg signed [14:0] total;
            wire signed [14:0] x0 = {{7{a0_second[lane*8+7]}}, a0_second[lane*8 +: 8]};
            wire [31:0] fact = facts[lane*32 +: 32];
            wire signed [14:0] scale = {{7{fact[7]}}, fact[7:0]};
            wire signed [14:0] negative = {{7{fact[15]}}, fact[8 +: 8]};
            wire signed [14:0] factor = x0[14] ? negative : scale;
            reg signed [14:0] product;
            reg signed [14:0] offset;
            reg [0:0] lift_product;
            reg [0:0] lift;
            always @(posedge clk) begin
                product <= x0 * factor;
                offset <= fact[16 +: 15];
                lift_product <= fact[31 +: 1];
                total <= product + offset;
                lift <= lift_product;
            end
            fpgaq_requantize #(
                .TOTAL_WIDTH(15),
                .LIFT_MAX(0),
                .LIFT_WIDTH(1),
                .SHIFT(6),
                .ROUNDING(0), // half_up
                .RESULT_WIDTH(8),
                .RESULT_SIGNED(1),
                .NARROW(0),
                .RELU(0)
            ) requantize (
                .clk(clk),
                .total(total),
                .lift(lift),
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
