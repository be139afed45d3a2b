`default_nettype none
// The control of a folded layer: walks over output rows, columns, groups of output channels, groups of kernel taps and
// groups of input channels, the last fastest. A group (all the steps behind one set of results) starts when the words
// of its window are in the line buffer, the result FIFO has room for its beats and `grant` lets it; then it runs without
// a stop. Whoever grants sees to it that no group starts before the last step of the one before.
//
// The layer looks up, by `row` and `column`, facts of the window that starts next. The line buffer is circular over
// all words of all frames, so addresses are plain sums that wrap at its size.
module fpgaq_walker #(
    parameter ROWS = 1,
    parameter COLUMNS = 1,
    parameter GROUPS = 1,          // groups of results of one output pixel
    parameter GROUPS_SHARING = 1,  // successive groups that read the same input channels
    parameter TAP_GROUPS = 1,      // steps over the kernel
    parameter CHANNEL_GROUPS = 1,  // steps over the channels
    parameter SELECTS = 1,         // channel groups in one memory word
    parameter ADVANCE_WORDS = 0,   // from the channels of one set of sharing groups to the next: whole words
    parameter ADVANCE_SELECTS = 0, // and channel groups
    parameter ROW_WIDTH = 1,
    parameter COLUMN_WIDTH = 1,
    parameter TAP_WIDTH = 1,
    parameter SELECT_WIDTH = 1,
    parameter ADDRESS_WIDTH = 4,   // of the line buffer
    parameter COUNT_WIDTH = 8,     // signed counts of words
    parameter ROW_MASK_WIDTH = 1,
    parameter COLUMN_MASK_WIDTH = 1,
    parameter BASE_START = 0,      // word address of the first window's origin
    parameter NEED_START = 1,      // words that the first window waits for
    parameter ROOM_START = 16,     // words of the line buffer
    parameter BEATS = 1,           // beats of results of a group, and of a pixel's last group
    parameter BEATS_LAST = 1,
    parameter CREDITS = 16,        // words of the result FIFO
    parameter CREDIT_WIDTH = 6
) (
    input  wire                         clk,
    input  wire                         rst,
    // Facts of the window that starts next.
    output reg  [ROW_WIDTH-1:0]         row,
    output reg  [COLUMN_WIDTH-1:0]      column,
    input  wire [ADDRESS_WIDTH-1:0]     base_step,     // from its origin to the next window's
    input  wire [COUNT_WIDTH-1:0]       need_more,     // words that the window after it needs beyond its own
    input  wire [COUNT_WIDTH-1:0]       release_words, // words that nobody needs once its row is done
    input  wire [ROW_MASK_WIDTH-1:0]    row_inside,    // kernel rows that lie inside the image
    input  wire [COLUMN_MASK_WIDTH-1:0] column_inside,
    // Line buffer and result FIFO.
    input  wire                         word_taken,
    output wire                         room,
    input  wire                         popped,
    input  wire                         grant,
    // The step of this cycle.
    output reg                          step,
    output reg                          step_first,    // of its group
    output wire                         step_last,
    output reg                          pixel_first,   // the first of all steps of its pixel
    output wire                         row_done,      // the last group of a row starts
    output reg  [TAP_WIDTH-1:0]         tap_group,
    output reg  [ADDRESS_WIDTH-1:0]     address,       // of the window's origin, channel group included
    output reg  [SELECT_WIDTH-1:0]      select,        // channel group in the word
    output reg  [ROW_MASK_WIDTH-1:0]    rows,
    output reg  [COLUMN_MASK_WIDTH-1:0] columns
);
    localparam GROUP_WIDTH = GROUPS > 1 ? $clog2(GROUPS) : 1;
    localparam SHARE_WIDTH = GROUPS_SHARING > 1 ? $clog2(GROUPS_SHARING) : 1;
    localparam CHANNEL_WIDTH = CHANNEL_GROUPS > 1 ? $clog2(CHANNEL_GROUPS) : 1;
    // Constants with a width of their own, so that nothing is extended or cut unseen.
    localparam [31:0] ROW_LAST = ROWS - 1;
    localparam [31:0] COLUMN_LAST = COLUMNS - 1;
    localparam [31:0] GROUP_LAST = GROUPS - 1;
    localparam [31:0] SHARE_LAST = GROUPS_SHARING - 1;
    localparam [31:0] TAP_LAST = TAP_GROUPS - 1;
    localparam [31:0] CHANNEL_LAST = CHANNEL_GROUPS - 1;
    localparam [31:0] SELECT_LAST = SELECTS - 1;
    localparam [31:0] WRAP_SELECTS = SELECTS - ADVANCE_SELECTS;
    localparam [31:0] ADD_SELECTS = ADVANCE_SELECTS;
    localparam [31:0] ADD_WORDS = ADVANCE_WORDS;
    localparam [31:0] FIRST_BASE = BASE_START;
    localparam [31:0] FIRST_NEED = NEED_START - 1;
    localparam [31:0] FIRST_ROOM = ROOM_START - 1;
    localparam [31:0] FIRST_CREDIT = CREDITS - BEATS;
    localparam [31:0] TAKE_BEATS = BEATS;
    localparam [31:0] TAKE_BEATS_LAST = BEATS_LAST;

    // ---- Which group starts next -------------------------------------------------------------------------------
    reg [GROUP_WIDTH-1:0] group;
    reg [SHARE_WIDTH-1:0] share;
    reg [ADDRESS_WIDTH-1:0] base;         // of the window's origin
    reg [ADDRESS_WIDTH-1:0] channel_base; // of the group's first channel, within the pixel
    reg [SELECT_WIDTH-1:0] channel_select;

    wire row_last = row == ROW_LAST[ROW_WIDTH-1:0];
    wire column_last = column == COLUMN_LAST[COLUMN_WIDTH-1:0];
    wire group_last = group == GROUP_LAST[GROUP_WIDTH-1:0];
    wire share_last = share == SHARE_LAST[SHARE_WIDTH-1:0];

    // The counts are kept one below, so that a sign bit tells zero: words still missing for the next window,
    // words free in the line buffer, beats free in the result FIFO beyond those of one group.
    reg [COUNT_WIDTH-1:0] missing;
    reg [COUNT_WIDTH-1:0] free;
    reg [CREDIT_WIDTH-1:0] credit;

    wire start = grant & missing[COUNT_WIDTH-1] & ~credit[CREDIT_WIDTH-1];
    wire window_done = start & group_last;

    assign row_done = window_done & column_last;

    assign room = ~free[COUNT_WIDTH-1];

    always @(posedge clk) begin
        if (start) begin
            group <= group_last ? {GROUP_WIDTH{1'b0}} : group + 1'b1;
            if (group_last | share_last) begin
                share <= {SHARE_WIDTH{1'b0}};
            end else begin
                share <= share + 1'b1;
            end
            if (group_last) begin
                channel_base <= {ADDRESS_WIDTH{1'b0}};
                channel_select <= {SELECT_WIDTH{1'b0}};
            end else if (share_last) begin
                if (ADVANCE_SELECTS != 0 && channel_select >= WRAP_SELECTS[SELECT_WIDTH-1:0]) begin
                    channel_base <= channel_base + ADD_WORDS[ADDRESS_WIDTH-1:0] + 1'b1;
                    channel_select <= channel_select - WRAP_SELECTS[SELECT_WIDTH-1:0];
                end else begin
                    channel_base <= channel_base + ADD_WORDS[ADDRESS_WIDTH-1:0];
                    channel_select <= channel_select + ADD_SELECTS[SELECT_WIDTH-1:0];
                end
            end
        end
        if (window_done) begin
            column <= column_last ? {COLUMN_WIDTH{1'b0}} : column + 1'b1;
            if (column_last)
                row <= row_last ? {ROW_WIDTH{1'b0}} : row + 1'b1;
            base <= base + base_step;
        end
        if (rst) begin
            group <= {GROUP_WIDTH{1'b0}};
            share <= {SHARE_WIDTH{1'b0}};
            channel_base <= {ADDRESS_WIDTH{1'b0}};
            channel_select <= {SELECT_WIDTH{1'b0}};
            row <= {ROW_WIDTH{1'b0}};
            column <= {COLUMN_WIDTH{1'b0}};
            base <= FIRST_BASE[ADDRESS_WIDTH-1:0];
        end
    end

    // ---- Words and beats in flight -----------------------------------------------------------------------------
    reg [COUNT_WIDTH-1:0] release_after; // words to release behind the last step of the running group
    wire release_now = step & step_last;

    always @(posedge clk) begin
        missing <= missing + (window_done ? need_more : {COUNT_WIDTH{1'b0}}) - {{(COUNT_WIDTH-1){1'b0}}, word_taken};
        free <= free + (release_now ? release_after : {COUNT_WIDTH{1'b0}}) - {{(COUNT_WIDTH-1){1'b0}}, word_taken};
        credit <= credit - (start ? (group_last ? TAKE_BEATS_LAST[CREDIT_WIDTH-1:0] : TAKE_BEATS[CREDIT_WIDTH-1:0])
                                  : {CREDIT_WIDTH{1'b0}})
                  + {{(CREDIT_WIDTH-1){1'b0}}, popped};
        if (start)
            release_after <= group_last & column_last ? release_words : {COUNT_WIDTH{1'b0}};
        if (rst) begin
            missing <= FIRST_NEED[COUNT_WIDTH-1:0];
            free <= FIRST_ROOM[COUNT_WIDTH-1:0];
            credit <= FIRST_CREDIT[CREDIT_WIDTH-1:0];
        end
    end

    // ---- The steps of the running group ------------------------------------------------------------------------
    reg [CHANNEL_WIDTH-1:0] channel_group;
    reg [ADDRESS_WIDTH-1:0] origin;
    reg [SELECT_WIDTH-1:0] origin_select;

    wire channel_last = channel_group == CHANNEL_LAST[CHANNEL_WIDTH-1:0];
    wire tap_last = tap_group == TAP_LAST[TAP_WIDTH-1:0];
    wire select_last = select == SELECT_LAST[SELECT_WIDTH-1:0];
    wire [ADDRESS_WIDTH-1:0] start_address = base + channel_base;

    assign step_last = channel_last & tap_last;

    always @(posedge clk) begin
        if (start) begin
            origin <= start_address;
            origin_select <= channel_select;
            rows <= row_inside;
            columns <= column_inside;
        end
        if (start) begin
            address <= start_address;
            select <= channel_select;
        end else if (channel_last) begin
            address <= origin;
            select <= origin_select;
        end else begin
            address <= select_last ? address + 1'b1 : address;
            select <= select_last ? {SELECT_WIDTH{1'b0}} : select + 1'b1;
        end
    end

    always @(posedge clk) begin
        step <= start | (step & ~step_last);
        step_first <= start;
        pixel_first <= start & (group == {GROUP_WIDTH{1'b0}});
        if (step) begin
            channel_group <= channel_last ? {CHANNEL_WIDTH{1'b0}} : channel_group + 1'b1;
            if (channel_last)
                tap_group <= tap_last ? {TAP_WIDTH{1'b0}} : tap_group + 1'b1;
        end
        if (rst) begin
            step <= 1'b0;
            step_first <= 1'b0;
            pixel_first <= 1'b0;
            channel_group <= {CHANNEL_WIDTH{1'b0}};
            tap_group <= {TAP_WIDTH{1'b0}};
        end
    end
endmodule
`default_nettype wire
