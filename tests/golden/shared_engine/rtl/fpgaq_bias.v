// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// Adds the biases to a beat of sums. One cycle.
module fpgaq_bias #(
    parameter LANES = 1,     // sums of a beat, at least 1
    parameter SUM_WIDTH = 24 // bits of a sum and of a bias, at least 2; proved: no total needs more
) (
    input  wire                       clk,
    input  wire                       valid, // `sums` is a beat; for checks only
    input  wire [LANES*SUM_WIDTH-1:0] sums,
    input  wire [LANES*SUM_WIDTH-1:0] biases,
    output reg  [LANES*SUM_WIDTH-1:0] totals
);
    wire unused_valid = &{1'b0, valid};
    integer lane;

    always @(posedge clk)
        for (lane = 0; lane < LANES; lane = lane + 1)
            totals[lane*SUM_WIDTH +: SUM_WIDTH] <=
                sums[lane*SUM_WIDTH +: SUM_WIDTH] + biases[lane*SUM_WIDTH +: SUM_WIDTH];

`ifdef FPGAQ_CHECKS
    integer checked;
    reg [SUM_WIDTH-1:0] total;
    always @(posedge clk)
        for (checked = 0; checked < LANES; checked = checked + 1) begin
            total = sums[checked*SUM_WIDTH +: SUM_WIDTH] + biases[checked*SUM_WIDTH +: SUM_WIDTH];
            if (valid & (sums[checked*SUM_WIDTH+SUM_WIDTH-1] == biases[checked*SUM_WIDTH+SUM_WIDTH-1])
                & (total[SUM_WIDTH-1] != sums[checked*SUM_WIDTH+SUM_WIDTH-1])) begin
                $display("fpgaq: accumulator overflow at the bias in %m");
                $finish;
            end
        end
`endif
endmodule
`default_nettype wire
