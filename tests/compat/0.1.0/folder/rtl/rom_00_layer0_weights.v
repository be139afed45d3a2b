// ROM: weights in the order of the steps. A word addressed in cycle t is in `data` in t + 1.
// 21 words of 14 bits.
`default_nettype none
module rom_00_layer0_weights (
    input  wire           clk,
    input  wire [4:0] address,
    output reg  [13:0] data
);
    always @(posedge clk)
        case (address)
            5'd1: data <= 14'h1c01;
            5'd2: data <= 14'h1e3c;
            5'd3: data <= 14'h3d4a;
            5'd4: data <= 14'h320d;
            5'd5: data <= 14'h870;
            5'd6: data <= 14'h526;
            5'd7: data <= 14'hb56;
            5'd8: data <= 14'h2e2f;
            5'd9: data <= 14'h3585;
            5'd10: data <= 14'h23b3;
            5'd11: data <= 14'h197d;
            5'd12: data <= 14'h28f7;
            5'd13: data <= 14'h1da4;
            5'd14: data <= 14'h1bbd;
            5'd15: data <= 14'heef;
            5'd16: data <= 14'h4bc;
            5'd17: data <= 14'h5b6;
            5'd18: data <= 14'h3dd6;
            5'd19: data <= 14'h330d;
            5'd20: data <= 14'h1f9a;
            default: data <= 14'h1840;
        endcase
endmodule
`default_nettype wire
