// Two entries, no combinational path from one side to the other.
`default_nettype none
module fpgaq_fifo2 #(parameter WIDTH = 8) (
    input  wire             clk,
    input  wire             rst,
    input  wire [WIDTH-1:0] in_data,
    input  wire             in_valid,
    output wire             in_ready,
    output wire [WIDTH-1:0] out_data,
    output wire             out_valid,
    input  wire             out_ready
);
    reg [WIDTH-1:0] first, second;
    reg [1:0] level;
    reg running;
    wire push = in_valid & in_ready;
    wire pop = out_valid & out_ready;
    assign in_ready = running & (level != 2'd2);
    assign out_valid = level != 2'd0;
    assign out_data = first;
    always @(posedge clk) begin
        running <= 1'b1;
        level <= level + {1'b0, push} - {1'b0, pop};
        if (pop)
            first <= second;
        if (push) begin
            if (level == 2'd0 || (level == 2'd1 && pop))
                first <= in_data;
            else
                second <= in_data;
        end
        if (rst) begin
            level <= 2'd0;
            running <= 1'b0;
        end
    end
endmodule
`default_nettype wire
