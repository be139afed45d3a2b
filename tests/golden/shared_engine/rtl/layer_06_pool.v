// Layer pool: max pooling 2x2, stride 2x2, padding (0, 0, 0, 0).
// Input 4 x 4 x 4 of s8.5, 1 a beat; output 2 x 2 x 4 of s8.5, 4 a beat.
// 2 taps x 4 channels x 4 outputs a step, 2 steps a group, 1 groups a pixel: 8 cycles a frame.
`default_nettype none
module layer_06_pool (
    input  wire clk,
    input  wire rst,
    input  wire [7:0] s_data,
    input  wire s_valid,
    output wire s_ready,
    output wire [31:0] m_data,
    output wire m_valid,
    input  wire m_ready
);
    // ---- Input: beats are joined into words of the line buffer ----
    wire word_taken;
    wire write_enable;
    wire [2:0] write_address;
    wire [31:0] write_data;

    fpgaq_gather #(
        .BEAT_WIDTH(8),
        .BEATS_PER_WORD(4),
        .BEATS_PER_PIXEL(4),
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
    reg [3:0] need_column;
    always @*
        case (column)
            1'd1: need_column = 4'd15;
            default: need_column = 4'd1;
        endcase
    wire [3:0] need_row = 4'd5;
    wire [0:0] row_reaches = 1'd1;
    wire [3:0] release_words = 4'd7;
    wire [2:0] base_column = 3'd2;
    wire [2:0] base_row = 3'd6;
    wire unused_row = &{1'b0, row};
    wire [3:0] need_more = (column == 1'd1) ? need_row
        : row_reaches ? need_column : 4'd15;
    wire [2:0] base_step = (column == 1'd1) ? base_row : base_column;

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
    wire [2:0] address;
    wire [0:0] select;
    wire [0:0] rows;
    wire [0:0] columns;

    fpgaq_walker #(
        .ROWS(2),
        .COLUMNS(2),
        .GROUPS(1),
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
        .ADDRESS_WIDTH(3),
        .NEED_WIDTH(4),
        .FREE_WIDTH(4),
        .ROW_MASK_WIDTH(1),
        .COLUMN_MASK_WIDTH(1),
        .BASE_START(0),
        .NEED_START(6),
        .ROOM_START(8),
        .BEATS(1),
        .BEATS_LAST(1),
        .CREDITS(2),
        .CREDIT_WIDTH(2)
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
    reg [5:0] offsets;
    always @*
        case (tap_group)
            1'd1: offsets = 6'h2c;
            default: offsets = 6'h8;
        endcase
    wire [1:0] taps_inside = {1'b1, 1'b1};
    wire unused_masks = &{1'b0, rows, columns};

    wire [63:0] elements;

    fpgaq_line_buffer #(
        .LANES(2),
        .ELEMENTS(4),
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
        .outside(8'h80),
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

    wire unused = &{1'b0, valid};
    wire [31:0] maxima;

    fpgaq_max #(
        .LANES(2),
        .ELEMENTS(4),
        .ELEMENT_WIDTH(8),
        .ELEMENT_SIGNED(1)
    ) max (
        .clk(clk),
        .first(first),
        .elements(elements),
        .maxima(maxima)
    );

    fpgaq_fifo #(
        .WIDTH(32),
        .ADDRESS_WIDTH(1)
    ) fifo (
        .clk(clk),
        .rst(rst),
        .write_enable(done),
        .write_data(maxima),
        .m_data(m_data),
        .m_valid(m_valid),
        .m_ready(m_ready),
        .popped(popped)
    );
endmodule
`default_nettype wire
