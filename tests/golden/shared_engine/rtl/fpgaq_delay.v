// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// Delays flags by STAGES cycles; reset clears all of them.
module fpgaq_delay #(
    parameter WIDTH = 1, // flags, at least 1
    parameter STAGES = 1 // cycles of the delay, at least 1
) (
    input  wire             clk,
    input  wire             rst,
    input  wire [WIDTH-1:0] in,
    output wire [WIDTH-1:0] out
);
    reg [STAGES*WIDTH-1:0] line;

    assign out = line[(STAGES-1)*WIDTH +: WIDTH];

    generate
        if (STAGES == 1) begin : single
            always @(posedge clk)
                line <= rst ? {WIDTH{1'b0}} : in;
        end else begin : several
            always @(posedge clk)
                line <= rst ? {(STAGES*WIDTH){1'b0}} : {line[(STAGES-1)*WIDTH-1:0], in};
        end
    endgenerate
endmodule
`default_nettype wire
