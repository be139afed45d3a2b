// Layer upsample: upsample.
// Input 2 x 2 x 4 of s8.5, 4 a beat; output 4 x 4 x 4 of s8.5, 4 a beat.
// 1 taps x 4 channels x 4 outputs a step, 1 steps a group, 1 groups a pixel: 16 cycles a frame.
`default_nettype none
module layer_07_upsample (
    input  wire clk,
    input  wire rst,
    input  wire [31:0] s_data,
    input  wire s_valid,
    output wire s_ready,
    output wire [31:0] m_data,
    output wire m_valid,
    input  wire m_ready
);
    // ---- Input: beats are joined into words of the line buffer ----
    wire word_taken;
    wire write_enable;
    wire [0:0] write_address;
    wire [31:0] write_data;

    fpgaq_gather #(
        .BEAT_WIDTH(32),
        .BEATS_PER_WORD(1),
        .BEATS_PER_PIXEL(1),
        .ADDRESS_WIDTH(1)
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
    reg [1:0] need_column;
    always @*
        case (column)
            2'd1: need_column = 2'd0;
            default: need_column = 2'd3;
        endcase
    reg [1:0] need_row;
    always @*
        case (row)
            2'd1: need_row = 2'd0;
            2'd3: need_row = 2'd0;
            default: need_row = 2'd3;
        endcase
    reg [0:0] row_reaches;
    always @*
        case (row)
            2'd1: row_reaches = 1'd0;
            2'd3: row_reaches = 1'd0;
            default: row_reaches = 1'd1;
        endcase
    reg [1:0] release_words;
    always @*
        case (row)
            2'd1: release_words = 2'd1;
            2'd3: release_words = 2'd1;
            default: release_words = 2'd3;
        endcase
    reg [0:0] base_column;
    always @*
        case (column)
            2'd1: base_column = 1'd1;
            default: base_column = 1'd0;
        endcase
    wire [0:0] base_row = 1'd1;
    wire [1:0] need_more = (column == 2'd3) ? need_row
        : row_reaches ? need_column : 2'd3;
    wire [0:0] base_step = (column == 2'd3) ? base_row : base_column;

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
    wire [0:0] address;
    wire [0:0] select;
    wire [0:0] rows;
    wire [0:0] columns;

    fpgaq_walker #(
        .ROWS(4),
        .COLUMNS(4),
        .GROUPS(1),
        .GROUPS_SHARING(1),
        .TAP_GROUPS(1),
        .CHANNEL_GROUPS(1),
        .SELECTS(1),
        .ADVANCE_WORDS(1),
        .ADVANCE_SELECTS(0),
        .ROW_WIDTH(2),
        .COLUMN_WIDTH(2),
        .TAP_WIDTH(1),
        .SELECT_WIDTH(1),
        .ADDRESS_WIDTH(1),
        .NEED_WIDTH(2),
        .FREE_WIDTH(2),
        .ROW_MASK_WIDTH(1),
        .COLUMN_MASK_WIDTH(1),
        .BASE_START(0),
        .NEED_START(1),
        .ROOM_START(2),
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
    wire [0:0] offsets = 1'h0;
    wire [0:0] taps_inside = {1'b1};
    wire unused_tap = &{1'b0, tap_group};
    wire unused_masks = &{1'b0, rows, columns};

    wire [31:0] elements;

    fpgaq_line_buffer #(
        .LANES(1),
        .ELEMENTS(4),
        .ELEMENT_WIDTH(8),
        .SELECTS(1),
        .SELECT_WIDTH(1),
        .ADDRESS_WIDTH(1)
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
    fpgaq_delay #(.WIDTH(2), .STAGES(3)) delay_first (
        .clk(clk), .rst(rst), .in({step, step & step_first}), .out({valid, first})
    );
    wire done;
    fpgaq_delay #(.WIDTH(1), .STAGES(3)) delay_done (
        .clk(clk), .rst(rst), .in(step & step_last), .out(done)
    );

    wire unused = &{1'b0, valid, first};

    fpgaq_fifo #(
        .WIDTH(32),
        .ADDRESS_WIDTH(1)
    ) fifo (
        .clk(clk),
        .rst(rst),
        .write_enable(done),
        .write_data(elements),
        .m_data(m_data),
        .m_valid(m_valid),
        .m_ready(m_ready),
        .popped(popped)
    );
endmodule
`default_nettype wire
