// SPDX-License-Identifier: 0BSD
`default_nettype none
// A memory in the place of a ROM: its words are loaded in parts of 32 bits, low part first, once all memories before it
// are full. While words are loaded no frame may be on its way; the attribute saves the logic by which Yosys would
// otherwise make it certain what a word gives that is read as it is written.
module fpgaq_weights #(
    parameter WORDS = 2,        // words, at least 2
    parameter ADDRESS_WIDTH = 1, // bits of an address
    parameter WIDTH = 8         // bits of a word
) (
    input  wire                     clk,
    input  wire [ADDRESS_WIDTH-1:0] address,
    output wire [WIDTH-1:0]         data,       // of the address a cycle before
    input  wire                     load_clear, // an image begins
    input  wire                     load_valid, // a part is in `load_data`
    input  wire [31:0]              load_data,
    input  wire                     load_turn,  // the memories before this one are full
    output reg                      load_full
);
    localparam PARTS = (WIDTH + 31) / 32;
    localparam PART_WIDTH = PARTS > 1 ? $clog2(PARTS) : 1;
    localparam [31:0] LAST_PART = PARTS - 1, LAST_WORD = WORDS - 1;

    reg [PART_WIDTH-1:0] part;
    reg [ADDRESS_WIDTH-1:0] place;
    wire load = load_valid & load_turn & ~load_full;
    wire word_ends = part == LAST_PART[PART_WIDTH-1:0];
    wire unused = &{1'b0, load_data, LAST_PART, LAST_WORD};

    always @(posedge clk) begin
        if (load) begin
            part <= word_ends ? {PART_WIDTH{1'b0}} : part + 1'b1;
            if (word_ends) begin
                place <= place + 1'b1;
                load_full <= place == LAST_WORD[ADDRESS_WIDTH-1:0];
            end
        end
        if (load_clear) begin
            part <= {PART_WIDTH{1'b0}};
            place <= {ADDRESS_WIDTH{1'b0}};
            load_full <= 1'b0;
        end
    end

    genvar index;
    generate
        for (index = 0; index < PARTS; index = index + 1) begin : parts
            localparam BITS = index == PARTS - 1 ? WIDTH - 32 * (PARTS - 1) : 32;
            localparam [31:0] OWN = index;
            wire unused_own = &{1'b0, OWN};
            (* no_rw_check *) reg [BITS-1:0] memory [0:WORDS-1];
            reg [BITS-1:0] word;
            assign data[32*index +: BITS] = word;
            always @(posedge clk) begin
                if (load & (part == OWN[PART_WIDTH-1:0]))
                    memory[place] <= load_data[BITS-1:0];
                word <= memory[address];
            end
        end
    endgenerate
endmodule
`default_nettype wire
