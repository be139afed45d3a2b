// ROM: weights in the order of the steps. A word addressed in cycle t is in `data` in t + 1.
// 21 words of 6 bits.
`default_nettype none
module rom_01_layer1_weights (
    input  wire           clk,
    input  wire [4:0] address,
    output reg  [5:0] data
);
    always @(posedge clk)
        case (address)
            5'd1: data <= 6'h9;
            5'd2: data <= 6'h19;
            5'd3: data <= 6'h1c;
            5'd4: data <= 6'h2;
            5'd5: data <= 6'h5;
            5'd6: data <= 6'h25;
            5'd7: data <= 6'h31;
            5'd8: data <= 6'h1f;
            5'd9: data <= 6'h1b;
            5'd10: data <= 6'h21;
            5'd11: data <= 6'h3f;
            5'd12: data <= 6'h3f;
            5'd13: data <= 6'hb;
            5'd14: data <= 6'h27;
            5'd15: data <= 6'h3e;
            5'd16: data <= 6'h37;
            5'd17: data <= 6'h2d;
            5'd18: data <= 6'h13;
            5'd19: data <= 6'hc;
            5'd20: data <= 6'h1f;
            default: data <= 6'h20;
        endcase
endmodule
`default_nettype wire
