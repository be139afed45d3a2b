// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// The control of a folded layer: walks over output rows, columns, groups of output channels, groups of kernel taps and
// groups of input channels, the last fastest. A group is all the steps of one set of results. It starts when the words
// of its window are in the line buffer, the result FIFO has room for its beats and `grant` is high; then it runs
// without a stop. Whoever shares the steps among walkers grants none while `goes_on` was high in the cycle before.
//
// The layer looks up, by `row` and `column`, facts of the window that starts next. The line buffer is circular over
// all words of all frames, so addresses are plain sums that wrap at its size.
module fpgaq_walker #(
    parameter ROWS = 1,              // of windows in a frame, at least 1
    parameter COLUMNS = 1,           // windows of a row, at least 1
    parameter GROUPS = 1,            // groups of results of one output pixel, at least 1
    parameter GROUPS_SHARING = 1,    // successive groups that read the same input channels, at least 1
    parameter TAP_GROUPS = 1,        // steps over the kernel, at least 1
    parameter CHANNEL_GROUPS = 1,    // steps over the channels, at least 1
    parameter SELECTS = 1,           // channel groups in one memory word, at least 1
    parameter ADVANCE_WORDS = 0,     // from the channels of one set of sharing groups to the next: whole words,
    parameter ADVANCE_SELECTS = 0,   // and channel groups, less than SELECTS
    parameter ROW_WIDTH = 1,         // bits of the number of a row, at least 1
    parameter COLUMN_WIDTH = 1,      // bits of the number of a window in its row, at least 1
    parameter TAP_WIDTH = 1,         // bits of the number of a tap group, at least 1
    parameter SELECT_WIDTH = 1,      // bits of the number of a channel group in a word, at least 1
    parameter ADDRESS_WIDTH = 4,     // the line buffer holds 2**ADDRESS_WIDTH words
    parameter NEED_WIDTH = 8,        // bits of the signed count of words that are missing
    parameter FREE_WIDTH = 8,        // bits of the signed count of words that are free
    parameter ROW_MASK_WIDTH = 1,    // kernel rows that may lie outside the image, at least 1
    parameter COLUMN_MASK_WIDTH = 1, // kernel columns that may lie outside the image, at least 1
    parameter BASE_START = 0,        // word address of the first window's origin
    parameter NEED_START = 1,        // words that the first window waits for, at least 1
    parameter ROOM_START = 16,       // words of the line buffer in use, at most 2**ADDRESS_WIDTH
    parameter BEATS = 1,             // beats of results of a group, at least 1
    parameter BEATS_LAST = 1,        // beats of results of a pixel's last group, 1 to BEATS
    parameter CREDITS = 16,          // words of the result FIFO
    parameter CREDIT_WIDTH = 6       // bits of the signed count of its free words, less those of a group
) (
    input  wire                         clk,
    input  wire                         rst,
    // Facts of the window that starts next.
    output wire [ROW_WIDTH-1:0]         row,
    output wire [COLUMN_WIDTH-1:0]      column,
    input  wire [ADDRESS_WIDTH-1:0]     base_step,     // from its origin to the next window's
    input  wire [NEED_WIDTH-1:0]        need_more,     // words that the window after it needs beyond its own, less one
    input  wire [FREE_WIDTH-1:0]        release_words, // words that nobody needs once its row is done, less one
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
    output wire                         goes_on,       // the next cycle has a step that does not end its group
    output wire                         row_done,      // the last group of a row starts
    output wire [TAP_WIDTH-1:0]         tap_group,
    output reg  [ADDRESS_WIDTH-1:0]     address,       // of the window's origin, channel group included
    output wire [SELECT_WIDTH-1:0]      select,        // channel group in the word
    output reg  [ROW_MASK_WIDTH-1:0]    rows,
    output reg  [COLUMN_MASK_WIDTH-1:0] columns
);
    // A counter to a last value counts from its negative up to zero: the sign bit tells the end.
    localparam GROUP_WIDTH = GROUPS > 1 ? $clog2(GROUPS - 1) + 1 : 1;
    localparam SHARE_WIDTH = GROUPS_SHARING > 1 ? $clog2(GROUPS_SHARING - 1) + 1 : 1;
    localparam CHANNEL_WIDTH = CHANNEL_GROUPS > 1 ? $clog2(CHANNEL_GROUPS - 1) + 1 : 1;
    localparam MOVES = ADVANCE_WORDS != 0 || ADVANCE_SELECTS != 0;
    // Constants with a width of their own, so that nothing is extended or cut unseen.
    localparam [31:0] ROW_LAST = ROWS - 1;
    localparam [31:0] COLUMN_LAST = COLUMNS - 1;
    localparam [31:0] GROUP_START = 1 - GROUPS;
    localparam [31:0] SHARE_START = 1 - GROUPS_SHARING;
    localparam [31:0] TAP_LAST = TAP_GROUPS - 1;
    localparam [31:0] NEXT_TO_LAST_TAP = TAP_GROUPS > 1 ? TAP_GROUPS - 2 : 0;
    localparam [31:0] CHANNEL_START = 1 - CHANNEL_GROUPS;
    localparam [31:0] SELECT_LAST = SELECTS - 1;
    localparam [31:0] WRAP_SELECTS = SELECTS - ADVANCE_SELECTS;
    localparam [31:0] ADD_SELECTS = ADVANCE_SELECTS;
    localparam [31:0] ADD_WORDS = ADVANCE_WORDS;
    localparam [31:0] FIRST_BASE = BASE_START;
    localparam [31:0] FIRST_NEED = NEED_START - 1;
    localparam [31:0] FIRST_ROOM = ROOM_START - 1;
    localparam [31:0] FIRST_CREDIT = CREDITS - BEATS;
    localparam [31:0] LESS_BEATS = -BEATS;
    localparam [31:0] LESS_BEATS_LAST = -BEATS_LAST;

    wire start;
    wire group_last;
    wire window_done = start & group_last;
    wire column_last;

    assign row_done = window_done & column_last;

    // ---- Which window starts next ------------------------------------------------------------------------------
    reg [ADDRESS_WIDTH-1:0] base; // of its origin

    always @(posedge clk) begin
        if (window_done)
            base <= base + base_step;
        if (rst)
            base <= FIRST_BASE[ADDRESS_WIDTH-1:0];
    end

    generate
        if (COLUMNS == 1) begin : one_column
            assign column = {COLUMN_WIDTH{1'b0}};
            assign column_last = 1'b1;
        end else begin : columns_of_windows
            reg [COLUMN_WIDTH-1:0] count;
            assign column = count;
            assign column_last = count == COLUMN_LAST[COLUMN_WIDTH-1:0];
            always @(posedge clk) begin
                if (window_done)
                    count <= column_last ? {COLUMN_WIDTH{1'b0}} : count + 1'b1;
                if (rst)
                    count <= {COLUMN_WIDTH{1'b0}};
            end
        end
        if (ROWS == 1) begin : one_row
            assign row = {ROW_WIDTH{1'b0}};
        end else begin : rows_of_windows
            reg [ROW_WIDTH-1:0] count;
            wire row_last = count == ROW_LAST[ROW_WIDTH-1:0];
            assign row = count;
            always @(posedge clk) begin
                if (row_done)
                    count <= row_last ? {ROW_WIDTH{1'b0}} : count + 1'b1;
                if (rst)
                    count <= {ROW_WIDTH{1'b0}};
            end
        end
    endgenerate

    // ---- Which group of it starts next -------------------------------------------------------------------------
    wire group_first;
    wire [ADDRESS_WIDTH-1:0] start_address; // of the group's first channels
    wire [SELECT_WIDTH-1:0] start_select;

    generate
        if (GROUPS == 1) begin : one_group
            assign group_first = 1'b1;
            assign group_last = 1'b1;
        end else begin : groups
            reg [GROUP_WIDTH-1:0] count;
            reg at_first;
            assign group_first = at_first;
            assign group_last = ~count[GROUP_WIDTH-1];
            always @(posedge clk) begin
                if (start) begin
                    count <= group_last ? GROUP_START[GROUP_WIDTH-1:0] : count + 1'b1;
                    at_first <= group_last;
                end
                if (rst) begin
                    count <= GROUP_START[GROUP_WIDTH-1:0];
                    at_first <= 1'b1;
                end
            end
        end
        if (MOVES) begin : moving
            reg [SHARE_WIDTH-1:0] count;
            reg [ADDRESS_WIDTH-1:0] channel_base; // of the group's first channel, within the pixel
            wire share_last = ~count[SHARE_WIDTH-1];
            assign start_address = base + channel_base;
            always @(posedge clk) begin
                if (start)
                    count <= group_last | share_last ? SHARE_START[SHARE_WIDTH-1:0] : count + 1'b1;
                if (rst)
                    count <= SHARE_START[SHARE_WIDTH-1:0];
            end
            if (ADVANCE_SELECTS != 0) begin : within_words
                reg [SELECT_WIDTH-1:0] channel_select;
                wire wraps = channel_select >= WRAP_SELECTS[SELECT_WIDTH-1:0];
                assign start_select = channel_select;
                always @(posedge clk) begin
                    if (start & share_last) begin
                        channel_base <= channel_base + ADD_WORDS[ADDRESS_WIDTH-1:0]
                            + {{(ADDRESS_WIDTH-1){1'b0}}, wraps};
                        channel_select <= wraps ? channel_select - WRAP_SELECTS[SELECT_WIDTH-1:0]
                                                : channel_select + ADD_SELECTS[SELECT_WIDTH-1:0];
                    end
                    if (rst | window_done) begin
                        channel_base <= {ADDRESS_WIDTH{1'b0}};
                        channel_select <= {SELECT_WIDTH{1'b0}};
                    end
                end
            end else begin : by_words
                assign start_select = {SELECT_WIDTH{1'b0}};
                always @(posedge clk) begin
                    if (start & share_last)
                        channel_base <= channel_base + ADD_WORDS[ADDRESS_WIDTH-1:0];
                    if (rst | window_done)
                        channel_base <= {ADDRESS_WIDTH{1'b0}};
                end
            end
        end else begin : staying
            assign start_address = base;
            assign start_select = {SELECT_WIDTH{1'b0}};
        end
    endgenerate

    // ---- Words and beats in flight -----------------------------------------------------------------------------
    // The counts are kept one below, so that a sign bit tells zero: words still missing for the next window,
    // words free in the line buffer, beats free in the result FIFO beyond those of one group. Each is a sum of two with
    // a carry from a place below: what is added is one too little, and the carry makes up for it.
    reg [NEED_WIDTH-1:0] missing;
    reg [FREE_WIDTH-1:0] free;
    reg [CREDIT_WIDTH-1:0] credit;
    reg [FREE_WIDTH-1:0] release_after; // words to release after the last step of the running group, less one

    reg between; // no group is in progress, or this cycle has its last step

    assign start = grant & between & missing[NEED_WIDTH-1] & ~credit[CREDIT_WIDTH-1];
    assign room = ~free[FREE_WIDTH-1];

    wire release_now = step & step_last;
    wire [NEED_WIDTH-1:0] needed = window_done ? need_more : {NEED_WIDTH{1'b1}};
    wire [FREE_WIDTH-1:0] released = release_now ? release_after : {FREE_WIDTH{1'b1}};
    wire [CREDIT_WIDTH-1:0] spent = group_last ? LESS_BEATS_LAST[CREDIT_WIDTH-1:0] : LESS_BEATS[CREDIT_WIDTH-1:0];
    wire [NEED_WIDTH:0] missing_next = {missing, 1'b1} + {needed, ~word_taken};
    wire [FREE_WIDTH:0] free_next = {free, 1'b1} + {released, ~word_taken};
    wire [CREDIT_WIDTH:0] credit_next = {credit, 1'b1} + {spent & {CREDIT_WIDTH{start}}, popped};
    wire unused_carries = &{1'b0, missing_next[0], free_next[0], credit_next[0]};

    always @(posedge clk) begin
        missing <= missing_next[NEED_WIDTH:1];
        free <= free_next[FREE_WIDTH:1];
        credit <= credit_next[CREDIT_WIDTH:1];
        if (start)
            release_after <= group_last & column_last ? release_words : {FREE_WIDTH{1'b1}};
        if (rst) begin
            missing <= FIRST_NEED[NEED_WIDTH-1:0];
            free <= FIRST_ROOM[FREE_WIDTH-1:0];
            credit <= FIRST_CREDIT[CREDIT_WIDTH-1:0];
        end
    end

    // ---- The steps of the running group ------------------------------------------------------------------------
    wire channel_last;
    wire tap_last;
    wire last_follows; // the step after this one is the last of its group

    assign step_last = channel_last & tap_last;
    assign goes_on = (start & (CHANNEL_GROUPS > 1 || TAP_GROUPS > 1)) | (step & ~step_last & ~last_follows);

    always @(posedge clk) begin
        step <= start | (step & ~step_last);
        between <= ~goes_on;
        step_first <= start;
        pixel_first <= start & group_first;
        if (start) begin
            rows <= row_inside;
            columns <= column_inside;
        end
        if (rst) begin
            step <= 1'b0;
            between <= 1'b1;
            step_first <= 1'b0;
            pixel_first <= 1'b0;
        end
    end

    generate
        if (CHANNEL_GROUPS == 1) begin : one_step_of_channels
            assign channel_last = 1'b1;
            assign last_follows = tap_group == NEXT_TO_LAST_TAP[TAP_WIDTH-1:0];
        end else begin : steps_of_channels
            reg [CHANNEL_WIDTH-1:0] count;
            assign channel_last = ~count[CHANNEL_WIDTH-1];
            assign last_follows = &count & tap_last;
            always @(posedge clk) begin
                if (step)
                    count <= channel_last ? CHANNEL_START[CHANNEL_WIDTH-1:0] : count + 1'b1;
                if (rst)
                    count <= CHANNEL_START[CHANNEL_WIDTH-1:0];
            end
        end
        if (TAP_GROUPS == 1) begin : one_step_of_taps
            assign tap_group = {TAP_WIDTH{1'b0}};
            assign tap_last = 1'b1;
        end else begin : steps_of_taps
            reg [TAP_WIDTH-1:0] count;
            assign tap_group = count;
            assign tap_last = count == TAP_LAST[TAP_WIDTH-1:0];
            always @(posedge clk) begin
                if (step & channel_last)
                    count <= tap_last ? {TAP_WIDTH{1'b0}} : count + 1'b1;
                if (rst)
                    count <= {TAP_WIDTH{1'b0}};
            end
        end
        // Where the channels of the next taps start: the address and the place that the group started with.
        if (CHANNEL_GROUPS == 1) begin : one_address
            reg [SELECT_WIDTH-1:0] place;
            assign select = place;
            always @(posedge clk)
                if (start) begin
                    address <= start_address;
                    place <= start_select;
                end
        end else begin : addresses
            wire [ADDRESS_WIDTH-1:0] origin;
            wire [SELECT_WIDTH-1:0] origin_select;
            wire returns = TAP_GROUPS > 1 && channel_last;
            wire select_last;
            // Without a step the address stays, so that words and operands after it keep still.
            wire moves = start | step;
            always @(posedge clk)
                if (moves)
                    address <= start ? start_address
                             : returns ? origin
                             : address + {{(ADDRESS_WIDTH-1){1'b0}}, select_last};
            if (TAP_GROUPS == 1) begin : straight
                assign origin = {ADDRESS_WIDTH{1'b0}};
                assign origin_select = {SELECT_WIDTH{1'b0}};
            end else begin : returning
                reg [ADDRESS_WIDTH-1:0] started;
                reg [SELECT_WIDTH-1:0] started_select;
                assign origin = started;
                assign origin_select = started_select;
                always @(posedge clk)
                    if (start) begin
                        started <= start_address;
                        started_select <= start_select;
                    end
            end
            if (SELECTS == 1) begin : whole_words
                wire unused = &{1'b0, start_select, origin_select};
                assign select = {SELECT_WIDTH{1'b0}};
                assign select_last = 1'b1;
            end else begin : parts_of_words
                reg [SELECT_WIDTH-1:0] place;
                assign select = place;
                assign select_last = place == SELECT_LAST[SELECT_WIDTH-1:0];
                always @(posedge clk)
                    if (moves)
                        place <= start ? start_select
                               : returns ? origin_select
                               : select_last ? {SELECT_WIDTH{1'b0}} : place + 1'b1;
            end
        end
    endgenerate
endmodule
`default_nettype wire
