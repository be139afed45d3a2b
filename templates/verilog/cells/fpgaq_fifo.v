`default_nettype none
// Result FIFO of a layer. The writer holds credits, so a write always finds room and there is no ready towards it.
// A word written in cycle t is offered in cycle t + 2; one word a cycle passes. `popped` returns one credit.
module fpgaq_fifo #(
    parameter WIDTH = 8,         // bits of a word
    parameter ADDRESS_WIDTH = 4, // 2**ADDRESS_WIDTH words wait behind the output register
    parameter EAGER = 0          // m_data loads even if nothing waits: few gates before the enables of a wide word
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
    reg [WIDTH-1:0] memory [0:(1 << ADDRESS_WIDTH)-1];
    // One more bit than an address, so that a full memory differs from an empty one.
    reg [ADDRESS_WIDTH:0] write_count;
    reg [ADDRESS_WIDTH:0] read_count;

    wire filled = write_count != read_count;
    wire free = ~m_valid | m_ready;
    wire load = filled & free;

    assign popped = m_valid & m_ready;

    initial m_valid = 1'b0;

    always @(posedge clk) begin
        if (write_enable)
            memory[write_count[ADDRESS_WIDTH-1:0]] <= write_data;
        if (EAGER != 0 ? free : load)
            m_data <= memory[read_count[ADDRESS_WIDTH-1:0]];
    end

    always @(posedge clk) begin
        if (write_enable)
            write_count <= write_count + 1'b1;
        if (load)
            read_count <= read_count + 1'b1;
        if (load)
            m_valid <= 1'b1;
        else if (m_ready)
            m_valid <= 1'b0;
        if (rst) begin
            write_count <= {(ADDRESS_WIDTH + 1){1'b0}};
            read_count <= {(ADDRESS_WIDTH + 1){1'b0}};
            m_valid <= 1'b0;
        end
    end
endmodule
`default_nettype wire
