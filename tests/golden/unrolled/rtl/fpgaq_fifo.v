// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// Result FIFO of a layer. The writer holds credits, so a write always finds room and there is no ready towards it.
// A word written in cycle t is offered in cycle t + 2; one word a cycle passes. `popped` returns one credit. Of two
// credits one is spent on the word in the output register whenever another word waits, so that a register is enough.
module fpgaq_fifo #(
    parameter WIDTH = 8,         // bits of a word
    parameter ADDRESS_WIDTH = 4, // it holds 2**ADDRESS_WIDTH words, the one in the output register included; at least 1
    parameter EAGER = 0          // 1: m_data loads even if nothing waits: few gates before the enables of a wide word
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             write_enable,
    input  wire [WIDTH-1:0] write_data,
    output reg  [WIDTH-1:0] m_data,
    output reg              m_valid,
    input  wire             m_ready,
    output wire             popped
);
    wire filled; // a word waits
    wire [WIDTH-1:0] waiting;
    wire free = ~m_valid | m_ready;
    wire load = filled & free;

    assign popped = m_valid & m_ready;

    initial m_valid = 1'b0;

    always @(posedge clk)
        if (EAGER != 0 ? free : load)
            m_data <= waiting;

    always @(posedge clk) begin
        if (load)
            m_valid <= 1'b1;
        else if (m_ready)
            m_valid <= 1'b0;
        if (rst)
            m_valid <= 1'b0;
    end

    generate
        if (ADDRESS_WIDTH == 1) begin : single
            reg [WIDTH-1:0] word;
            reg word_valid;
            assign waiting = word;
            assign filled = word_valid;
            always @(posedge clk) begin
                if (write_enable)
                    word <= write_data;
                if (write_enable)
                    word_valid <= 1'b1;
                else if (load)
                    word_valid <= 1'b0;
                if (rst)
                    word_valid <= 1'b0;
            end
        end else begin : several
            (* no_rw_check *) reg [WIDTH-1:0] memory [0:(1 << ADDRESS_WIDTH)-1];
            // One more bit than an address, so that a full memory differs from an empty one.
            reg [ADDRESS_WIDTH:0] write_count;
            reg [ADDRESS_WIDTH:0] read_count;
            assign waiting = memory[read_count[ADDRESS_WIDTH-1:0]];
            assign filled = write_count != read_count;
            always @(posedge clk) begin
                if (write_enable)
                    memory[write_count[ADDRESS_WIDTH-1:0]] <= write_data;
                if (write_enable)
                    write_count <= write_count + 1'b1;
                if (load)
                    read_count <= read_count + 1'b1;
                if (rst) begin
                    write_count <= {(ADDRESS_WIDTH + 1){1'b0}};
                    read_count <= {(ADDRESS_WIDTH + 1){1'b0}};
                end
            end
        end
    endgenerate
endmodule
`default_nettype wire
