// Layer layer0: affine, 6 to 7.
// Input 1 x 1 x 6 of u8.7, 1 a beat; output 1 x 1 x 7 of s5.2, 1 a beat.
// 1 taps x 2 channels x 1 outputs a step, 3 steps a group, 7 groups a pixel: 21 cycles a frame.
// This is the part before the products; the engine that instantiates it multiplies. Elements of a step come 3 cycles
// after it.
`default_nettype none
module layer_00_layer0 (
    input  wire clk,
    input  wire rst,
    input  wire [7:0] s_data,
    input  wire s_valid,
    output wire s_ready,
    input  wire grant,       // a group may start in this cycle
    input  wire popped,      // a beat of results left
    output wire step,
    output wire step_first,  // of its group
    output wire step_last,
    output wire pixel_first, // the first of all steps of its pixel
    output wire group_final, // of the last group of its pixel
    output wire row_done,    // the last group of a row starts
    output wire [15:0] elements
);
    // ---- Input: beats are joined into words of the line buffer ----
    wire word_taken;
    wire write_enable;
    wire [2:0] write_address;
    wire [15:0] write_data;

    fpgaq_gather #(
        .BEAT_WIDTH(8),
        .BEATS_PER_WORD(2),
        .BEATS_PER_PIXEL(6),
        .ADDRESS_WIDTH(3)
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
    wire [3:0] need_column = 4'd15;
    wire [3:0] need_row = 4'd2;
    wire [0:0] row_reaches = 1'd0;
    wire [3:0] release_words = 4'd2;
    wire [2:0] base_column = 3'd0;
    wire [2:0] base_row = 3'd3;
    wire unused_row = &{1'b0, row};
    wire [3:0] need_more = (column == 1'd0) ? need_row
        : row_reaches ? need_column : 4'd15;
    wire [2:0] base_step = (column == 1'd0) ? base_row : base_column;

    wire [0:0] tap_group;
    wire [2:0] address;
    wire [0:0] select;
    wire [0:0] rows;
    wire [0:0] columns;

    fpgaq_walker #(
        .ROWS(1),
        .COLUMNS(1),
        .GROUPS(7),
        .GROUPS_SHARING(7),
        .TAP_GROUPS(1),
        .CHANNEL_GROUPS(3),
        .SELECTS(1),
        .ADVANCE_WORDS(0),
        .ADVANCE_SELECTS(0),
        .ROW_WIDTH(1),
        .COLUMN_WIDTH(1),
        .TAP_WIDTH(1),
        .SELECT_WIDTH(1),
        .ADDRESS_WIDTH(3),
        .NEED_WIDTH(4),
        .FREE_WIDTH(4),
        .ROW_MASK_WIDTH(1),
        .COLUMN_MASK_WIDTH(1),
        .BASE_START(0),
        .NEED_START(3),
        .ROOM_START(8),
        .BEATS(1),
        .BEATS_LAST(1),
        .CREDITS(8),
        .CREDIT_WIDTH(4)
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
    wire [2:0] offsets = 3'h0;
    wire [0:0] taps_inside = {1'b1};
    wire unused_tap = &{1'b0, tap_group};
    wire unused_masks = &{1'b0, rows, columns};


    fpgaq_line_buffer #(
        .LANES(1),
        .ELEMENTS(2),
        .ELEMENT_WIDTH(8),
        .SELECTS(1),
        .SELECT_WIDTH(1),
        .ADDRESS_WIDTH(3)
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
endmodule
`default_nettype wire
