// SPDX-License-Identifier: 0BSD
`default_nettype none
// Counts what passes the ports of a wrapper. Counters of frames wrap round; those of cycles stay at their maximum.
module fpgaq_statistics (
    input  wire        clk,
    input  wire        rst,
    input  wire        clear,
    input  wire        frame_in,      // a beat with tlast was taken
    input  wire        frame_damaged, // and its frame was damaged
    input  wire        beat_offered,  // of the output
    input  wire        beat_ready,
    input  wire        beat_last,
    output reg  [31:0] frames_in,
    output reg  [31:0] frames_out,
    output reg  [31:0] frames_damaged,
    output reg  [31:0] frame_cycles,  // between the last beats of the last two output frames
    output reg  [31:0] longest_stall  // cycles in a row in which an offered beat waited
);
    localparam [31:0] MOST = 32'hffffffff;

    reg [31:0] cycles; // since the last output frame ended, and this one
    reg [31:0] stall;
    wire frame_out = beat_offered & beat_ready & beat_last;
    wire [31:0] stalled = stall == MOST ? MOST : stall + 1'b1;

    always @(posedge clk) begin
        frames_in <= frames_in + {31'b0, frame_in};
        frames_damaged <= frames_damaged + {31'b0, frame_in & frame_damaged};
        frames_out <= frames_out + {31'b0, frame_out};
        cycles <= frame_out ? 32'd1 : cycles == MOST ? MOST : cycles + 1'b1;
        if (frame_out)
            frame_cycles <= cycles;
        stall <= beat_offered & ~beat_ready ? stalled : 32'd0;
        if (beat_offered & ~beat_ready & (stalled > longest_stall))
            longest_stall <= stalled;
        if (rst | clear) begin
            frames_in <= 32'd0;
            frames_out <= 32'd0;
            frames_damaged <= 32'd0;
            frame_cycles <= 32'd0;
            longest_stall <= 32'd0;
            cycles <= 32'd1;
            stall <= 32'd0;
        end
    end
endmodule
`default_nettype wire
