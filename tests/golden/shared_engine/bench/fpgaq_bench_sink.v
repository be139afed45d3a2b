// The ready of one AXI4-Stream output: always high, or low at random, or low for good.
`default_nettype none

module fpgaq_bench_sink (
    input  wire        clk,
    input  wire        rst,
    input  wire [7:0]  stall,       // chance of a stall, in 256ths
    input  wire [15:0] stall_hold,  // a stall is redrawn when the masked random bits are zero
    input  wire [31:0] seed,        // not zero
    input  wire        block,       // takes nothing more
    output wire        tready
);
    reg [31:0] random;
    reg        open;

    wire [31:0] step1 = random ^ (random << 13);
    wire [31:0] step2 = step1 ^ (step1 >> 17);
    wire [31:0] step3 = step2 ^ (step2 << 5);
    wire        redraw = (random[31:16] & stall_hold) == 16'd0;

    assign tready = ((stall == 8'd0) || open) && !block;

    always @(posedge clk) begin
        random <= step3;
        if (redraw)
            open <= random[7:0] >= stall;
        if (rst) begin
            random <= seed;
            open <= 1'b0;
        end
    end
endmodule

`default_nettype wire
