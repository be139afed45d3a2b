// SPDX-License-Identifier: 0BSD
`default_nettype none
// Bytes of a line out of packets, as fpgaq_link_in takes them: END, payload, CRC-32, END.
module fpgaq_link_out (
    input  wire       clk,
    input  wire       rst,
    input  wire [7:0] s_data,
    input  wire       s_last,
    input  wire       s_valid,
    output wire       s_ready,
    output reg  [7:0] m_data,
    output reg        m_valid,
    input  wire       m_ready
);
    localparam [7:0] END = 8'hc0;
    localparam [7:0] ESC = 8'hdb;

    localparam [2:0] OPEN = 3'd0;
    localparam [2:0] BODY = 3'd1;
    localparam [2:0] REST = 3'd2;  // the second of two bytes
    localparam [2:0] SETTLE = 3'd3; // the CRC takes in the byte before
    localparam [2:0] CHECK = 3'd4;
    localparam [2:0] CLOSE = 3'd5;

    reg [2:0] now;
    reg [2:0] next;     // after REST
    reg [7:0] second;
    reg [3:0] wait_left;
    reg [1:0] place;
    reg closing;        // the byte was the payload's last
    wire [31:0] state;
    wire room = ~m_valid | m_ready;
    wire [7:0] check = ~state[8*place +: 8];
    wire [7:0] shown = now == CHECK ? check : s_data;
    wire special = (shown == END) | (shown == ESC);
    wire taken = s_valid & s_ready;

    assign s_ready = (now == BODY) & room;

    fpgaq_crc32 crc (
        .clk(clk),
        .clear(rst | (now == OPEN)),
        .data(s_data),
        .valid(taken),
        .state(state)
    );

    always @(posedge clk) begin
        if (m_ready)
            m_valid <= 1'b0;
        case (now)
            OPEN: if (s_valid & room) begin
                m_data <= END;
                m_valid <= 1'b1;
                place <= 2'd0;
                now <= BODY;
            end
            BODY: if (taken) begin
                m_data <= special ? ESC : shown;
                m_valid <= 1'b1;
                second <= shown == END ? 8'hdc : 8'hdd;
                next <= SETTLE;
                now <= special ? REST : SETTLE;
                place <= 2'd0;
                wait_left <= 4'd8;
                closing <= s_last;
            end
            REST: if (room) begin
                m_data <= second;
                m_valid <= 1'b1;
                now <= next;
            end
            SETTLE: begin
                wait_left <= wait_left - 4'd1;
                if (wait_left == 4'd0)
                    now <= closing ? CHECK : BODY;
            end
            CHECK: if (room) begin
                m_data <= special ? ESC : shown;
                m_valid <= 1'b1;
                second <= shown == END ? 8'hdc : 8'hdd;
                place <= place + 2'd1;
                next <= place == 2'd3 ? CLOSE : CHECK;
                now <= special ? REST : place == 2'd3 ? CLOSE : CHECK;
            end
            default: if (room) begin
                m_data <= END;
                m_valid <= 1'b1;
                now <= OPEN;
            end
        endcase
        if (rst) begin
            now <= OPEN;
            m_valid <= 1'b0;
        end
    end
endmodule
`default_nettype wire
