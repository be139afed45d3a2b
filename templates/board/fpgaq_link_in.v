// SPDX-License-Identifier: 0BSD
`default_nettype none
// Packets out of the bytes of a line: between two END bytes stand a payload and its CRC-32, low byte first. END and ESC
// inside are two bytes (RFC 1055). Payload bytes leave as they come, four late, so that the CRC is never among them.
module fpgaq_link_in (
    input  wire       clk,
    input  wire       rst,
    input  wire [7:0] s_data,
    input  wire       s_valid,
    output reg  [7:0] m_data,
    output reg        m_valid,  // for one cycle
    output reg        m_end,    // the packet is over, for one cycle
    output reg        m_good    // with m_end: its CRC is right
);
    localparam [7:0] END = 8'hc0;
    localparam [7:0] ESC = 8'hdb;
    localparam [7:0] ESC_END = 8'hdc;
    localparam [7:0] ESC_ESC = 8'hdd;
    localparam [31:0] RESIDUE = 32'hdebb20e3; // of every payload followed by its CRC

    reg [31:0] late;
    reg [2:0] held;
    reg escaped;
    reg broken;
    reg begun;
    reg clear;
    wire [31:0] state;

    wire is_end = s_valid & (s_data == END);
    wire is_byte = s_valid & ~is_end & (escaped | (s_data != ESC));
    wire [7:0] plain = ~escaped ? s_data : s_data == ESC_END ? END : ESC;

    fpgaq_crc32 crc (
        .clk(clk),
        .clear(rst | clear),
        .data(plain),
        .valid(is_byte),
        .state(state)
    );

    always @(posedge clk) begin
        m_valid <= 1'b0;
        m_end <= 1'b0;
        clear <= 1'b0;
        if (is_byte) begin
            begun <= 1'b1;
            escaped <= 1'b0;
            if (escaped & (s_data != ESC_END) & (s_data != ESC_ESC))
                broken <= 1'b1;
            late <= {plain, late[31:8]};
            m_data <= late[7:0];
            if (held == 3'd4)
                m_valid <= 1'b1;
            else
                held <= held + 3'd1;
        end else if (is_end) begin
            m_end <= begun;
            m_good <= (state == RESIDUE) & ~broken & ~escaped;
            clear <= 1'b1;
            held <= 3'd0;
            escaped <= 1'b0;
            broken <= 1'b0;
            begun <= 1'b0;
        end else if (s_valid) begin
            begun <= 1'b1;
            escaped <= 1'b1;
        end
        if (rst) begin
            held <= 3'd0;
            escaped <= 1'b0;
            broken <= 1'b0;
            begun <= 1'b0;
            m_valid <= 1'b0;
            m_end <= 1'b0;
        end
    end
endmodule
`default_nettype wire
