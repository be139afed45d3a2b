// SPDX-License-Identifier: 0BSD
`default_nettype none
// Buffers whole frames: a frame is offered once its last word was taken, two cycles after, and not at all if that word
// comes with `s_user` while `drop` is high. One word a cycle passes each way.
module fpgaq_frame_buffer #(
    parameter WIDTH = 32,       // bits of a word, at least 1
    parameter ADDRESS_WIDTH = 4 // it holds 2**ADDRESS_WIDTH words, at least those of a frame; at least 1
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             drop,
    input  wire [WIDTH-1:0] s_data,
    input  wire             s_last,
    input  wire             s_user,
    input  wire             s_valid,
    output wire             s_ready,
    output reg  [WIDTH-1:0] m_data,
    output reg              m_last,
    output reg              m_user,
    output reg              m_valid,
    input  wire             m_ready,
    output wire             filled   // a word that was kept waits
);
    (* no_rw_check *) reg [WIDTH+1:0] memory [0:(1 << ADDRESS_WIDTH)-1];
    // One more bit than an address, so that a full memory differs from an empty one.
    reg [ADDRESS_WIDTH:0] write_count;
    reg [ADDRESS_WIDTH:0] kept_count; // up to the last word of the last frame that was kept
    reg [ADDRESS_WIDTH:0] read_count;

    wire taken = s_valid & s_ready;
    wire load = filled & (~m_valid | m_ready);

    assign filled = read_count != kept_count;
    assign s_ready = (write_count ^ read_count) != {1'b1, {ADDRESS_WIDTH{1'b0}}};

    always @(posedge clk) begin
        if (taken)
            memory[write_count[ADDRESS_WIDTH-1:0]] <= {s_user, s_last, s_data};
        if (load)
            {m_user, m_last, m_data} <= memory[read_count[ADDRESS_WIDTH-1:0]];
    end

    always @(posedge clk) begin
        if (taken)
            write_count <= s_last & s_user & drop ? kept_count : write_count + 1'b1;
        if (taken & s_last & ~(s_user & drop))
            kept_count <= write_count + 1'b1;
        if (load)
            read_count <= read_count + 1'b1;
        if (load)
            m_valid <= 1'b1;
        else if (m_ready)
            m_valid <= 1'b0;
        if (rst) begin
            write_count <= {(ADDRESS_WIDTH + 1){1'b0}};
            kept_count <= {(ADDRESS_WIDTH + 1){1'b0}};
            read_count <= {(ADDRESS_WIDTH + 1){1'b0}};
            m_valid <= 1'b0;
        end
    end
endmodule
`default_nettype wire
