`default_nettype none
// Takes the sums of a group when it is done and passes them on LANES at a time, in order, one beat a cycle, so that a
// few requantizers serve many accumulators. A beat of a group that is done in cycle t is in `beat` from t + 1 on
// (LANES = OUTPUTS) or t + 2 on; `beat_index` counts the beats of a pixel, one cycle ahead of `beat`. The groups of an
// engine belong to several layers: `owner` says to which, and where its groups and pixels end is asked for.
module fpgaq_collect #(
    parameter OUTPUTS = 1,
    parameter LANES = 1,
    parameter SUM_WIDTH = 24,
    parameter INDEX_WIDTH = 1,
    parameter PLACE_WIDTH = 1,
    parameter OWNER_WIDTH = 1
) (
    input  wire                         clk,
    input  wire                         rst,
    input  wire                         done,
    input  wire [OWNER_WIDTH-1:0]       owner,      // of the group that is done
    input  wire [OUTPUTS*SUM_WIDTH-1:0] sums,
    output wire [OWNER_WIDTH-1:0]       serving,    // whose beat is taken next, a cycle ahead of `beat`
    input  wire [INDEX_WIDTH-1:0]       last_index, // the last beat of its pixels: the last group's may end early
    input  wire [PLACE_WIDTH-1:0]       last_place, // and of its groups
    output reg  [INDEX_WIDTH-1:0]       beat_index,
    output reg  [LANES*SUM_WIDTH-1:0]   beat,
    output reg  [OWNER_WIDTH-1:0]       beat_owner,
    output reg                          beat_valid
);
    localparam BEATS = OUTPUTS / LANES;

    wire next_valid; // `beat` is loaded at the end of this cycle
    wire pixel_last = beat_index == last_index;

    always @(posedge clk) begin
        beat_valid <= next_valid;
        beat_owner <= serving;
        if (next_valid)
            beat_index <= pixel_last ? {INDEX_WIDTH{1'b0}} : beat_index + 1'b1;
        if (rst) begin
            beat_valid <= 1'b0;
            beat_index <= {INDEX_WIDTH{1'b0}};
        end
    end

    generate
        if (BEATS == 1) begin : direct
            wire unused = &{1'b0, last_place};
            assign next_valid = done;
            assign serving = owner;
            always @(posedge clk)
                if (done)
                    beat <= sums;
        end else begin : serial
            reg [OUTPUTS*SUM_WIDTH-1:0] held;
            reg [LANES*SUM_WIDTH-1:0] picked;
            reg [OWNER_WIDTH-1:0] held_owner;
            reg [PLACE_WIDTH-1:0] place;
            reg busy;
            integer i;

            wire group_last = (place == last_place) | pixel_last;

            assign next_valid = busy;
            assign serving = held_owner;

            always @* begin
                picked = {(LANES*SUM_WIDTH){1'b0}};
                for (i = 0; i < BEATS; i = i + 1)
                    if (place == i[PLACE_WIDTH-1:0])
                        picked = held[i*LANES*SUM_WIDTH +: LANES*SUM_WIDTH];
            end

            always @(posedge clk) begin
                if (done) begin
                    held <= sums;
                    held_owner <= owner;
                end
                beat <= picked;
            end

            always @(posedge clk) begin
                if (busy)
                    place <= group_last ? {PLACE_WIDTH{1'b0}} : place + 1'b1;
                if (done)
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
