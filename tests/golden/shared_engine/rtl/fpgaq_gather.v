// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// Joins the beats of a pixel into memory words. A word is written a cycle after its last beat was taken;
// `word_taken` reports it in the cycle of that beat. Lanes that no beat of the pixel fills are zero.
module fpgaq_gather #(
    parameter BEAT_WIDTH = 8,      // bits of a beat
    parameter BEATS_PER_WORD = 1,  // beats that a full word joins, at least 1
    parameter BEATS_PER_PIXEL = 1, // beats of a pixel, at least 1; its last word may be joined from fewer
    parameter ADDRESS_WIDTH = 4    // bits of the address of a word of the line buffer, at least 1
) (
    input  wire                                 clk,
    input  wire                                 rst,
    input  wire                                 beat_taken,
    input  wire [BEAT_WIDTH-1:0]                beat_data,
    output wire                                 word_taken,
    output reg                                  write_enable,
    output reg  [ADDRESS_WIDTH-1:0]             write_address,
    output wire [BEAT_WIDTH*BEATS_PER_WORD-1:0] write_data
);
    localparam POSITION_WIDTH = BEATS_PER_WORD > 1 ? $clog2(BEATS_PER_WORD) : 1;
    localparam PIXEL_WIDTH = BEATS_PER_PIXEL > 1 ? $clog2(BEATS_PER_PIXEL) : 1;
    localparam [31:0] LAST_POSITION = BEATS_PER_WORD - 1;
    localparam [31:0] LAST_BEAT = BEATS_PER_PIXEL - 1;

    reg [BEAT_WIDTH*BEATS_PER_WORD-1:0] word;

    assign write_data = word;

    always @(posedge clk) begin
        write_enable <= word_taken;
        // The address moves after each write, so that it is that of the word being joined.
        if (write_enable)
            write_address <= write_address + 1'b1;
        if (rst) begin
            write_enable <= 1'b0;
            write_address <= {ADDRESS_WIDTH{1'b0}};
        end
    end

    generate
        if (BEATS_PER_WORD == 1) begin : direct
            assign word_taken = beat_taken;
            always @(posedge clk)
                if (beat_taken)
                    word <= beat_data;
        end else begin : joined
            reg [POSITION_WIDTH-1:0] place; // of the next beat in its word
            reg [PIXEL_WIDTH-1:0] beat;     // of the next beat in its pixel
            wire pixel_last = beat == LAST_BEAT[PIXEL_WIDTH-1:0];
            wire word_last = pixel_last | (place == LAST_POSITION[POSITION_WIDTH-1:0]);
            integer lane;

            assign word_taken = beat_taken & word_last;

            always @(posedge clk) begin
                if (beat_taken) begin
                    for (lane = 0; lane < BEATS_PER_WORD; lane = lane + 1)
                        if (place == lane[POSITION_WIDTH-1:0])
                            word[lane*BEAT_WIDTH +: BEAT_WIDTH] <= beat_data;
                        else if (place == {POSITION_WIDTH{1'b0}})
                            word[lane*BEAT_WIDTH +: BEAT_WIDTH] <= {BEAT_WIDTH{1'b0}};
                    place <= word_last ? {POSITION_WIDTH{1'b0}} : place + 1'b1;
                    beat <= pixel_last ? {PIXEL_WIDTH{1'b0}} : beat + 1'b1;
                end
                if (rst) begin
                    place <= {POSITION_WIDTH{1'b0}};
                    beat <= {PIXEL_WIDTH{1'b0}};
                end
            end
        end
    endgenerate
endmodule
`default_nettype wire
