// SPDX-License-Identifier: 0BSD
`default_nettype none
// Between a serial line and a core behind a bus of 32 bits. The host sends one packet and waits for the answer:
//   01 seq data...         an input frame    ->  81 seq data... status   the output frame; status 1: damaged
//   02 seq offset          read a register   ->  82 seq four bytes, low byte first
//   03 seq offset 4 bytes  write a register  ->  83 seq
//   anything else                            ->  ff seq why; 1: wrong CRC, 2: unknown or too short, 3: frame too long
// A frame whose packet is damaged never reaches the core.
module fpgaq_serial #(
    parameter DIVIDER = 12,      // cycles of a bit on the line, at least 4
    parameter COUNT_WIDTH = 4,   // bits that hold DIVIDER
    parameter INPUT_BEATS = 1,   // beats of an input frame, at least 1
    parameter BEAT_WIDTH = 1,    // bits that count them
    parameter BUFFER_BITS = 4    // 2**BUFFER_BITS beats are buffered, at least those of a frame
) (
    input  wire        clk,
    input  wire        rst,
    input  wire        rx,
    output wire        tx,
    output wire [31:0] m_axis_tdata,
    output wire [3:0]  m_axis_tkeep,
    output wire        m_axis_tvalid,
    input  wire        m_axis_tready,
    output wire        m_axis_tlast,
    input  wire [31:0] s_axis_tdata,
    input  wire [3:0]  s_axis_tkeep,
    input  wire        s_axis_tvalid,
    output wire        s_axis_tready,
    input  wire        s_axis_tlast,
    input  wire        s_axis_tuser,
    output wire [6:0]  axi_awaddr,
    output reg         axi_awvalid,
    input  wire        axi_awready,
    output wire [31:0] axi_wdata,
    output reg         axi_wvalid,
    input  wire        axi_wready,
    input  wire        axi_bvalid,
    output wire        axi_bready,
    output wire [6:0]  axi_araddr,
    output reg         axi_arvalid,
    input  wire        axi_arready,
    input  wire [31:0] axi_rdata,
    input  wire        axi_rvalid,
    output wire        axi_rready
);
    localparam [7:0] FRAME = 8'h01;
    localparam [7:0] READ = 8'h02;
    localparam [7:0] WRITE = 8'h03;
    localparam [31:0] MOST = INPUT_BEATS - 1; // words of a frame before its last

    // From the line to packets.
    wire [7:0] line_data;
    wire line_valid;
    wire [7:0] byte_data;
    wire byte_valid;
    wire packet_end;
    wire packet_good;

    fpgaq_uart_rx #(
        .DIVIDER(DIVIDER),
        .COUNT_WIDTH(COUNT_WIDTH)
    ) receiver (
        .clk(clk),
        .rst(rst),
        .line(rx),
        .data(line_data),
        .valid(line_valid)
    );

    fpgaq_link_in link_in (
        .clk(clk),
        .rst(rst),
        .s_data(line_data),
        .s_valid(line_valid),
        .m_data(byte_data),
        .m_valid(byte_valid),
        .m_end(packet_end),
        .m_good(packet_good)
    );

    // A packet's bytes: kind, number, then data. A word waits until it is known whether it is the frame's last.
    reg [7:0] kind;
    reg [7:0] seq;
    reg [1:0] head;       // bytes of kind and number that came
    reg [2:0] count;      // data bytes in the word; 4: it is full
    reg enough;           // a whole word came
    reg [31:0] word;
    reg [BEAT_WIDTH-1:0] pushed;
    reg too_long;
    reg [35:0] push_data;
    reg push_valid;
    reg push_last;
    reg push_bad;
    wire push_ready;
    wire [3:0] keep = count == 3'd4 ? 4'hf : count == 3'd3 ? 4'h7 : count == 3'd2 ? 4'h3 : {3'b0, count == 3'd1};
    wire is_data = byte_valid & head[1];
    wire is_frame = head[1] & (kind == FRAME);
    wire stuck = push_valid & ~push_ready;

    // What is to be answered; the host waits for it.
    reg order_read;
    reg order_write;
    reg error_wanted;
    reg [7:0] error_code;
    reg error_taken;

    always @(posedge clk) begin
        order_read <= 1'b0;
        order_write <= 1'b0;
        if (push_ready)
            push_valid <= 1'b0;
        if (error_taken)
            error_wanted <= 1'b0;
        if (byte_valid & ~head[1]) begin
            head <= head + 2'd1;
            if (head == 2'd0)
                kind <= byte_data;
            else
                seq <= byte_data;
        end
        if (is_data) begin
            word <= {byte_data, word[31:8]};
            count <= count == 3'd4 ? 3'd1 : count + 3'd1;
            enough <= enough | (count == 3'd4);
            if (is_frame & (count == 3'd4)) begin
                if ((pushed == MOST[BEAT_WIDTH-1:0]) | stuck) begin
                    too_long <= 1'b1;
                end else begin
                    push_data <= {keep, word};
                    push_valid <= 1'b1;
                    push_last <= 1'b0;
                    push_bad <= 1'b0;
                    pushed <= pushed + 1'b1;
                end
            end
        end
        if (packet_end) begin
            if (is_frame) begin
                // It takes the place of a word that found no room; that frame is lost. The bytes of a last word that
                // is not full stand at its top.
                push_data <= {keep, count == 3'd1 ? {24'd0, word[31:24]} : count == 3'd2 ? {16'd0, word[31:16]}
                    : count == 3'd3 ? {8'd0, word[31:8]} : word};
                push_valid <= 1'b1;
                push_last <= 1'b1;
                push_bad <= ~packet_good | too_long | stuck | (count == 3'd0);
            end
            order_read <= packet_good & head[1] & (kind == READ) & (count == 3'd1) & ~enough;
            order_write <= packet_good & head[1] & (kind == WRITE) & (count == 3'd1) & enough;
            if (~packet_good) begin
                error_wanted <= 1'b1;
                error_code <= 8'd1;
            end else if (is_frame & (too_long | stuck)) begin
                error_wanted <= 1'b1;
                error_code <= 8'd3;
            end else if (~((is_frame & (count != 3'd0)) | (head[1] & (kind == READ) & (count == 3'd1) & ~enough)
                | (head[1] & (kind == WRITE) & (count == 3'd1) & enough))) begin
                error_wanted <= 1'b1;
                error_code <= 8'd2;
            end
            head <= 2'd0;
            count <= 3'd0;
            enough <= 1'b0;
            pushed <= {BEAT_WIDTH{1'b0}};
            too_long <= 1'b0;
        end
        if (rst) begin
            order_read <= 1'b0;
            order_write <= 1'b0;
            push_valid <= 1'b0;
            error_wanted <= 1'b0;
            head <= 2'd0;
            seq <= 8'd0; // an error before the first packet names it
            count <= 3'd0;
            enough <= 1'b0;
            pushed <= {BEAT_WIDTH{1'b0}};
            too_long <= 1'b0;
        end
    end

    // Whole frames whose packets were right.
    wire [35:0] kept_data;
    wire unused_user;
    wire unused_filled;
    wire unused = unused_user | unused_filled;

    fpgaq_frame_buffer #(
        .WIDTH(36),
        .ADDRESS_WIDTH(BUFFER_BITS)
    ) buffer (
        .clk(clk),
        .rst(rst),
        .drop(1'b1),
        .s_data(push_data),
        .s_last(push_last),
        .s_user(push_bad),
        .s_valid(push_valid),
        .s_ready(push_ready),
        .m_data(kept_data),
        .m_last(m_axis_tlast),
        .m_user(unused_user),
        .m_valid(m_axis_tvalid),
        .m_ready(m_axis_tready),
        .filled(unused_filled)
    );

    assign {m_axis_tkeep, m_axis_tdata} = kept_data;

    // Registers: one order at a time. For a write, the offset came first and left the word by its value's four bytes.
    reg [6:0] offset;
    reg [31:0] value;
    reg answer_read;
    reg answer_write;
    reg answer_taken;

    assign axi_awaddr = offset;
    assign axi_araddr = offset;
    assign axi_wdata = value;
    assign axi_bready = 1'b1;
    assign axi_rready = 1'b1;

    always @(posedge clk) begin
        if (is_data & ~enough & (count == 3'd0))
            offset <= byte_data[6:0];
        if (order_write)
            value <= word;
        else if (axi_rvalid)
            value <= axi_rdata;
        if (order_read)
            axi_arvalid <= 1'b1;
        else if (axi_arready)
            axi_arvalid <= 1'b0;
        if (order_write)
            axi_awvalid <= 1'b1;
        else if (axi_awready)
            axi_awvalid <= 1'b0;
        if (order_write)
            axi_wvalid <= 1'b1;
        else if (axi_wready)
            axi_wvalid <= 1'b0;
        if (answer_taken) begin
            answer_read <= 1'b0;
            answer_write <= 1'b0;
        end
        if (axi_rvalid)
            answer_read <= 1'b1;
        if (axi_bvalid)
            answer_write <= 1'b1;
        if (rst) begin
            axi_arvalid <= 1'b0;
            axi_awvalid <= 1'b0;
            axi_wvalid <= 1'b0;
            answer_read <= 1'b0;
            answer_write <= 1'b0;
        end
    end

    // Answers, a byte at a time.
    localparam [2:0] IDLE = 3'd0;
    localparam [2:0] NUMBER = 3'd1;
    localparam [2:0] DATA = 3'd2;
    localparam [2:0] STATUS = 3'd3;
    localparam [2:0] VALUE = 3'd4;
    localparam [2:0] CODE = 3'd5;

    reg [2:0] now;
    reg [7:0] answer;     // its kind
    reg [1:0] place;
    reg damaged;
    reg [7:0] out_data;
    wire out_ready;
    wire starts = (now == IDLE) & (error_wanted | answer_read | answer_write | s_axis_tvalid);
    wire out_valid = (now == DATA) ? s_axis_tvalid & s_axis_tkeep[place] : (now != IDLE) | starts;
    wire out_last = (now == STATUS) | (now == CODE) | ((now == VALUE) & (place == 2'd3))
        | ((now == NUMBER) & (answer == 8'h83));
    // A beat is over with its last byte, or with the first byte that does not count.
    wire step = (now == DATA) & s_axis_tvalid & (~s_axis_tkeep[place] | out_ready);
    wire beat_over = step & (place == 2'd3);
    wire [7:0] kind_now = error_wanted ? 8'hff : answer_read ? 8'h82 : answer_write ? 8'h83 : 8'h81;

    assign s_axis_tready = beat_over;

    always @*
        case (now)
            IDLE: out_data = kind_now;
            NUMBER: out_data = seq;
            DATA: out_data = s_axis_tdata[8*place +: 8];
            STATUS: out_data = {7'd0, damaged};
            VALUE: out_data = value[8*place +: 8];
            default: out_data = error_code;
        endcase

    always @(posedge clk) begin
        error_taken <= 1'b0;
        answer_taken <= 1'b0;
        if (starts & out_ready) begin
            answer <= kind_now;
            place <= 2'd0;
            now <= NUMBER;
        end
        if ((now == NUMBER) & out_ready) begin
            now <= answer == 8'hff ? CODE : answer == 8'h82 ? VALUE : answer == 8'h83 ? IDLE : DATA;
            answer_taken <= answer == 8'h83;
        end
        if (step) begin
            place <= place + 2'd1;
            if (beat_over & s_axis_tlast) begin
                damaged <= s_axis_tuser;
                now <= STATUS;
            end
        end
        if ((now == VALUE) & out_ready) begin
            place <= place + 2'd1;
            if (place == 2'd3) begin
                now <= IDLE;
                answer_taken <= 1'b1;
            end
        end
        if (((now == STATUS) | (now == CODE)) & out_ready) begin
            now <= IDLE;
            error_taken <= now == CODE;
        end
        if (rst) begin
            now <= IDLE;
            error_taken <= 1'b0;
            answer_taken <= 1'b0;
        end
    end

    wire [7:0] sent_data;
    wire sent_valid;
    wire sent_ready;

    fpgaq_link_out link_out (
        .clk(clk),
        .rst(rst),
        .s_data(out_data),
        .s_last(out_last),
        .s_valid(out_valid),
        .s_ready(out_ready),
        .m_data(sent_data),
        .m_valid(sent_valid),
        .m_ready(sent_ready)
    );

    fpgaq_uart_tx #(
        .DIVIDER(DIVIDER),
        .COUNT_WIDTH(COUNT_WIDTH)
    ) sender (
        .clk(clk),
        .rst(rst),
        .data(sent_data),
        .valid(sent_valid),
        .ready(sent_ready),
        .line(tx)
    );
endmodule
`default_nettype wire
