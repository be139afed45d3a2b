// Layer argmax: argmax.
// 1 input, 1 a beat; output 1 x 1 x 1 of u3.0, 1 a beat.
`default_nettype none
module layer_15_argmax (
    input  wire clk,
    input  wire rst,
    input  wire [16:0] s0_data,
    input  wire s0_valid,
    output wire s0_ready,
    output wire [2:0] m_data,
    output wire m_valid,
    input  wire m_ready
);
    // ---- Inputs ----
    wire [16:0] a0;
    wire a0_valid;
    wire a0_pop;
    fpgaq_slice #(.WIDTH(17)) slice_0 (
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
    reg [2:0] phase;
    reg [0:0] uses;
    reg pops;
    reg emits;
    always @*
        case (phase)
            3'd1: {uses, pops, emits} = 3'b110;
            3'd2: {uses, pops, emits} = 3'b110;
            3'd3: {uses, pops, emits} = 3'b110;
            3'd4: {uses, pops, emits} = 3'b111;
            default: {uses, pops, emits} = 3'b110;
        endcase

    wire available;
    wire popped;
    wire step = (available | ~emits) & (&({a0_valid} | ~uses));
    assign a0_pop = step & pops & uses[0];

    fpgaq_credit #(.ADDRESS_WIDTH(1)) credit (
        .clk(clk), .rst(rst), .spent(step & emits), .popped(popped), .available(available)
    );

    always @(posedge clk) begin
        if (step)
            phase <= (phase == 3'd4) ? 3'd0 : phase + 1'b1;
        if (rst)
            phase <= 3'd0;
    end

    wire results_valid;
    fpgaq_delay #(.WIDTH(1), .STAGES(1)) delay_results (
        .clk(clk), .rst(rst), .in(step & emits), .out(results_valid)
    );

    // ---- Results ----
    wire [2:0] results;
    // The first of the greatest: a later channel must exceed it.
    reg [16:0] greatest;
    reg [2:0] winner;
    wire [16:0] challenger = a0 ^ 17'h10000;
    wire wins = (phase == 3'd0) | (challenger > greatest);
    always @(posedge clk)
        if (step & wins) begin
            greatest <= challenger;
            winner <= phase[2:0];
        end
    assign results = winner;

    fpgaq_fifo #(
        .WIDTH(3),
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
