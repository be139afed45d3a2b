// Layer h: beats of 4 become beats of 1.
// 1 input, 4 a beat; output 4 x 4 x 4 of s8.5, 1 a beat.
`default_nettype none
module serializer_00 (
    input  wire clk,
    input  wire rst,
    input  wire [31:0] s0_data,
    input  wire s0_valid,
    output wire s0_ready,
    output wire [7:0] m_data,
    output wire m_valid,
    input  wire m_ready
);
    // ---- Inputs ----
    wire [31:0] a0;
    wire a0_valid;
    wire a0_pop;
    fpgaq_slice #(.WIDTH(32)) slice_0 (
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
    reg [1:0] phase;
    reg [0:0] uses;
    reg pops;
    reg emits;
    always @*
        case (phase)
            2'd1: {uses, pops, emits} = 3'b101;
            2'd2: {uses, pops, emits} = 3'b101;
            2'd3: {uses, pops, emits} = 3'b111;
            default: {uses, pops, emits} = 3'b101;
        endcase

    wire available;
    wire popped;
    wire step = (available | ~emits) & (&({a0_valid} | ~uses));
    assign a0_pop = step & pops & uses[0];

    fpgaq_credit #(.ADDRESS_WIDTH(3)) credit (
        .clk(clk), .rst(rst), .spent(step & emits), .popped(popped), .available(available)
    );

    always @(posedge clk) begin
        if (step)
            phase <= (phase == 2'd3) ? 2'd0 : phase + 1'b1;
        if (rst)
            phase <= 2'd0;
    end

    wire results_valid;
    fpgaq_delay #(.WIDTH(1), .STAGES(1)) delay_results (
        .clk(clk), .rst(rst), .in(step & emits), .out(results_valid)
    );

    // ---- Results ----
    wire [7:0] results;
    reg [7:0] picked;
    always @(posedge clk)
        case (phase)
            2'd1: picked <= a0[8 +: 8];
            2'd2: picked <= a0[16 +: 8];
            2'd3: picked <= a0[24 +: 8];
            default: picked <= a0[0 +: 8];
        endcase
    assign results = picked;

    fpgaq_fifo #(
        .WIDTH(8),
        .ADDRESS_WIDTH(3)
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
