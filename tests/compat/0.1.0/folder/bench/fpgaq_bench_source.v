// Drives one AXI4-Stream input of the network with the frames of a hex file, over and over, with random gaps.
// Data are X while valid is low, so that a network which looks at them then is found out.
`default_nettype none

module fpgaq_bench_source #(
    parameter WIDTH = 8,        // bits of tdata
    parameter BEATS = 1,        // beats of a frame
    parameter FRAMES = 1,       // frames in the file
    parameter FILE = ""         // hex file, one beat a line, relative to the working directory
) (
    input  wire             clk,
    input  wire             rst,
    input  wire [31:0]      frames,       // frames to send
    input  wire [31:0]      first_frame,  // the frame of the file to begin with
    input  wire [7:0]       gap,          // chance of a gap, in 256ths
    input  wire [15:0]      gap_hold,     // a gap or burst is redrawn when the masked random bits are zero
    input  wire [31:0]      seed,         // not zero
    input  wire [31:0]      flip_beat,    // tlast is inverted on this beat; all ones: never
    output reg  [WIDTH-1:0] tdata,
    output reg              tvalid,
    output reg              tlast,
    input  wire             tready
);
    reg [WIDTH-1:0] memory [0:BEATS*FRAMES-1];
    reg [31:0] address;
    reg [31:0] beat;
    reg [31:0] frame;
    reg [31:0] sent;
    reg [31:0] random;
    reg        open;

    initial $readmemh(FILE, memory);

    wire [31:0] step1 = random ^ (random << 13);
    wire [31:0] step2 = step1 ^ (step1 >> 17);
    wire [31:0] step3 = step2 ^ (step2 << 5);
    wire        redraw = (random[31:16] & gap_hold) == 16'd0;
    wire        go = (gap == 8'd0) || (redraw ? (random[7:0] >= gap) : open);

    always @(posedge clk) begin
        random <= step3;
        open <= go;
        if (!tvalid || tready) begin
            if (go && frame < frames) begin
                tvalid <= 1'b1;
                tdata <= memory[address];
                tlast <= (beat == BEATS - 1) ^ (sent == flip_beat);
                sent <= sent + 32'd1;
                address <= (address == BEATS * FRAMES - 1) ? 32'd0 : address + 32'd1;
                if (beat == BEATS - 1) begin
                    beat <= 32'd0;
                    frame <= frame + 32'd1;
                end else begin
                    beat <= beat + 32'd1;
                end
            end else begin
                tvalid <= 1'b0;
                tdata <= {WIDTH{1'bx}};
                tlast <= 1'bx;
            end
        end
        if (rst) begin
            tvalid <= 1'b0;
            address <= first_frame * BEATS;
            beat <= 32'd0;
            frame <= 32'd0;
            sent <= 32'd0;
            random <= seed;
            open <= 1'b1;
        end
    end
endmodule

`default_nettype wire
