// ROM: function values by index. A word addressed in cycle t is in `data` in t + 1.
// 64 words of 8 bits.
`default_nettype none
module rom_03_table_table (
    input  wire           clk,
    input  wire [5:0] address,
    output reg  [7:0] data
);
    always @(posedge clk)
        case (address)
            6'd1: data <= 8'hf9;
            6'd2: data <= 8'h74;
            6'd3: data <= 8'hb2;
            6'd4: data <= 8'hff;
            6'd5: data <= 8'h8c;
            6'd6: data <= 8'hec;
            6'd7: data <= 8'h72;
            6'd8: data <= 8'h1e;
            6'd9: data <= 8'hd9;
            6'd10: data <= 8'h7e;
            6'd11: data <= 8'h1a;
            6'd12: data <= 8'h72;
            6'd13: data <= 8'h84;
            6'd14: data <= 8'hf5;
            6'd15: data <= 8'h55;
            6'd16: data <= 8'h41;
            6'd17: data <= 8'he8;
            6'd18: data <= 8'hff;
            6'd19: data <= 8'heb;
            6'd20: data <= 8'h7;
            6'd21: data <= 8'hba;
            6'd22: data <= 8'h49;
            6'd23: data <= 8'h93;
            6'd24: data <= 8'hea;
            6'd25: data <= 8'hc8;
            6'd26: data <= 8'h3c;
            6'd27: data <= 8'h3f;
            6'd28: data <= 8'h36;
            6'd29: data <= 8'h6c;
            6'd30: data <= 8'h6e;
            6'd31: data <= 8'haf;
            6'd32: data <= 8'hf3;
            6'd33: data <= 8'h65;
            6'd34: data <= 8'h4b;
            6'd35: data <= 8'h34;
            6'd36: data <= 8'hbb;
            6'd37: data <= 8'h44;
            6'd38: data <= 8'h8d;
            6'd39: data <= 8'h11;
            6'd40: data <= 8'he7;
            6'd41: data <= 8'h7f;
            6'd42: data <= 8'hb2;
            6'd43: data <= 8'h72;
            6'd44: data <= 8'h97;
            6'd45: data <= 8'h1f;
            6'd46: data <= 8'h14;
            6'd47: data <= 8'h66;
            6'd48: data <= 8'hcc;
            6'd49: data <= 8'h66;
            6'd50: data <= 8'h2c;
            6'd51: data <= 8'h63;
            6'd52: data <= 8'hb3;
            6'd53: data <= 8'h42;
            6'd54: data <= 8'h71;
            6'd55: data <= 8'h8c;
            6'd56: data <= 8'hdd;
            6'd57: data <= 8'h22;
            6'd58: data <= 8'h9b;
            6'd59: data <= 8'h2;
            6'd60: data <= 8'h21;
            6'd61: data <= 8'h43;
            6'd62: data <= 8'h6d;
            6'd63: data <= 8'he8;
            default: data <= 8'hf0;
        endcase
endmodule
`default_nettype wire
