// Layer concatenate: concatenate.
// 3 inputs, 1 a beat; output 4 x 4 x 9 of s8.5, 1 a beat.
`default_nettype none
module layer_08_concatenate (
    input  wire clk,
    input  wire rst,
    input  wire [7:0] s0_data,
    input  wire s0_valid,
    output wire s0_ready,
    input  wire [7:0] s1_data,
    input  wire s1_valid,
    output wire s1_ready,
    input  wire [7:0] s2_data,
    input  wire s2_valid,
    output wire s2_ready,
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
    wire [7:0] a2;
    wire a2_valid;
    wire a2_pop;
    fpgaq_slice #(.WIDTH(8)) slice_2 (
        .clk(clk),
        .rst(rst),
        .s_data(s2_data),
        .s_valid(s2_valid),
        .s_ready(s2_ready),
        .m_data(a2),
        .m_valid(a2_valid),
        .m_ready(a2_pop)
    );

    // ---- Phases ----
    reg [3:0] phase;
    reg [2:0] uses;
    reg pops;
    reg emits;
    always @*
        case (phase)
            4'd1: {uses, pops, emits} = 5'b00111;
            4'd2: {uses, pops, emits} = 5'b00111;
            4'd3: {uses, pops, emits} = 5'b00111;
            4'd4: {uses, pops, emits} = 5'b01011;
            4'd5: {uses, pops, emits} = 5'b01011;
            4'd6: {uses, pops, emits} = 5'b01011;
            4'd7: {uses, pops, emits} = 5'b01011;
            4'd8: {uses, pops, emits} = 5'b10011;
            default: {uses, pops, emits} = 5'b00111;
        endcase

    wire available;
    wire popped;
    wire step = (available | ~emits) & (&({a2_valid, a1_valid, a0_valid} | ~uses));
    assign a0_pop = step & pops & uses[0];
    assign a1_pop = step & pops & uses[1];
    assign a2_pop = step & pops & uses[2];

    fpgaq_credit #(.ADDRESS_WIDTH(2)) credit (
        .clk(clk), .rst(rst), .spent(step & emits), .popped(popped), .available(available)
    );

    always @(posedge clk) begin
        if (step)
            phase <= (phase == 4'd8) ? 4'd0 : phase + 1'b1;
        if (rst)
            phase <= 4'd0;
    end

    wire results_valid;
    fpgaq_delay #(.WIDTH(1), .STAGES(1)) delay_results (
        .clk(clk), .rst(rst), .in(step & emits), .out(results_valid)
    );

    // ---- Results ----
    wire [7:0] results;
    reg [7:0] picked;
    always @(posedge clk)
        picked <= uses[0] ? a0 : uses[1] ? a1 : a2;
    assign results = picked;

    fpgaq_fifo #(
        .WIDTH(8),
        .ADDRESS_WIDTH(2)
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
