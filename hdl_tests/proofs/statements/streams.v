// SPDX-License-Identifier: Apache-2.0
// What a stream cell owes: no beat lost, repeated, reordered or made up, data that stay while they wait, and words that
// come out if the reader is ready. Any one word is watched: `chosen` is its number, modulo a power of two above what
// the cell holds, so that a proof about it is one about every word. A reset in any state begins anew. `rst` is high in
// the first cycle, and registers without initial value start anyhow.
`default_nettype none

module watch_stream #(
    parameter WIDTH = 2, COUNT_WIDTH = 3, WORDS = 2, PATIENCE = 4
) (
    input wire clk,
    input wire rst,
    input wire [COUNT_WIDTH-1:0] chosen,
    input wire [WIDTH-1:0] s_data,
    input wire taken,
    input wire s_ready,
    input wire [WIDTH-1:0] m_data,
    input wire m_valid,
    input wire m_ready,
    output wire bad,
    output wire seen
);
    reg [COUNT_WIDTH-1:0] number; // of the word that is watched; it never changes
    reg begun = 1'b0;
    reg [COUNT_WIDTH-1:0] in_count;
    reg [COUNT_WIDTH-1:0] out_count;
    reg [WIDTH-1:0] watched;
    reg waited;                   // a word was offered and not taken
    reg [WIDTH-1:0] offered;
    reg [3:0] patience;           // cycles in which a word was inside and none came
    reg [3:0] shut;               // cycles in which there was room and the cell was not ready
    wire passed = m_valid & m_ready;
    wire [COUNT_WIDTH-1:0] inside = in_count - out_count;
    wire made_up = m_valid & inside == 0;
    wire lost = inside > WORDS;
    wire wrong = m_valid & out_count == number & m_data != watched;
    wire moved = waited & (~m_valid | m_data != offered);
    wire stuck = patience == PATIENCE | shut == PATIENCE;
    assign bad = begun & (made_up | lost | wrong | moved | stuck);
    assign seen = begun & passed & out_count == number & inside == WORDS;
    always @(posedge clk) begin
        if (~begun)
            number <= chosen;
        begun <= 1'b1;
        if (taken) begin
            in_count <= in_count + 1'b1;
            if (in_count == number)
                watched <= s_data;
        end
        if (passed)
            out_count <= out_count + 1'b1;
        waited <= m_valid & ~m_ready;
        offered <= m_data;
        patience <= inside != 0 & ~m_valid ? patience + (patience != 4'd15) : 4'd0;
        shut <= inside < WORDS & ~s_ready ? shut + (shut != 4'd15) : 4'd0;
        if (rst | ~begun) begin
            in_count <= 0;
            out_count <= 0;
            waited <= 1'b0;
            shut <= 0;
            patience <= 0;
        end
    end
endmodule

module state_slice #(
    parameter WIDTH = 2
) (
    input wire clk,
    input wire reset,
    input wire [2:0] chosen,
    input wire [WIDTH-1:0] s_data,
    input wire s_valid,
    input wire m_ready,
    output wire bad,
    output wire seen
);
    reg first = 1'b1;
    always @(posedge clk) first <= 1'b0;
    wire rst = first | reset;
    wire s_ready, m_valid;
    wire [WIDTH-1:0] m_data;
    fpgaq_slice #(.WIDTH(WIDTH)) cell_under_proof (
        .clk(clk), .rst(rst), .s_data(s_data), .s_valid(s_valid), .s_ready(s_ready),
        .m_data(m_data), .m_valid(m_valid), .m_ready(m_ready));
    watch_stream #(.WIDTH(WIDTH), .COUNT_WIDTH(3), .WORDS(2), .PATIENCE(1)) watch (
        .clk(clk), .rst(rst), .chosen(chosen), .s_data(s_data), .taken(s_valid & s_ready), .s_ready(s_ready),
        .m_data(m_data), .m_valid(m_valid), .m_ready(m_ready), .bad(bad), .seen(seen));
endmodule

module state_queue #(
    parameter WIDTH = 1, ADDRESS_WIDTH = 1, WORDS = 2
) (
    input wire clk,
    input wire reset,
    input wire [ADDRESS_WIDTH+1:0] chosen,
    input wire [WIDTH-1:0] s_data,
    input wire s_valid,
    input wire m_ready,
    output wire bad,
    output wire seen
);
    reg first = 1'b1;
    always @(posedge clk) first <= 1'b0;
    wire rst = first | reset;
    wire s_ready, m_valid;
    wire [WIDTH-1:0] m_data;
    fpgaq_queue #(.WIDTH(WIDTH), .ADDRESS_WIDTH(ADDRESS_WIDTH), .WORDS(WORDS)) cell_under_proof (
        .clk(clk), .rst(rst), .s_data(s_data), .s_valid(s_valid), .s_ready(s_ready),
        .m_data(m_data), .m_valid(m_valid), .m_ready(m_ready));
    watch_stream #(.WIDTH(WIDTH), .COUNT_WIDTH(ADDRESS_WIDTH + 2), .WORDS(WORDS), .PATIENCE(2)) watch (
        .clk(clk), .rst(rst), .chosen(chosen), .s_data(s_data), .taken(s_valid & s_ready), .s_ready(s_ready),
        .m_data(m_data), .m_valid(m_valid), .m_ready(m_ready), .bad(bad), .seen(seen));
endmodule

// A result FIFO with its credits: whoever writes only on credit, as late as DELAY cycles after, never finds it full.
module state_fifo #(
    parameter WIDTH = 1, ADDRESS_WIDTH = 1, EAGER = 0, DELAY = 2
) (
    input wire clk,
    input wire reset,
    input wire [ADDRESS_WIDTH+1:0] chosen,
    input wire [WIDTH-1:0] s_data,
    input wire start,
    input wire m_ready,
    output wire bad,
    output wire seen
);
    reg first = 1'b1;
    always @(posedge clk) first <= 1'b0;
    wire rst = first | reset;
    wire available, popped, m_valid;
    wire spent = start & available;
    wire written, wrong;
    wire [WIDTH-1:0] m_data;
    fpgaq_credit #(.ADDRESS_WIDTH(ADDRESS_WIDTH)) credit (
        .clk(clk), .rst(rst), .spent(spent), .popped(popped), .available(available));
    fpgaq_delay #(.WIDTH(1), .STAGES(DELAY)) delay (.clk(clk), .rst(rst), .in(spent), .out(written));
    fpgaq_fifo #(.WIDTH(WIDTH), .ADDRESS_WIDTH(ADDRESS_WIDTH), .EAGER(EAGER)) cell_under_proof (
        .clk(clk), .rst(rst), .write_enable(written), .write_data(s_data), .m_data(m_data), .m_valid(m_valid),
        .m_ready(m_ready), .popped(popped));
    watch_stream #(.WIDTH(WIDTH), .COUNT_WIDTH(ADDRESS_WIDTH + 2), .WORDS(1 << ADDRESS_WIDTH), .PATIENCE(2)) watch (
        .clk(clk), .rst(rst), .chosen(chosen), .s_data(s_data), .taken(written), .s_ready(1'b1),
        .m_data(m_data), .m_valid(m_valid), .m_ready(m_ready), .bad(wrong), .seen(seen));
    // As many beats may be on their way as the FIFO has places, and so many do start.
    reg [ADDRESS_WIDTH+1:0] owed;
    wire [ADDRESS_WIDTH+1:0] places = 1 << ADDRESS_WIDTH;
    always @(posedge clk)
        owed <= rst ? 0 : owed + spent - popped;
    assign bad = wrong | (~first & (owed > places | available != (owed < places)));
endmodule

// Units that leave are those that came, in order; `m_last` stands on every OUT_FRAME-th word. UNIT_WIDTH is 1 and the
// units of a last word are full on both sides, so that a unit's number tells where it stands.
module state_gearbox #(
    parameter IN_UNITS = 1, OUT_UNITS = 1, COUNT_WIDTH = 4
) (
    input wire clk,
    input wire reset,
    input wire [COUNT_WIDTH-1:0] chosen,
    input wire [IN_UNITS-1:0] s_data,
    input wire s_valid,
    input wire m_ready,
    output wire bad,
    output wire seen
);
    reg first = 1'b1;
    reg begun = 1'b0;
    always @(posedge clk) first <= 1'b0;
    wire rst = first | reset;
    wire s_ready, m_valid, m_last;
    wire [OUT_UNITS-1:0] m_data;
    fpgaq_gearbox #(
        .UNIT_WIDTH(1), .IN_UNITS(IN_UNITS), .IN_LAST(IN_UNITS), .OUT_UNITS(OUT_UNITS), .OUT_LAST(OUT_UNITS),
        .OUT_FRAME(2)
    ) cell_under_proof (
        .clk(clk), .rst(rst), .s_data(s_data), .s_valid(s_valid), .s_ready(s_ready), .m_data(m_data),
        .m_valid(m_valid), .m_last(m_last), .m_ready(m_ready));
    reg [COUNT_WIDTH-1:0] number, in_count, out_count;
    reg watched, waited, turn;
    reg [OUT_UNITS-1:0] offered;
    wire taken = s_valid & s_ready;
    wire passed = m_valid & m_ready;
    wire [COUNT_WIDTH-1:0] inside = in_count - out_count;
    wire [COUNT_WIDTH-1:0] in_place = number - in_count;
    wire [COUNT_WIDTH-1:0] out_place = number - out_count;
    wire [OUT_UNITS-1:0] at_place = m_data >> out_place;
    wire [IN_UNITS-1:0] given = s_data >> in_place;
    assign bad = begun & ((m_valid & inside < OUT_UNITS)
        | (~m_valid & inside >= OUT_UNITS) | (~s_ready & inside < OUT_UNITS)
        | (m_valid & out_place < OUT_UNITS & at_place[0] != watched)
        | (waited & (~m_valid | m_data != offered)) | (m_valid & m_last != turn));
    assign seen = begun & passed & out_place < OUT_UNITS & watched & turn;
    always @(posedge clk) begin
        if (~begun)
            number <= chosen;
        begun <= 1'b1;
        if (taken) begin
            in_count <= in_count + IN_UNITS;
            if (in_place < IN_UNITS)
                watched <= given[0];
        end
        if (passed) begin
            out_count <= out_count + OUT_UNITS;
            turn <= ~turn;
        end
        waited <= m_valid & ~m_ready;
        offered <= m_data;
        if (rst | ~begun) begin
            in_count <= 0;
            out_count <= 0;
            waited <= 1'b0;
            turn <= 1'b0;
        end
    end
endmodule

// Frames of exactly FRAME_BEATS beats leave a guard, and one mark for each frame that ended, whatever comes in.
module state_guard #(
    parameter FRAME_BEATS = 3
) (
    input wire clk,
    input wire reset,
    input wire abandon,
    input wire [7:0] s_data,
    input wire s_keep,
    input wire s_valid,
    input wire s_last,
    input wire s_user,
    input wire m_ready,
    input wire mark_ready,
    output wire bad,
    output wire seen
);
    reg first = 1'b1;
    always @(posedge clk) first <= 1'b0;
    wire rst = first | reset;
    wire s_ready, m_valid, mark_data, mark_valid, busy;
    wire [7:0] m_data;
    wire [3:0] errors;
    fpgaq_guard #(.BYTES(1), .FRAME_BEATS(FRAME_BEATS), .LAST_BYTES(1)) cell_under_proof (
        .clk(clk), .rst(rst), .abandon(abandon), .s_axis_tdata(s_data), .s_axis_tkeep(s_keep),
        .s_axis_tvalid(s_valid), .s_axis_tready(s_ready), .s_axis_tlast(s_last), .s_axis_tuser(s_user),
        .m_data(m_data), .m_valid(m_valid), .m_ready(m_ready), .mark_data(mark_data), .mark_valid(mark_valid),
        .mark_ready(mark_ready), .busy(busy), .errors(errors));
    // The statement: beats given of the current frame, beats of it taken, whether any was hurt.
    reg begun = 1'b0;
    reg [3:0] given, came;
    reg hurt, over, skip; // over: the frame's end has been seen; skip: the rest of an abandoned frame is dropped
    wire taken = s_valid & s_ready;
    wire moved = m_valid & m_ready;
    wire [3:0] given_now = given + moved;
    wire [3:0] came_now = came + (taken & ~skip & came != 4'd15);
    wire hurt_now = hurt | s_user | (~s_keep & came < FRAME_BEATS) | came_now != FRAME_BEATS;
    wire full = given_now == FRAME_BEATS;
    wire ends = taken & s_last & ~skip;
    assign bad = begun & ~rst & (
        (m_valid & given == FRAME_BEATS)                       // more than a frame
        | (mark_valid != ends) | (mark_valid & mark_data != hurt_now)
        | (mark_valid & ~mark_ready)
        | (moved & ~over & ~taken) | (moved & over & m_data != 8'd0)
        | (moved & taken & m_data != (s_keep ? s_data : 8'd0))
        | (skip & m_valid));
    assign seen = begun & mark_valid & ~mark_data & given_now == FRAME_BEATS;
    always @(posedge clk) begin
        begun <= 1'b1;
        given <= given_now;
        came <= came_now;
        if (taken & ~skip)
            hurt <= hurt | (~s_keep & came < FRAME_BEATS);
        if (ends)
            over <= 1'b1;
        if (skip & taken & s_last)
            skip <= 1'b0;
        if ((ends | over) & full) begin
            given <= 0; came <= 0; hurt <= 1'b0; over <= 1'b0;
        end
        if (abandon) begin
            // A frame whose end has been seen owes nothing more; of another the rest is still to come.
            skip <= skip | (~over & ~ends & came_now != 0) ;
            given <= 0; came <= 0; hurt <= 1'b0; over <= 1'b0;
        end
        if (rst | ~begun) begin
            given <= 0; came <= 0; hurt <= 1'b0; over <= 1'b0; skip <= 1'b0;
        end
    end
endmodule
`default_nettype wire
