// Layer slice: slice.
// Input 4 x 4 x 9 of s8.5, 1 a beat; output 3 x 4 x 4 of s8.5, 1 a beat.
// 1 taps x 1 channels x 1 outputs a step, 1 steps a group, 4 groups a pixel: 48 cycles a frame.
`default_nettype none
module layer_09_slice (
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
        .BEATS_PER_PIXEL(9),
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
    wire [1:0] row;
    wire [1:0] column;
    reg [7:0] need_column;
    always @*
        case (column)
            2'd3: need_column = 8'd255;
            default: need_column = 8'd8;
        endcase
    reg [7:0] need_row;
    always @*
        case (row)
            2'd2: need_row = 8'd44;
            default: need_row = 8'd8;
        endcase
    wire [0:0] row_reaches = 1'd1;
    reg [7:0] release_words;
    always @*
        case (row)
            2'd0: release_words = 8'd71;
            default: release_words = 8'd35;
        endcase
    wire [6:0] base_column = 7'd9;
    reg [6:0] base_row;
    always @*
        case (row)
            2'd2: base_row = 7'd45;
            default: base_row = 7'd9;
        endcase
    wire [7:0] need_more = (column == 2'd3) ? need_row
        : row_reaches ? need_column : 8'd255;
    wire [6:0] base_step = (column == 2'd3) ? base_row : base_column;

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
        .ROWS(3),
        .COLUMNS(4),
        .GROUPS(4),
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
        .ADDRESS_WIDTH(7),
        .NEED_WIDTH(8),
        .FREE_WIDTH(8),
        .ROW_MASK_WIDTH(1),
        .COLUMN_MASK_WIDTH(1),
        .BASE_START(38),
        .NEED_START(45),
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
    wire [6:0] offsets = 7'h0;
    wire [0:0] taps_inside = {1'b1};
    wire unused_tap = &{1'b0, tap_group};
    wire unused_masks = &{1'b0, rows, columns};

    wire [7:0] elements;

    fpgaq_line_buffer #(
        .LANES(1),
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
    fpgaq_delay #(.WIDTH(2), .STAGES(3)) delay_first (
        .clk(clk), .rst(rst), .in({step, step & step_first}), .out({valid, first})
    );
    wire done;
    fpgaq_delay #(.WIDTH(1), .STAGES(3)) delay_done (
        .clk(clk), .rst(rst), .in(step & step_last), .out(done)
    );

    wire unused = &{1'b0, valid, first};

    fpgaq_fifo #(
        .WIDTH(8),
        .ADDRESS_WIDTH(2)
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
