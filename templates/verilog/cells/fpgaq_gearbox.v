// SPDX-License-Identifier: 0BSD
`default_nettype none
// Changes the width of a stream: takes words of IN_UNITS units and gives words of OUT_UNITS, the low units first. The
// last of every IN_PERIOD words brings IN_LAST units only, the last of every OUT_PERIOD takes OUT_LAST, and the places
// that it leaves empty are zero. Each side moves a word a cycle whenever the other keeps up; a word is offered in the
// cycle after its last unit was taken.
module fpgaq_gearbox #(
    parameter UNIT_WIDTH = 8, // bits of a unit, at least 1
    parameter IN_UNITS = 1,   // units of a word that is taken, at least 1
    parameter IN_LAST = 1,    // units of the last word of IN_PERIOD, 1 to IN_UNITS
    parameter IN_PERIOD = 1,  // words from one that brings IN_LAST units to the next, at least 1
    parameter OUT_UNITS = 1,  // units of a word that is given, at least 1
    parameter OUT_LAST = 1,   // units of the last word of OUT_PERIOD, 1 to OUT_UNITS
    parameter OUT_PERIOD = 1, // words from one that takes OUT_LAST units to the next, at least 1
    parameter OUT_FRAME = 1   // words from one with `m_last` to the next, at least 1
) (
    input  wire                            clk,
    input  wire                            rst,
    input  wire [IN_UNITS*UNIT_WIDTH-1:0]  s_data,
    input  wire                            s_valid,
    output wire                            s_ready,
    output wire [OUT_UNITS*UNIT_WIDTH-1:0] m_data,
    output wire                            m_valid,
    output wire                            m_last,
    input  wire                            m_ready
);
    // So many that the slower side never waits for the other one's word to pass.
    localparam PLACES = IN_UNITS + OUT_UNITS + (IN_UNITS < OUT_UNITS ? IN_UNITS : OUT_UNITS) - 1;
    localparam [31:0] MOST = PLACES - IN_UNITS; // units held while one more word finds room
    localparam HELD_WIDTH = $clog2(PLACES + 1);
    localparam SHIFT_WIDTH = $clog2(PLACES - IN_UNITS + 1);
    localparam IN_WIDTH = IN_PERIOD > 1 ? $clog2(IN_PERIOD) : 1;
    localparam OUT_WIDTH = OUT_PERIOD > 1 ? $clog2(OUT_PERIOD) : 1;
    localparam FRAME_WIDTH = OUT_FRAME > 1 ? $clog2(OUT_FRAME) : 1;
    localparam [31:0] IN_END = IN_PERIOD - 1;
    localparam [31:0] OUT_END = OUT_PERIOD - 1;
    localparam [31:0] FRAME_END = OUT_FRAME - 1;
    localparam [31:0] IN_FULL_COUNT = IN_UNITS;
    localparam [31:0] IN_LAST_COUNT = IN_LAST;
    localparam [31:0] OUT_FULL_COUNT = OUT_UNITS;
    localparam [31:0] OUT_LAST_COUNT = OUT_LAST;

    reg [PLACES*UNIT_WIDTH-1:0] units;
    reg [HELD_WIDTH-1:0] held;
    reg [IN_WIDTH-1:0] in_word;
    reg [OUT_WIDTH-1:0] out_word;
    reg [FRAME_WIDTH-1:0] frame_word;

    wire in_last = in_word == IN_END[IN_WIDTH-1:0];
    wire out_last = out_word == OUT_END[OUT_WIDTH-1:0];
    wire [HELD_WIDTH-1:0] brought = in_last ? IN_LAST_COUNT[HELD_WIDTH-1:0] : IN_FULL_COUNT[HELD_WIDTH-1:0];
    wire [HELD_WIDTH-1:0] wanted = out_last ? OUT_LAST_COUNT[HELD_WIDTH-1:0] : OUT_FULL_COUNT[HELD_WIDTH-1:0];
    wire taken = s_valid & s_ready;
    wire passed = m_valid & m_ready;
    wire [HELD_WIDTH-1:0] rest = passed ? held - wanted : held;
    wire [PLACES*UNIT_WIDTH-1:0] left = !passed ? units
        : out_last ? units >> (OUT_LAST * UNIT_WIDTH) : units >> (OUT_UNITS * UNIT_WIDTH);
    wire [PLACES*UNIT_WIDTH-1:0] placed =
        {{((PLACES-IN_UNITS)*UNIT_WIDTH){1'b0}}, s_data} << (rest[SHIFT_WIDTH-1:0] * UNIT_WIDTH);
    integer place;

    assign s_ready = held <= MOST[HELD_WIDTH-1:0];
    assign m_valid = held >= wanted;
    assign m_last = frame_word == FRAME_END[FRAME_WIDTH-1:0];

    always @(posedge clk)
        for (place = 0; place < PLACES; place = place + 1)
            if (taken && place[HELD_WIDTH-1:0] >= rest)
                units[place*UNIT_WIDTH +: UNIT_WIDTH] <= placed[place*UNIT_WIDTH +: UNIT_WIDTH];
            else
                units[place*UNIT_WIDTH +: UNIT_WIDTH] <= left[place*UNIT_WIDTH +: UNIT_WIDTH];

    always @(posedge clk) begin
        held <= taken ? rest + brought : rest;
        if (taken)
            in_word <= in_last ? {IN_WIDTH{1'b0}} : in_word + 1'b1;
        if (passed) begin
            out_word <= out_last ? {OUT_WIDTH{1'b0}} : out_word + 1'b1;
            frame_word <= m_last ? {FRAME_WIDTH{1'b0}} : frame_word + 1'b1;
        end
        if (rst) begin
            held <= {HELD_WIDTH{1'b0}};
            in_word <= {IN_WIDTH{1'b0}};
            out_word <= {OUT_WIDTH{1'b0}};
            frame_word <= {FRAME_WIDTH{1'b0}};
        end
    end

    genvar unit;
    generate
        for (unit = 0; unit < OUT_UNITS; unit = unit + 1) begin : outputs
            if (unit < OUT_LAST) begin : always_filled
                assign m_data[unit*UNIT_WIDTH +: UNIT_WIDTH] = units[unit*UNIT_WIDTH +: UNIT_WIDTH];
            end else begin : empty_at_last
                assign m_data[unit*UNIT_WIDTH +: UNIT_WIDTH] =
                    units[unit*UNIT_WIDTH +: UNIT_WIDTH] & {UNIT_WIDTH{~out_last}};
            end
        end
    endgenerate
endmodule
`default_nettype wire
