// ROM: weights in the order of the steps. A word addressed in cycle t is in `data` in t + 1.
// 46 words of 16 bits.
`default_nettype none
module rom_00_shared_weights (
    input  wire           clk,
    input  wire [5:0] address,
    output reg  [15:0] data
);
    always @(posedge clk)
        case (address)
            6'd1: data <= 16'hc502;
            6'd2: data <= 16'h8ace;
            6'd3: data <= 16'h8493;
            6'd4: data <= 16'h50ac;
            6'd5: data <= 16'h6926;
            6'd6: data <= 16'h1b00;
            6'd7: data <= 16'h3a78;
            6'd8: data <= 16'hb21;
            6'd9: data <= 16'h6f0f;
            6'd10: data <= 16'h50c7;
            6'd11: data <= 16'h802b;
            6'd12: data <= 16'h5be4;
            6'd13: data <= 16'h880d;
            6'd14: data <= 16'h3a43;
            6'd15: data <= 16'hac58;
            6'd16: data <= 16'h5c96;
            6'd17: data <= 16'ha85;
            6'd18: data <= 16'hcc94;
            6'd19: data <= 16'hecfb;
            6'd20: data <= 16'h87e7;
            6'd21: data <= 16'h9f81;
            6'd22: data <= 16'h2b82;
            6'd23: data <= 16'h2506;
            6'd24: data <= 16'h1dc1;
            6'd25: data <= 16'he243;
            6'd26: data <= 16'h7ff5;
            6'd27: data <= 16'h7b4e;
            6'd28: data <= 16'h2fe1;
            6'd29: data <= 16'h2673;
            6'd30: data <= 16'h3057;
            6'd31: data <= 16'he334;
            6'd32: data <= 16'ha260;
            6'd33: data <= 16'h3814;
            6'd34: data <= 16'h658;
            6'd35: data <= 16'hcfe0;
            6'd36: data <= 16'h6f92;
            6'd37: data <= 16'hdb08;
            6'd38: data <= 16'h122c;
            6'd39: data <= 16'hd2c1;
            6'd40: data <= 16'h1838;
            6'd41: data <= 16'hd601;
            6'd42: data <= 16'he442;
            6'd43: data <= 16'h63d4;
            6'd44: data <= 16'hbac3;
            6'd45: data <= 16'h1f36;
            default: data <= 16'h2359;
        endcase
endmodule
`default_nettype wire
