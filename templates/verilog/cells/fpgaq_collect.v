`default_nettype none
// Takes the sums of a group when it is done and passes them on LANES at a time, in order, one beat a cycle, so that a
// few requantizers serve many accumulators. A beat of a group that is done in cycle t is in `beat` from t + 1 on
// (LANES = OUTPUTS) or t + 2 on; `beat_index` counts the beats of a pixel, one cycle ahead of `beat`.
module fpgaq_collect #(
    parameter OUTPUTS = 1,
    parameter LANES = 1,
    parameter SUM_WIDTH = 24,
    parameter PIXEL_BEATS = 1,  // beats of all results of a pixel: the last group's may end early
    parameter INDEX_WIDTH = 1
) (
    input  wire                         clk,
    input  wire                         rst,
    input  wire                         done,
    input  wire [OUTPUTS*SUM_WIDTH-1:0] sums,
    output reg  [INDEX_WIDTH-1:0]       beat_index,
    output reg  [LANES*SUM_WIDTH-1:0]   beat,
    output reg                          beat_valid
);
    localparam BEATS = OUTPUTS / LANES;
    localparam PLACE_WIDTH = BEATS > 1 ? $clog2(BEATS) : 1;
    localparam [31:0] LAST_PLACE = BEATS - 1;
    localparam [31:0] LAST_INDEX = PIXEL_BEATS - 1;

    wire next_valid; // `beat` is loaded at the end of this cycle
    wire pixel_last = beat_index == LAST_INDEX[INDEX_WIDTH-1:0];

    always @(posedge clk) begin
        beat_valid <= next_valid;
        if (next_valid)
            beat_index <= pixel_last ? {INDEX_WIDTH{1'b0}} : beat_index + 1'b1;
        if (rst) begin
            beat_valid <= 1'b0;
            beat_index <= {INDEX_WIDTH{1'b0}};
        end
    end

    generate
        if (BEATS == 1) begin : direct
            assign next_valid = done;
            always @(posedge clk)
                if (done)
                    beat <= sums;
        end else begin : serial
            reg [OUTPUTS*SUM_WIDTH-1:0] held;
            reg [LANES*SUM_WIDTH-1:0] picked;
            reg [PLACE_WIDTH-1:0] place;
            reg busy;
            integer i;

            assign next_valid = busy;

            always @* begin
                picked = {(LANES*SUM_WIDTH){1'b0}};
                for (i = 0; i < BEATS; i = i + 1)
                    if (place == i[PLACE_WIDTH-1:0])
                        picked = held[i*LANES*SUM_WIDTH +: LANES*SUM_WIDTH];
            end

            always @(posedge clk) begin
                if (done)
                    held <= sums;
                beat <= picked;
            end

            always @(posedge clk) begin
                if (busy)
                    place <= (place == LAST_PLACE[PLACE_WIDTH-1:0]) | pixel_last ? {PLACE_WIDTH{1'b0}} : place + 1'b1;
                if (done)
                    busy <= 1'b1;
                else if ((place == LAST_PLACE[PLACE_WIDTH-1:0]) | pixel_last)
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
