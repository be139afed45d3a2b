// SPDX-License-Identifier: 0BSD
`default_nettype none
// Running maximum of each channel over the kernel taps of a group. The tap lanes of a step are reduced first.
// Elements of cycle t are in `maxima` in cycle t + 2.
module fpgaq_max #(
    parameter LANES = 1,         // kernel taps of a step
    parameter ELEMENTS = 1,      // channels of a step
    parameter ELEMENT_WIDTH = 8,
    parameter ELEMENT_SIGNED = 0
) (
    input  wire                                    clk,
    input  wire                                    first, // the maxima restart with the elements that this cycle finishes
    input  wire [LANES*ELEMENTS*ELEMENT_WIDTH-1:0] elements,
    output wire [ELEMENTS*ELEMENT_WIDTH-1:0]       maxima
);
    // Signed order is unsigned order once the sign bit is turned over.
    localparam [ELEMENT_WIDTH-1:0] TURN = {ELEMENT_SIGNED != 0, {(ELEMENT_WIDTH-1){1'b0}}};

    reg [ELEMENTS*ELEMENT_WIDTH-1:0] reduced;
    reg [ELEMENTS*ELEMENT_WIDTH-1:0] largest;
    reg [ELEMENTS*ELEMENT_WIDTH-1:0] widest; // the greatest of the lanes of this cycle
    integer channel;
    integer kept;
    integer lane;

    assign maxima = largest ^ {ELEMENTS{TURN}};

    always @* begin
        widest = elements[0 +: ELEMENTS*ELEMENT_WIDTH] ^ {ELEMENTS{TURN}};
        for (lane = 1; lane < LANES; lane = lane + 1)
            for (channel = 0; channel < ELEMENTS; channel = channel + 1)
                if ((elements[(lane*ELEMENTS+channel)*ELEMENT_WIDTH +: ELEMENT_WIDTH] ^ TURN)
                    > widest[channel*ELEMENT_WIDTH +: ELEMENT_WIDTH])
                    widest[channel*ELEMENT_WIDTH +: ELEMENT_WIDTH] =
                        elements[(lane*ELEMENTS+channel)*ELEMENT_WIDTH +: ELEMENT_WIDTH] ^ TURN;
    end

    always @(posedge clk) begin
        reduced <= widest;
        for (kept = 0; kept < ELEMENTS; kept = kept + 1)
            if (first | (reduced[kept*ELEMENT_WIDTH +: ELEMENT_WIDTH]
                         > largest[kept*ELEMENT_WIDTH +: ELEMENT_WIDTH]))
                largest[kept*ELEMENT_WIDTH +: ELEMENT_WIDTH] <= reduced[kept*ELEMENT_WIDTH +: ELEMENT_WIDTH];
    end
endmodule
`default_nettype wire
