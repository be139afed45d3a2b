// ROM: biases in the order of the results. A word addressed in cycle t is in `data` in t + 1.
// 3 words of 9 bits.
`default_nettype none
module rom_01_layer1_biases (
    input  wire           clk,
    input  wire [1:0] address,
    output reg  [8:0] data
);
    always @(posedge clk)
        case (address)
            2'd1: data <= 9'h17;
            2'd2: data <= 9'h146;
            default: data <= 9'ha3;
        endcase
endmodule
`default_nettype wire
