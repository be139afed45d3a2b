// SPDX-License-Identifier: 0BSD
`default_nettype none
// Running sum of each channel over the kernel taps of a group. Elements of cycle t are in `sums` in cycle t + 2.
module fpgaq_sum #(
    parameter LANES = 1,         // kernel taps of a step
    parameter ELEMENTS = 1,      // channels of a step
    parameter ELEMENT_WIDTH = 8,
    parameter ELEMENT_SIGNED = 0,
    parameter SUM_WIDTH = 16     // wider than an element; proved: no sum needs more
) (
    input  wire                                    clk,
    input  wire                                    first, // the sums restart with the elements that this cycle finishes
    input  wire [LANES*ELEMENTS*ELEMENT_WIDTH-1:0] elements,
    output wire [ELEMENTS*SUM_WIDTH-1:0]           sums
);
    genvar channel;
    generate
        for (channel = 0; channel < ELEMENTS; channel = channel + 1) begin : channels
            reg [SUM_WIDTH-1:0] reduced;
            reg [SUM_WIDTH-1:0] sum;

            always @(posedge clk) begin : reduce
                integer lane;
                reg [SUM_WIDTH-1:0] total;
                total = {SUM_WIDTH{1'b0}};
                for (lane = 0; lane < LANES; lane = lane + 1)
                    total = total + {{(SUM_WIDTH-ELEMENT_WIDTH){ELEMENT_SIGNED != 0
                                      && elements[(lane*ELEMENTS+channel)*ELEMENT_WIDTH+ELEMENT_WIDTH-1]}},
                                     elements[(lane*ELEMENTS+channel)*ELEMENT_WIDTH +: ELEMENT_WIDTH]};
                reduced <= total;
                sum <= (first ? {SUM_WIDTH{1'b0}} : sum) + reduced;
            end

            assign sums[channel*SUM_WIDTH +: SUM_WIDTH] = sum;
        end
    endgenerate
endmodule
`default_nettype wire
