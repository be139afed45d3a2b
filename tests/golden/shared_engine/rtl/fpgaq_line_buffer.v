// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// Circular buffer of the words of the incoming images, with one copy for each kernel tap of a step, so that any taps
// may be read together. An element read for a step of cycle t is in `elements` in t + 2 + STAGES.
module fpgaq_line_buffer #(
    parameter TAPS = 1,          // kernel taps read in a step, at least 1
    parameter CHANNELS = 1,      // channels read in a step, at least 1
    parameter ELEMENT_WIDTH = 8, // bits of an element
    parameter SELECTS = 1,       // groups of CHANNELS channels in a word, at least 1
    parameter SELECT_WIDTH = 1,  // bits of the number of such a group, at least 1
    parameter ADDRESS_WIDTH = 4, // the buffer holds 2**ADDRESS_WIDTH words
    parameter STAGES = 2         // 2: block RAM is slow, and its word has a register before anything is chosen; 1: none
) (
    input  wire                                      clk,
    input  wire                                      write_enable,
    input  wire [ADDRESS_WIDTH-1:0]                  write_address,
    input  wire [SELECTS*CHANNELS*ELEMENT_WIDTH-1:0] write_data,
    input  wire [ADDRESS_WIDTH-1:0]                  address,     // of the window's origin
    input  wire [TAPS*ADDRESS_WIDTH-1:0]             offsets,     // of each tap from it
    input  wire [TAPS-1:0]                           taps_inside, // the tap lies inside the image
    input  wire [SELECT_WIDTH-1:0]                   select,
    input  wire [ELEMENT_WIDTH-1:0]                  outside,     // what stands outside the image
    output reg  [TAPS*CHANNELS*ELEMENT_WIDTH-1:0]    elements
);
    localparam GROUP_BITS = CHANNELS * ELEMENT_WIDTH;

    reg [TAPS*ADDRESS_WIDTH-1:0] read_address;
    wire [TAPS*SELECTS*GROUP_BITS-1:0] read_data;
    wire [TAPS*SELECTS*GROUP_BITS-1:0] words;
    reg [TAPS-1:0] inside_address;
    reg [TAPS-1:0] inside_data;
    wire [TAPS-1:0] inside_word;
    reg [SELECT_WIDTH-1:0] select_address;
    reg [SELECT_WIDTH-1:0] select_data;
    wire [SELECT_WIDTH-1:0] select_word;
    integer i;

    always @(posedge clk) begin
        for (i = 0; i < TAPS; i = i + 1)
            read_address[i*ADDRESS_WIDTH +: ADDRESS_WIDTH] <=
                address + offsets[i*ADDRESS_WIDTH +: ADDRESS_WIDTH];
        inside_address <= taps_inside;
        inside_data <= inside_address;
        select_address <= select;
        select_data <= select_address;
    end

    genvar copy;
    generate
        for (copy = 0; copy < TAPS; copy = copy + 1) begin : copies
            fpgaq_ram #(
                .WIDTH(SELECTS * GROUP_BITS),
                .ADDRESS_WIDTH(ADDRESS_WIDTH)
            ) ram (
                .clk(clk),
                .write_enable(write_enable),
                .write_address(write_address),
                .write_data(write_data),
                .read_address(read_address[copy*ADDRESS_WIDTH +: ADDRESS_WIDTH]),
                .read_data(read_data[copy*SELECTS*GROUP_BITS +: SELECTS*GROUP_BITS])
            );
        end
    endgenerate

    generate
        if (STAGES > 1) begin : kept
            reg [TAPS*SELECTS*GROUP_BITS-1:0] read_words;
            reg [TAPS-1:0] inside_read;
            reg [SELECT_WIDTH-1:0] select_read;
            assign words = read_words;
            assign inside_word = inside_read;
            assign select_word = select_read;
            always @(posedge clk) begin
                read_words <= read_data;
                inside_read <= inside_data;
                select_read <= select_data;
            end
        end else begin : at_once
            assign words = read_data;
            assign inside_word = inside_data;
            assign select_word = select_data;
        end
        if (SELECTS == 1) begin : whole
            wire unused = &{1'b0, select_word};
            integer lane;
            always @(posedge clk)
                for (lane = 0; lane < TAPS; lane = lane + 1)
                    elements[lane*GROUP_BITS +: GROUP_BITS] <=
                        inside_word[lane] ? words[lane*GROUP_BITS +: GROUP_BITS] : {CHANNELS{outside}};
        end else begin : part
            reg [TAPS*GROUP_BITS-1:0] selected;
            reg [SELECTS*GROUP_BITS-1:0] word;
            integer from;
            integer digit;
            integer lane;
            // Digit by digit: a multiplexer tree for any synthesis, and few steps of a simulation.
            always @*
                for (from = 0; from < TAPS; from = from + 1) begin
                    word = words[from*SELECTS*GROUP_BITS +: SELECTS*GROUP_BITS];
                    for (digit = 0; digit < SELECT_WIDTH; digit = digit + 1)
                        if (select_word[digit])
                            word = word >> (GROUP_BITS << digit);
                    selected[from*GROUP_BITS +: GROUP_BITS] = word[GROUP_BITS-1:0];
                end
            always @(posedge clk)
                for (lane = 0; lane < TAPS; lane = lane + 1)
                    elements[lane*GROUP_BITS +: GROUP_BITS] <=
                        inside_word[lane] ? selected[lane*GROUP_BITS +: GROUP_BITS] : {CHANNELS{outside}};
        end
    endgenerate
endmodule
`default_nettype wire
