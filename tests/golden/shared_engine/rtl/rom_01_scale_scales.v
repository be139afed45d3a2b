// ROM: scales, offsets, lifts. A word addressed in cycle t is in `data` in t + 1.
// 4 words of 32 bits.
`default_nettype none
module rom_01_scale_scales (
    input  wire           clk,
    input  wire [1:0] address,
    output reg  [31:0] data
);
    always @(posedge clk)
        case (address)
            2'd1: data <= 32'h7fac0edb;
            2'd2: data <= 32'h7fa8bacc;
            2'd3: data <= 32'h214739;
            default: data <= 32'h4adf38;
        endcase
endmodule
`default_nettype wire
