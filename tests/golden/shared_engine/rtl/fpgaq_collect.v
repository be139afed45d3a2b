// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// Takes the sums of a group when it is done and passes them on LANES at a time, in order, one beat a cycle, so that a
// few requantizers serve many accumulators. `done_next` announces in cycle t - 1 a group whose sums are there in t; its
// beats are in `beat` from t + 1 on (LANES = OUTPUTS) or t + 2 on. `beat_index` counts the beats of a pixel, two cycles
// ahead of `beat`: time for a ROM and the register after it. The groups of an engine may belong to several layers:
// `owner` is the number of the group's layer. `serving` is that of the beat that `beat_index` counts; the engine
// answers with the last beat of that layer's pixels and groups.
module fpgaq_collect #(
    parameter OUTPUTS = 1,     // accumulators of the engine, at least LANES
    parameter LANES = 1,       // sums of a beat, at least 1
    parameter SUM_WIDTH = 24,  // bits of a sum, at least 2
    parameter INDEX_WIDTH = 1, // bits of the number of a beat of a pixel, at least 1
    parameter PLACE_WIDTH = 1, // bits of the number of a beat of a group, at least 1
    parameter OWNER_WIDTH = 1  // bits of the number of a layer, at least 1
) (
    input  wire                         clk,
    input  wire                         rst,
    input  wire                         done_next,  // the sums of a group are done in the next cycle
    input  wire [OWNER_WIDTH-1:0]       owner,      // of that group
    input  wire [OUTPUTS*SUM_WIDTH-1:0] sums,
    output wire [OWNER_WIDTH-1:0]       serving,    // whose beat it is that `beat_index` counts
    input  wire [INDEX_WIDTH-1:0]       last_index, // the last beat of its pixels: the last group's may end early
    input  wire [PLACE_WIDTH-1:0]       last_place, // and of its groups
    output reg  [INDEX_WIDTH-1:0]       beat_index,
    output reg  [LANES*SUM_WIDTH-1:0]   beat,
    output reg  [OWNER_WIDTH-1:0]       beat_owner,
    output reg                          beat_valid
);
    localparam BEATS = OUTPUTS / LANES;

    wire counted; // a beat is counted in this cycle, and in `beat` two cycles later
    wire pixel_last = beat_index == last_index;
    reg done;
    reg beat_next;
    reg [OWNER_WIDTH-1:0] owner_next;

    always @(posedge clk) begin
        done <= done_next;
        beat_next <= counted;
        beat_valid <= beat_next;
        owner_next <= serving;
        beat_owner <= owner_next;
        if (counted)
            beat_index <= pixel_last ? {INDEX_WIDTH{1'b0}} : beat_index + 1'b1;
        if (rst) begin
            done <= 1'b0;
            beat_next <= 1'b0;
            beat_valid <= 1'b0;
            beat_index <= {INDEX_WIDTH{1'b0}};
        end
    end

    generate
        if (BEATS == 1) begin : direct
            wire unused = &{1'b0, last_place};
            assign counted = done_next;
            assign serving = owner;
            always @(posedge clk)
                if (done)
                    beat <= sums;
        end else begin : serial
            reg [OUTPUTS*SUM_WIDTH-1:0] held;
            reg [OUTPUTS*SUM_WIDTH-1:0] picked;
            reg [OWNER_WIDTH-1:0] held_owner;
            reg [PLACE_WIDTH-1:0] place;        // of the beat that is counted
            reg [PLACE_WIDTH-1:0] picked_place;
            reg busy;
            integer digit;

            wire group_last = (place == last_place) | pixel_last;

            assign counted = busy;
            assign serving = held_owner;

            // Digit by digit: a multiplexer tree for any synthesis.
            always @* begin
                picked = held;
                for (digit = 0; digit < PLACE_WIDTH; digit = digit + 1)
                    if (picked_place[digit])
                        picked = picked >> ((LANES * SUM_WIDTH) << digit);
            end

            always @(posedge clk) begin
                if (done)
                    held <= sums;
                if (done_next)
                    held_owner <= owner;
                picked_place <= place;
                beat <= picked[LANES*SUM_WIDTH-1:0];
            end

            always @(posedge clk) begin
                if (busy)
                    place <= group_last ? {PLACE_WIDTH{1'b0}} : place + 1'b1;
                if (done_next)
                    busy <= 1'b1;
                else if (group_last)
                    busy <= 1'b0;
                if (rst) begin
                    busy <= 1'b0;
                    place <= {PLACE_WIDTH{1'b0}};
                end
            end
        end
    endgenerate
endmodule
`default_nettype wire
