// Layer conv: convolution 3x3, stride 1x1, padding (1, 1, 1, 1).
// Input 4 x 4 x 2 of s8.5, 1 a beat; output 4 x 4 x 4 of s8.5, 1 a beat.
// 1 taps x 2 channels x 1 outputs a step, 9 steps a group, 4 groups a pixel: 576 cycles a frame.
// This is the part before the products; the engine that instantiates it multiplies. Elements of a step come 3 cycles
// after it.
`default_nettype none
module layer_00_conv (
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
    wire [3:0] write_address;
    wire [15:0] write_data;

    fpgaq_gather #(
        .BEAT_WIDTH(8),
        .BEATS_PER_WORD(2),
        .BEATS_PER_PIXEL(2),
        .ADDRESS_WIDTH(4)
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
    wire [1:0] row;
    wire [1:0] column;
    reg [4:0] need_column;
    always @*
        case (column)
            2'd2: need_column = 5'd31;
            2'd3: need_column = 5'd31;
            default: need_column = 5'd0;
        endcase
    reg [4:0] need_row;
    always @*
        case (row)
            2'd2: need_row = 5'd31;
            2'd3: need_row = 5'd5;
            default: need_row = 5'd1;
        endcase
    reg [0:0] row_reaches;
    always @*
        case (row)
            2'd3: row_reaches = 1'd0;
            default: row_reaches = 1'd1;
        endcase
    reg [4:0] release_words;
    always @*
        case (row)
            2'd0: release_words = 5'd31;
            2'd3: release_words = 5'd7;
            default: release_words = 5'd3;
        endcase
    wire [3:0] base_column = 4'd1;
    wire [3:0] base_row = 4'd1;
    reg [2:0] row_inside;
    always @*
        case (row)
            2'd0: row_inside = 3'd6;
            2'd3: row_inside = 3'd3;
            default: row_inside = 3'd7;
        endcase
    reg [2:0] column_inside;
    always @*
        case (column)
            2'd0: column_inside = 3'd6;
            2'd3: column_inside = 3'd3;
            default: column_inside = 3'd7;
        endcase
    wire [4:0] need_more = (column == 2'd3) ? need_row
        : row_reaches ? need_column : 5'd31;
    wire [3:0] base_step = (column == 2'd3) ? base_row : base_column;

    wire [3:0] tap_group;
    wire [3:0] address;
    wire [0:0] select;
    wire [2:0] rows;
    wire [2:0] columns;

    fpgaq_walker #(
        .ROWS(4),
        .COLUMNS(4),
        .GROUPS(4),
        .GROUPS_SHARING(4),
        .TAP_GROUPS(9),
        .CHANNEL_GROUPS(1),
        .SELECTS(1),
        .ADVANCE_WORDS(0),
        .ADVANCE_SELECTS(0),
        .ROW_WIDTH(2),
        .COLUMN_WIDTH(2),
        .TAP_WIDTH(4),
        .SELECT_WIDTH(1),
        .ADDRESS_WIDTH(4),
        .NEED_WIDTH(5),
        .FREE_WIDTH(5),
        .ROW_MASK_WIDTH(3),
        .COLUMN_MASK_WIDTH(3),
        .BASE_START(11),
        .NEED_START(6),
        .ROOM_START(16),
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
        .row_inside(row_inside),
        .column_inside(column_inside),
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
    reg [3:0] offsets;
    always @*
        case (tap_group)
            4'd1: offsets = 4'h1;
            4'd2: offsets = 4'h2;
            4'd3: offsets = 4'h4;
            4'd4: offsets = 4'h5;
            4'd5: offsets = 4'h6;
            4'd6: offsets = 4'h8;
            4'd7: offsets = 4'h9;
            4'd8: offsets = 4'ha;
            default: offsets = 4'h0;
        endcase
    reg [0:0] taps_inside;
    always @*
        case (tap_group)
            4'd1: taps_inside = {rows[0] & columns[1]};
            4'd2: taps_inside = {rows[0] & columns[2]};
            4'd3: taps_inside = {rows[1] & columns[0]};
            4'd4: taps_inside = {rows[1] & columns[1]};
            4'd5: taps_inside = {rows[1] & columns[2]};
            4'd6: taps_inside = {rows[2] & columns[0]};
            4'd7: taps_inside = {rows[2] & columns[1]};
            4'd8: taps_inside = {rows[2] & columns[2]};
            default: taps_inside = {rows[0] & columns[0]};
        endcase


    fpgaq_line_buffer #(
        .LANES(1),
        .ELEMENTS(2),
        .ELEMENT_WIDTH(8),
        .SELECTS(1),
        .SELECT_WIDTH(1),
        .ADDRESS_WIDTH(4)
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
