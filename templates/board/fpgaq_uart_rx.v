// SPDX-License-Identifier: 0BSD
`default_nettype none
// Takes bytes from a serial line of 8 data bits, no parity and a stop bit. A byte without its stop bit is left out.
module fpgaq_uart_rx #(
    parameter DIVIDER = 12,    // cycles of a bit, at least 4
    parameter COUNT_WIDTH = 4  // bits that hold DIVIDER
) (
    input  wire       clk,
    input  wire       rst,
    input  wire       line,
    output reg  [7:0] data,
    output reg        valid    // for one cycle
);
    reg [1:0] sampled; // the line comes from another clock
    reg busy;
    reg [COUNT_WIDTH-1:0] count;
    reg [3:0] place; // 0: start bit, 1 to 8: data, 9: stop bit

    wire now = sampled[1];
    localparam [31:0] WHOLE = DIVIDER - 1;
    localparam [31:0] HALF = DIVIDER / 2 - 1;

    always @(posedge clk) begin
        sampled <= {sampled[0], line};
        valid <= 1'b0;
        if (!busy) begin
            busy <= ~now;
            count <= HALF[COUNT_WIDTH-1:0];
            place <= 4'd0;
        end else if (count != {COUNT_WIDTH{1'b0}}) begin
            count <= count - 1'b1;
        end else begin
            count <= WHOLE[COUNT_WIDTH-1:0];
            place <= place + 4'd1;
            if (place == 4'd0) begin
                busy <= ~now;
            end else if (place == 4'd9) begin
                busy <= 1'b0;
                valid <= now;
            end else begin
                data <= {now, data[7:1]};
            end
        end
        if (rst) begin
            sampled <= 2'b11;
            busy <= 1'b0;
            valid <= 1'b0;
        end
    end
endmodule
`default_nettype wire
