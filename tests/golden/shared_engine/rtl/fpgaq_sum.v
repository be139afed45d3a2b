// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// Running sum of each channel over the kernel taps of a group. Elements of cycle t are in `sums` in cycle t + 2.
// The sums stand still in cycles that belong to no step.
module fpgaq_sum #(
    parameter TAPS = 1,           // kernel taps of a step, at least 1
    parameter CHANNELS = 1,       // channels of a step, at least 1
    parameter ELEMENT_WIDTH = 8,  // bits of an element
    parameter ELEMENT_SIGNED = 0, // 1: elements are two's complement; 0: unsigned
    parameter SUM_WIDTH = 16      // bits of a signed sum, more than of an element; proved: no sum needs more
) (
    input  wire                                   clk,
    input  wire                                   first, // the sums restart with the taps that this cycle adds
    input  wire                                   valid, // those taps belong to a step
    input  wire [TAPS*CHANNELS*ELEMENT_WIDTH-1:0] elements,
    output wire [CHANNELS*SUM_WIDTH-1:0]          sums
);
    genvar channel;
    generate
        for (channel = 0; channel < CHANNELS; channel = channel + 1) begin : channels
            reg [SUM_WIDTH-1:0] reduced;
            reg [SUM_WIDTH-1:0] sum;

            always @(posedge clk) begin : reduce
                integer tap;
                reg [SUM_WIDTH-1:0] total;
                total = {SUM_WIDTH{1'b0}};
                for (tap = 0; tap < TAPS; tap = tap + 1)
                    total = total + {{(SUM_WIDTH-ELEMENT_WIDTH){ELEMENT_SIGNED != 0
                                      && elements[(tap*CHANNELS+channel)*ELEMENT_WIDTH+ELEMENT_WIDTH-1]}},
                                     elements[(tap*CHANNELS+channel)*ELEMENT_WIDTH +: ELEMENT_WIDTH]};
                reduced <= total;
                if (valid)
                    sum <= (first ? {SUM_WIDTH{1'b0}} : sum) + reduced;
            end

            assign sums[channel*SUM_WIDTH +: SUM_WIDTH] = sum;
        end
    endgenerate
endmodule
`default_nettype wire
