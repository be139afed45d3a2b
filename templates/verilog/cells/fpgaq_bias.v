`default_nettype none
// Adds the biases to a beat of sums. One cycle.
module fpgaq_bias #(
    parameter LANES = 1,
    parameter SUM_WIDTH = 24
) (
    input  wire                       clk,
    input  wire [LANES*SUM_WIDTH-1:0] sums,
    input  wire [LANES*SUM_WIDTH-1:0] biases,
    output reg  [LANES*SUM_WIDTH-1:0] totals
);
    integer lane;

    always @(posedge clk)
        for (lane = 0; lane < LANES; lane = lane + 1)
            totals[lane*SUM_WIDTH +: SUM_WIDTH] <=
                sums[lane*SUM_WIDTH +: SUM_WIDTH] + biases[lane*SUM_WIDTH +: SUM_WIDTH];
endmodule
`default_nettype wire
