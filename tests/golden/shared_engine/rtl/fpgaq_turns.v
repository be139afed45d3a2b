// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// Lets the layers of an engine step one after another. A turn is a row of windows; turns follow one another in an order
// of PLACES places, over and over. The engine looks up in it: `looked_up` is the layer of the turn at `place`. Only the
// layer whose turn it is may start a group, and not before the group in progress has had its last step. Whether it may
// is known a cycle ahead, so that no path leads from the steps of one layer to the start of another in a cycle.
// A layer's step of cycle t is the engine's in t + 1. Bit i of each vector belongs to layer i.
module fpgaq_turns #(
    parameter LAYERS = 2,      // layers of the engine, at least 2
    parameter OWNER_WIDTH = 1, // bits of the number of a layer, at least 1
    parameter PLACES = 2,      // turns of the order, at least 1
    parameter PLACE_WIDTH = 1, // bits of a place in the order, at least 1
    parameter FIRST = 0,       // layer of the turn at place 0, less than LAYERS
    parameter SECOND = 0       // layer of the turn after it
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire [LAYERS-1:0]      layer_step,
    input  wire [LAYERS-1:0]      layer_first, // the step is the first of its group
    input  wire [LAYERS-1:0]      layer_last,  // the step is the last of its group
    input  wire [LAYERS-1:0]      layer_pixel, // the step is the first of its pixel
    input  wire [LAYERS-1:0]      goes_on,     // the next cycle has a step that does not end its group
    input  wire [LAYERS-1:0]      row_done,    // the last group of the turn starts
    output reg  [PLACE_WIDTH-1:0] place,       // of the turn after the next
    input  wire [OWNER_WIDTH-1:0] looked_up,
    output reg  [LAYERS-1:0]      grant,       // the layer may start a group in this cycle
    output reg                    step,
    output reg                    step_first,
    output reg                    step_last,
    output reg                    pixel_first,
    output reg  [OWNER_WIDTH-1:0] owner        // the layer that steps
);
    localparam [31:0] FIRST_TURN = FIRST;
    localparam [31:0] LAST_PLACE = PLACES - 1;
    localparam [31:0] SECOND_TURN = SECOND;
    localparam [31:0] THIRD_PLACE = PLACES > 2 ? 2 : 0;

    reg [OWNER_WIDTH-1:0] turn;     // the layer whose turn it is
    reg [OWNER_WIDTH-1:0] upcoming; // the one after it: the table has a cycle of its own
    wire ends = |row_done;
    wire [OWNER_WIDTH-1:0] turn_next = ends ? upcoming : turn;
    reg [OWNER_WIDTH-1:0] stepping;
    integer layer;
    integer one;

    // At most one layer steps in a cycle.
    always @* begin
        stepping = {OWNER_WIDTH{1'b0}};
        for (layer = 1; layer < LAYERS; layer = layer + 1)
            if (layer_step[layer])
                stepping = stepping | layer[OWNER_WIDTH-1:0];
    end

    always @(posedge clk) begin
        turn <= turn_next;
        for (one = 0; one < LAYERS; one = one + 1)
            grant[one] <= ~(|goes_on) & (turn_next == one[OWNER_WIDTH-1:0]);
        if (ends) begin
            upcoming <= looked_up;
            place <= (place == LAST_PLACE[PLACE_WIDTH-1:0]) ? {PLACE_WIDTH{1'b0}} : place + 1'b1;
        end
        if (rst) begin
            turn <= FIRST_TURN[OWNER_WIDTH-1:0];
            grant <= {LAYERS{1'b0}};
            upcoming <= SECOND_TURN[OWNER_WIDTH-1:0];
            place <= THIRD_PLACE[PLACE_WIDTH-1:0];
        end
    end

    always @(posedge clk) begin
        step <= |layer_step;
        step_first <= |layer_first;
        step_last <= |(layer_step & layer_last);
        pixel_first <= |layer_pixel;
        owner <= stepping;
        if (rst) begin
            step <= 1'b0;
            step_last <= 1'b0;
        end
    end
endmodule
`default_nettype wire
