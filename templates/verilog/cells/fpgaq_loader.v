// SPDX-License-Identifier: 0BSD
`default_nettype none
// Takes an image of weights word by word, and lets frames in only while a whole one is there: identity word, SHA-256 of
// the network, the parts of all memories, CRC-32 of all that. Frames that have begun are finished with the old weights.
module fpgaq_loader #(
    parameter WORDS = 1,             // parts of all memories, at least 1
    parameter COUNT_WIDTH = 4,       // bits that count the words of an image, WORDS + 10
    parameter [31:0] IDENTITY = 32'd0 // of the cores that can run the same images
) (
    input  wire         clk,
    input  wire         rst,
    input  wire         start,        // an image begins; one that has not ended is forgotten
    input  wire         word_written, // at most every second cycle
    input  wire [31:0]  word,
    input  wire         busy,         // frames are on their way or begun
    input  wire         s_valid,      // of the frames outside, their source's
    input  wire         s_last,
    input  wire         s_ready,      // of the frames inside
    output wire         open,         // frames may come in
    output wire         ready,        // words may come
    output reg          loaded,       // a whole image is there
    output reg          refused,      // one was not right, or a word came too early
    output reg  [255:0] digest,       // of the network, from the image
    output wire         load_clear,
    output reg          load_valid,
    output reg  [31:0]  load_data
);
    localparam [31:0] FIRST = 32'd9, LAST = FIRST + WORDS;

    // The remainder of 16 more bits, the first in the low place, by the polynomial of IEEE 802.3.
    function [31:0] divided;
        input [31:0] from;
        input [15:0] bits;
        integer place;
        begin
            divided = from;
            for (place = 0; place < 16; place = place + 1)
                divided = {1'b0, divided[31:1]} ^ (divided[0] ^ bits[place] ? 32'hedb88320 : 32'd0);
        end
    endfunction

    reg loading;
    reg other; // the image is of another core
    reg [COUNT_WIDTH-1:0] place;
    reg [31:0] crc;
    reg [15:0] high;
    reg high_left;
    reg closed;
    reg begun; // a frame has begun at the input

    wire take = word_written & ready & ~start;
    wire at_end = place == LAST[COUNT_WIDTH-1:0];
    wire at_memories = place >= FIRST[COUNT_WIDTH-1:0];
    wire right = (word == ~crc) & ~other;
    wire unused = &{1'b0, LAST, FIRST};

    assign ready = loading & closed & ~busy;
    assign open = ~closed;
    assign load_clear = start;

    always @(posedge clk) begin
        refused <= (take & at_end & ~right) | (word_written & ~ready);
        load_valid <= take & at_memories & ~at_end & ~other;
        load_data <= word;
        high_left <= take;
        high <= word[31:16];
        if (take)
            crc <= divided(crc, word[15:0]);
        else if (high_left)
            crc <= divided(crc, high);
        if (take) begin
            place <= place + 1'b1;
            if (place == {COUNT_WIDTH{1'b0}})
                other <= word != IDENTITY;
            else if (~at_memories)
                digest <= {word, digest[255:32]};
            if (at_end) begin
                loaded <= right;
                loading <= 1'b0;
            end
        end
        if (word_written & ~ready)
            loading <= 1'b0;
        if (start) begin
            loading <= 1'b1;
            loaded <= 1'b0;
            place <= {COUNT_WIDTH{1'b0}};
            crc <= 32'hffffffff;
            other <= 1'b0;
            high_left <= 1'b0;
        end
        if (rst) begin
            loading <= 1'b0;
            loaded <= 1'b0;
            refused <= 1'b0;
            load_valid <= 1'b0;
            digest <= 256'd0;
        end
    end

    // A frame that has begun is taken as a whole, and a beat that was offered inside is not taken back.
    wire taken = s_valid & s_ready & open;
    wire begun_next = taken ? ~s_last : begun;
    wire waiting = s_valid & open & ~s_ready;

    always @(posedge clk) begin
        begun <= begun_next;
        closed <= ~loaded & ~begun_next & ~waiting;
        if (rst) begin
            begun <= 1'b0;
            closed <= 1'b1;
        end
    end
endmodule
`default_nettype wire
