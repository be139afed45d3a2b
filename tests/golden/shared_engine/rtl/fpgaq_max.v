// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// Running maximum of each channel over the kernel taps of a group. The taps of a step are reduced first.
// Elements of cycle t are in `maxima` in cycle t + 2.
module fpgaq_max #(
    parameter TAPS = 1,          // kernel taps of a step, at least 1
    parameter CHANNELS = 1,      // channels of a step, at least 1
    parameter ELEMENT_WIDTH = 8, // bits of an element
    parameter ELEMENT_SIGNED = 0 // 1: elements are two's complement; 0: unsigned
) (
    input  wire                                   clk,
    input  wire                                   first, // the maxima restart with the taps that this cycle reduces
    input  wire [TAPS*CHANNELS*ELEMENT_WIDTH-1:0] elements,
    output wire [CHANNELS*ELEMENT_WIDTH-1:0]      maxima
);
    // Signed order is unsigned order once the sign bit is flipped.
    localparam [ELEMENT_WIDTH-1:0] SIGN_FLIP = {ELEMENT_SIGNED != 0, {(ELEMENT_WIDTH-1){1'b0}}};

    reg [CHANNELS*ELEMENT_WIDTH-1:0] reduced;
    reg [CHANNELS*ELEMENT_WIDTH-1:0] largest;
    reg [CHANNELS*ELEMENT_WIDTH-1:0] widest; // the greatest of the taps of this cycle
    integer channel;
    integer kept;
    integer tap;

    assign maxima = largest ^ {CHANNELS{SIGN_FLIP}};

    always @* begin
        widest = elements[0 +: CHANNELS*ELEMENT_WIDTH] ^ {CHANNELS{SIGN_FLIP}};
        for (tap = 1; tap < TAPS; tap = tap + 1)
            for (channel = 0; channel < CHANNELS; channel = channel + 1)
                if ((elements[(tap*CHANNELS+channel)*ELEMENT_WIDTH +: ELEMENT_WIDTH] ^ SIGN_FLIP)
                    > widest[channel*ELEMENT_WIDTH +: ELEMENT_WIDTH])
                    widest[channel*ELEMENT_WIDTH +: ELEMENT_WIDTH] =
                        elements[(tap*CHANNELS+channel)*ELEMENT_WIDTH +: ELEMENT_WIDTH] ^ SIGN_FLIP;
    end

    always @(posedge clk) begin
        reduced <= widest;
        for (kept = 0; kept < CHANNELS; kept = kept + 1)
            if (first | (reduced[kept*ELEMENT_WIDTH +: ELEMENT_WIDTH]
                         > largest[kept*ELEMENT_WIDTH +: ELEMENT_WIDTH]))
                largest[kept*ELEMENT_WIDTH +: ELEMENT_WIDTH] <= reduced[kept*ELEMENT_WIDTH +: ELEMENT_WIDTH];
    end
endmodule
`default_nettype wire
