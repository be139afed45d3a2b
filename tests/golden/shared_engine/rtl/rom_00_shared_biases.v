// ROM: biases in the order of the results. A word addressed in cycle t is in `data` in t + 1.
// 16 words of 11 bits.
`default_nettype none
module rom_00_shared_biases (
    input  wire           clk,
    input  wire [3:0] address,
    output reg  [10:0] data
);
    always @(posedge clk)
        case (address)
            4'd1: data <= 11'h7e6;
            4'd2: data <= 11'h189;
            4'd3: data <= 11'h2bd;
            4'd4: data <= 11'h0;
            4'd5: data <= 11'h0;
            4'd6: data <= 11'h0;
            4'd7: data <= 11'h0;
            4'd8: data <= 11'h4d3;
            4'd9: data <= 11'h513;
            4'd10: data <= 11'h722;
            4'd11: data <= 11'h256;
            4'd12: data <= 11'h74d;
            4'd13: data <= 11'h0;
            4'd14: data <= 11'h0;
            4'd15: data <= 11'h0;
            default: data <= 11'h775;
        endcase
endmodule
`default_nettype wire
