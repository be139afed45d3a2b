// Layer mean: sum pooling 6x5, stride 6x5, padding (0, 0, 0, 0).
// Input 6 x 5 x 4 of s8.5, 1 a beat; output 1 x 1 x 4 of s8.5, 1 a beat.
// 15 taps x 1 channels x 1 outputs a step, 2 steps a group, 4 groups a pixel: 8 cycles a frame.
`default_nettype none
module layer_13_mean (
    input  wire clk,
    input  wire rst,
    input  wire [7:0] s_data,
    input  wire s_valid,
    output wire s_ready,
    output wire [7:0] m_data,
    output wire m_valid,
    input  wire m_ready
);
    // ---- Input: beats are joined into words of the line buffer ----
    wire word_taken;
    wire write_enable;
    wire [6:0] write_address;
    wire [7:0] write_data;

    fpgaq_gather #(
        .BEAT_WIDTH(8),
        .BEATS_PER_WORD(1),
        .BEATS_PER_PIXEL(4),
        .ADDRESS_WIDTH(7)
    ) gather (
        .clk(clk),
        .rst(rst),
        .beat_taken(s_valid & s_ready),
        .beat_data(s_data),
        .word_taken(word_taken),
        .write_enable(write_enable),
        .write_address(write_address),
        .write_data(write_data)
    );

    // ---- Control ----
    wire [0:0] row;
    wire [0:0] column;
    wire [7:0] need_column = 8'd255;
    wire [7:0] need_row = 8'd119;
    wire [0:0] row_reaches = 1'd0;
    wire [7:0] release_words = 8'd119;
    wire [6:0] base_column = 7'd0;
    wire [6:0] base_row = 7'd120;
    wire unused_row = &{1'b0, row};
    wire [7:0] need_more = (column == 1'd0) ? need_row
        : row_reaches ? need_column : 8'd255;
    wire [6:0] base_step = (column == 1'd0) ? base_row : base_column;

    wire popped;
    wire step;
    wire step_first;
    wire step_last;
    wire pixel_first;
    wire group_final;
    wire row_done;
    wire grant = ~step | step_last;
    wire unused_ends = &{1'b0, pixel_first, group_final, row_done};
    wire [0:0] tap_group;
    wire [6:0] address;
    wire [0:0] select;
    wire [0:0] rows;
    wire [0:0] columns;

    fpgaq_walker #(
        .ROWS(1),
        .COLUMNS(1),
        .GROUPS(4),
        .GROUPS_SHARING(1),
        .TAP_GROUPS(2),
        .CHANNEL_GROUPS(1),
        .SELECTS(1),
        .ADVANCE_WORDS(1),
        .ADVANCE_SELECTS(0),
        .ROW_WIDTH(1),
        .COLUMN_WIDTH(1),
        .TAP_WIDTH(1),
        .SELECT_WIDTH(1),
        .ADDRESS_WIDTH(7),
        .NEED_WIDTH(8),
        .FREE_WIDTH(8),
        .ROW_MASK_WIDTH(1),
        .COLUMN_MASK_WIDTH(1),
        .BASE_START(0),
        .NEED_START(120),
        .ROOM_START(128),
        .BEATS(1),
        .BEATS_LAST(1),
        .CREDITS(4),
        .CREDIT_WIDTH(3)
    ) walker (
        .clk(clk),
        .rst(rst),
        .row(row),
        .column(column),
        .base_step(base_step),
        .need_more(need_more),
        .release_words(release_words),
        .row_inside(1'b1),
        .column_inside(1'b1),
        .word_taken(word_taken),
        .room(s_ready),
        .popped(popped),
        .grant(grant),
        .step(step),
        .step_first(step_first),
        .step_last(step_last),
        .pixel_first(pixel_first),
        .group_final(group_final),
        .row_done(row_done),
        .tap_group(tap_group),
        .address(address),
        .select(select),
        .rows(rows),
        .columns(columns)
    );

    // ---- Taps of a step: offsets from the window's origin, lane 0 lowest ----
    reg [104:0] offsets;
    always @*
        case (tap_group)
            1'd1: offsets = 105'h1d386cd19305cb15284c911203c;
            default: offsets = 105'he1a3058a12203860a101820200;
        endcase
    wire [14:0] taps_inside = {1'b1, 1'b1, 1'b1, 1'b1, 1'b1, 1'b1, 1'b1, 1'b1, 1'b1, 1'b1, 1'b1, 1'b1, 1'b1, 1'b1, 1'b1};
    wire unused_masks = &{1'b0, rows, columns};

    wire [119:0] elements;

    fpgaq_line_buffer #(
        .LANES(15),
        .ELEMENTS(1),
        .ELEMENT_WIDTH(8),
        .SELECTS(1),
        .SELECT_WIDTH(1),
        .ADDRESS_WIDTH(7)
    ) line_buffer (
        .clk(clk),
        .write_enable(write_enable),
        .write_address(write_address),
        .write_data(write_data),
        .address(address),
        .offsets(offsets),
        .taps_inside(taps_inside),
        .select(select),
        .outside(8'h0),
        .elements(elements)
    );

    wire first;
    wire valid;
    fpgaq_delay #(.WIDTH(2), .STAGES(4)) delay_first (
        .clk(clk), .rst(rst), .in({step, step & step_first}), .out({valid, first})
    );
    wire done;
    fpgaq_delay #(.WIDTH(1), .STAGES(5)) delay_done (
        .clk(clk), .rst(rst), .in(step & step_last), .out(done)
    );

    wire unused_valid = &{1'b0, valid};
    wire [12:0] sums;

    fpgaq_sum #(
        .LANES(15),
        .ELEMENTS(1),
        .ELEMENT_WIDTH(8),
        .ELEMENT_SIGNED(1),
        .SUM_WIDTH(13)
    ) window_sum (
        .clk(clk),
        .first(first),
        .elements(elements),
        .sums(sums)
    );

    // ---- Divisor of the pixel: reciprocal, addend, divisor ----
    wire [39:0] reciprocal = 40'hf3cb6223;

    // The reciprocal is used a cycle later than the rest.
    reg [13:0] multiplier;
    reg [12:0] divisor_first;
    reg [12:0] divisor;
    always @(posedge clk) begin
        multiplier <= reciprocal[13:0];
        divisor_first <= reciprocal[27 +: 13];
        divisor <= divisor_first;
    end

    wire results_valid;
    fpgaq_delay #(.WIDTH(1), .STAGES(3)) delay_results (
        .clk(clk), .rst(rst), .in(done), .out(results_valid)
    );

    wire [7:0] results;
    genvar lane;
    generate
        for (lane = 0; lane < 1; lane = lane + 1) begin : dividers
            fpgaq_divide #(
                .TOTAL_WIDTH(13),
                .DOUBLE(0),
                .DIVIDEND_WIDTH(13),
                .MULTIPLIER_WIDTH(14),
                .SHIFT(18),
                .OFFSET(129),
                .TIES(0),
                .RESULT_WIDTH(8),
                .RESULT_SIGNED(1),
                .NARROW(0),
                .RELU(0)
            ) divide (
                .clk(clk),
                .total(sums[lane*13 +: 13]),
                .addend(reciprocal[14 +: 13]),
                .multiplier(multiplier),
                .divisor(divisor),
                .result(results[lane*8 +: 8])
            );
        end
    endgenerate

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
