// Layer table: table.
// 1 input, 1 a beat; output 4 x 4 x 4 of s8.5, 1 a beat.
`default_nettype none
module layer_03_table (
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
    fpgaq_delay #(.WIDTH(1), .STAGES(3)) delay_results (
        .clk(clk), .rst(rst), .in(step & emits), .out(results_valid)
    );

    // ---- Results ----
    wire [7:0] results;
    genvar lane;
    generate
        for (lane = 0; lane < 1; lane = lane + 1) begin : lanes
            wire [5:0] index;
            wire [7:0] entry;
            reg [7:0] kept;
            fpgaq_requantize #(
                .TOTAL_WIDTH(9),
                .SHIFT(1),
                .ROUNDING(0), // half_up
                .RESULT_WIDTH(6),
                .RESULT_SIGNED(1),
                .NARROW(0),
                .RELU(0)
            ) requantize (
                .clk(clk),
                .total({a0[lane*8+7], a0[lane*8 +: 8]}),
                .lift(1'b0),
                .result(index)
            );
            rom_03_table_table rom (.clk(clk), .address(index), .data(entry));
            always @(posedge clk)
                kept <= entry;
            assign results[lane*8 +: 8] = kept;
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
