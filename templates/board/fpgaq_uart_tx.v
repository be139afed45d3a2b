// SPDX-License-Identifier: 0BSD
`default_nettype none
// Gives bytes to a serial line of 8 data bits, no parity and a stop bit.
module fpgaq_uart_tx #(
    parameter DIVIDER = 12,    // cycles of a bit, at least 4
    parameter COUNT_WIDTH = 4  // bits that hold DIVIDER
) (
    input  wire       clk,
    input  wire       rst,
    input  wire [7:0] data,
    input  wire       valid,
    output wire       ready,
    output wire       line
);
    reg [9:0] shifted; // the bit on the line is the lowest
    reg [3:0] left;    // bits that are not yet over
    reg [COUNT_WIDTH-1:0] count;
    localparam [31:0] WHOLE = DIVIDER - 1;

    assign line = shifted[0];
    assign ready = left == 4'd0;

    always @(posedge clk) begin
        if (left == 4'd0) begin
            count <= WHOLE[COUNT_WIDTH-1:0];
            if (valid) begin
                shifted <= {1'b1, data, 1'b0};
                left <= 4'd10;
            end
        end else if (count != {COUNT_WIDTH{1'b0}}) begin
            count <= count - 1'b1;
        end else begin
            count <= WHOLE[COUNT_WIDTH-1:0];
            shifted <= {1'b1, shifted[9:1]};
            left <= left - 4'd1;
        end
        if (rst) begin
            shifted <= 10'h3ff;
            left <= 4'd0;
        end
    end
endmodule
`default_nettype wire
