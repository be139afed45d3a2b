// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// Simple dual-port memory: one write port, one synchronous read port, each address on its own.
// An address that is written may not be read in the same cycle; the walker never does so. The attribute saves the logic
// by which Yosys would otherwise make it certain what that gives.
module fpgaq_ram #(
    parameter WIDTH = 8,        // bits of a word
    parameter ADDRESS_WIDTH = 4 // the memory holds 2**ADDRESS_WIDTH words
) (
    input  wire                     clk,
    input  wire                     write_enable,
    input  wire [ADDRESS_WIDTH-1:0] write_address,
    input  wire [WIDTH-1:0]         write_data,
    input  wire [ADDRESS_WIDTH-1:0] read_address,
    output reg  [WIDTH-1:0]         read_data
);
    (* no_rw_check *) reg [WIDTH-1:0] memory [0:(1 << ADDRESS_WIDTH)-1];

    always @(posedge clk) begin
        if (write_enable)
            memory[write_address] <= write_data;
        read_data <= memory[read_address];
    end
endmodule
`default_nettype wire
