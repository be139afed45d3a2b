// ROM: biases in the order of the results. A word addressed in cycle t is in `data` in t + 1.
// 7 words of 11 bits.
`default_nettype none
module rom_00_layer0_biases (
    input  wire           clk,
    input  wire [2:0] address,
    output reg  [10:0] data
);
    always @(posedge clk)
        case (address)
            3'd1: data <= 11'h7fc;
            3'd2: data <= 11'hd6;
            3'd3: data <= 11'h400;
            3'd4: data <= 11'h7ae;
            3'd5: data <= 11'h114;
            3'd6: data <= 11'he7;
            default: data <= 11'h7ff;
        endcase
endmodule
`default_nettype wire
