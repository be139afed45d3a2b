// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// Lays a layer's elements out as its engine multiplies them, extended to the engine's width; places that the layer does
// not use are zero. With LANES = 1 all outputs see the same elements; else each sees its own, one for each place.
module fpgaq_spread #(
    parameter PLACES = 1,         // elements that the layer gives for each output, at least 1
    parameter OWN_LANES = 1,      // outputs for which it gives its own elements; 1: the same for all
    parameter ELEMENT_WIDTH = 8,  // bits of an element of the layer
    parameter ELEMENT_SIGNED = 0, // 1: the layer's elements are two's complement; 0: unsigned
    parameter ALL_PLACES = 1,     // elements that the engine multiplies for each output, at least PLACES
    parameter LANES = 1,          // 1: all outputs see the same elements; else the engine's outputs
    parameter WIDTH = 8           // bits of an element of the engine, at least ELEMENT_WIDTH
) (
    input  wire [PLACES*OWN_LANES*ELEMENT_WIDTH-1:0] elements,
    output wire [ALL_PLACES*LANES*WIDTH-1:0]         spread
);
    genvar place;
    genvar lane;
    generate
        for (place = 0; place < ALL_PLACES; place = place + 1) begin : places
            for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
                localparam FROM = OWN_LANES == 1 ? place : place * OWN_LANES + lane;
                if (place >= PLACES || (OWN_LANES > 1 && lane >= OWN_LANES)) begin : empty
                    assign spread[(place*LANES+lane)*WIDTH +: WIDTH] = {WIDTH{1'b0}};
                end else if (WIDTH > ELEMENT_WIDTH) begin : extended
                    assign spread[(place*LANES+lane)*WIDTH +: WIDTH] =
                        {{(WIDTH-ELEMENT_WIDTH){ELEMENT_SIGNED != 0 && elements[FROM*ELEMENT_WIDTH+ELEMENT_WIDTH-1]}},
                         elements[FROM*ELEMENT_WIDTH +: ELEMENT_WIDTH]};
                end else begin : exact
                    assign spread[(place*LANES+lane)*WIDTH +: WIDTH] = elements[FROM*ELEMENT_WIDTH +: ELEMENT_WIDTH];
                end
            end
        end
    endgenerate
endmodule
`default_nettype wire
