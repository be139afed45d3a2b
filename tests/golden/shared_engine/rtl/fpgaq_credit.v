// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// Credits of a result FIFO: `available` while a beat that starts now will find room.
module fpgaq_credit #(
    parameter ADDRESS_WIDTH = 1 // the FIFO holds 2**ADDRESS_WIDTH beats; at least 1
) (
    input  wire clk,
    input  wire rst,
    input  wire spent,
    input  wire popped,
    output wire available
);
    localparam [31:0] WORDS_LESS_ONE = (1 << ADDRESS_WIDTH) - 1;

    reg [ADDRESS_WIDTH:0] left; // credits, less one

    assign available = ~left[ADDRESS_WIDTH];

    always @(posedge clk) begin
        left <= left - {{ADDRESS_WIDTH{1'b0}}, spent} + {{ADDRESS_WIDTH{1'b0}}, popped};
        if (rst)
            left <= WORDS_LESS_ONE[ADDRESS_WIDTH:0];
    end
endmodule
`default_nettype wire
