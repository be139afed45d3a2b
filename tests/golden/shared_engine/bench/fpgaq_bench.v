// The test bench's top: sources, sinks, one monitor for each stream, and the counters that end a run.
// The Python side sets the inputs, applies the reset, waits for `finished` and reads the log.
`default_nettype none

module fpgaq_bench (
    input  wire        clk,
    input  wire        rst,
    input  wire [31:0] frames,
    input  wire [31:0] first_frame,
    input  wire [31:0] surplus,      // frames that the sources send on top, of which the sinks take nothing
    input  wire [31:0] flip_input,   // the input whose tlast is inverted on a beat
    input  wire [31:0] flip_beat,    // that beat; all ones: none
    input  wire [7:0]  gap,
    input  wire [15:0] gap_hold,
    input  wire [7:0]  stall,
    input  wire [15:0] stall_hold,
    input  wire [31:0] seed,
    input  wire [31:0] drain_limit,  // idle cycles to wait for surplus beats once all have arrived
    input  wire [31:0] idle_limit,   // cycles without a beat on any stream after which the network is stuck
    input  wire [31:0] cycle_limit,
    input  wire [31:0] mark_beats,   // `marked` rises once the first output has delivered so many beats
    input  wire        flush,        // a rising edge writes the log out
    output reg  [31:0] cycle,        // cycles since the reset
    output wire        finished,
    output wire        marked,
    output wire        frame_error
);
    reg [31:0] log_file;
    reg        armed;
    reg        was_reset;
    reg        last_error;
    reg [31:0] idle;

    initial begin
        log_file = $fopen("beats.log", "w");
        armed = 1'b0;
    end

    wire [7:0] s_axis_0_tdata;
    wire s_axis_0_tvalid;
    wire s_axis_0_tready;
    wire s_axis_0_tlast;

    wire [7:0] s_axis_1_tdata;
    wire s_axis_1_tvalid;
    wire s_axis_1_tready;
    wire s_axis_1_tlast;

    wire [7:0] m_axis_0_tdata;
    wire m_axis_0_tvalid;
    wire m_axis_0_tready;
    wire m_axis_0_tlast;

    wire [23:0] m_axis_1_tdata;
    wire m_axis_1_tvalid;
    wire m_axis_1_tready;
    wire m_axis_1_tlast;

    wire [7:0] m_axis_2_tdata;
    wire m_axis_2_tvalid;
    wire m_axis_2_tready;
    wire m_axis_2_tlast;

    network_test dut (
        .clk(clk),
        .rst(rst),
        .s_axis_0_tdata(s_axis_0_tdata),
        .s_axis_0_tvalid(s_axis_0_tvalid),
        .s_axis_0_tready(s_axis_0_tready),
        .s_axis_0_tlast(s_axis_0_tlast),
        .s_axis_1_tdata(s_axis_1_tdata),
        .s_axis_1_tvalid(s_axis_1_tvalid),
        .s_axis_1_tready(s_axis_1_tready),
        .s_axis_1_tlast(s_axis_1_tlast),
        .m_axis_0_tdata(m_axis_0_tdata),
        .m_axis_0_tvalid(m_axis_0_tvalid),
        .m_axis_0_tready(m_axis_0_tready),
        .m_axis_0_tlast(m_axis_0_tlast),
        .m_axis_1_tdata(m_axis_1_tdata),
        .m_axis_1_tvalid(m_axis_1_tvalid),
        .m_axis_1_tready(m_axis_1_tready),
        .m_axis_1_tlast(m_axis_1_tlast),
        .m_axis_2_tdata(m_axis_2_tdata),
        .m_axis_2_tvalid(m_axis_2_tvalid),
        .m_axis_2_tready(m_axis_2_tready),
        .m_axis_2_tlast(m_axis_2_tlast),
        .frame_error(frame_error)
    );

    fpgaq_bench_source #(
        .WIDTH(8),
        .BEATS(32),
        .FRAMES(10),
        .FILE("stimulus_s_axis_0.hex")
    ) source_s_axis_0 (
        .clk(clk), .rst(rst), .frames(frames + surplus), .first_frame(first_frame), .gap(gap), .gap_hold(gap_hold),
        .seed(seed ^ 32'd2654435761), .flip_beat(flip_input == 32'd0 ? flip_beat : ~32'd0),
        .tdata(s_axis_0_tdata), .tvalid(s_axis_0_tvalid), .tlast(s_axis_0_tlast), .tready(s_axis_0_tready)
    );

    fpgaq_bench_source #(
        .WIDTH(8),
        .BEATS(16),
        .FRAMES(10),
        .FILE("stimulus_s_axis_1.hex")
    ) source_s_axis_1 (
        .clk(clk), .rst(rst), .frames(frames + surplus), .first_frame(first_frame), .gap(gap), .gap_hold(gap_hold),
        .seed(seed ^ 32'd1013904226), .flip_beat(flip_input == 32'd1 ? flip_beat : ~32'd0),
        .tdata(s_axis_1_tdata), .tvalid(s_axis_1_tvalid), .tlast(s_axis_1_tlast), .tready(s_axis_1_tready)
    );

    wire [22:0] fires;

    wire [31:0] beats_0;
    fpgaq_bench_monitor #(
        .INDEX(0),
        .WIDTH(9),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(1)
    ) monitor_0 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(s_axis_0_tvalid), .ready(s_axis_0_tready), .data({s_axis_0_tlast, s_axis_0_tdata}),
        .fire(fires[0]), .beats(beats_0)
    );

    wire [31:0] beats_1;
    fpgaq_bench_monitor #(
        .INDEX(1),
        .WIDTH(9),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(1)
    ) monitor_1 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(s_axis_1_tvalid), .ready(s_axis_1_tready), .data({s_axis_1_tlast, s_axis_1_tdata}),
        .fire(fires[1]), .beats(beats_1)
    );

    wire [31:0] beats_2;
    fpgaq_bench_monitor #(
        .INDEX(2),
        .WIDTH(8),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_2 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s0_valid), .ready(dut.s0_ready), .data(dut.s0_data),
        .fire(fires[2]), .beats(beats_2)
    );

    wire [31:0] beats_3;
    fpgaq_bench_monitor #(
        .INDEX(3),
        .WIDTH(8),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_3 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s1_valid), .ready(dut.s1_ready), .data(dut.s1_data),
        .fire(fires[3]), .beats(beats_3)
    );

    wire [31:0] beats_4;
    fpgaq_bench_monitor #(
        .INDEX(4),
        .WIDTH(8),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_4 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s2_valid), .ready(dut.s2_ready), .data(dut.s2_data),
        .fire(fires[4]), .beats(beats_4)
    );

    wire [31:0] beats_5;
    fpgaq_bench_monitor #(
        .INDEX(5),
        .WIDTH(8),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_5 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s3_valid), .ready(dut.s3_ready), .data(dut.s3_data),
        .fire(fires[5]), .beats(beats_5)
    );

    wire [31:0] beats_6;
    fpgaq_bench_monitor #(
        .INDEX(6),
        .WIDTH(8),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_6 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s4_valid), .ready(dut.s4_ready), .data(dut.s4_data),
        .fire(fires[6]), .beats(beats_6)
    );

    wire [31:0] beats_7;
    fpgaq_bench_monitor #(
        .INDEX(7),
        .WIDTH(8),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_7 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s5_valid), .ready(dut.s5_ready), .data(dut.s5_data),
        .fire(fires[7]), .beats(beats_7)
    );

    wire [31:0] beats_8;
    fpgaq_bench_monitor #(
        .INDEX(8),
        .WIDTH(8),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_8 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s6_valid), .ready(dut.s6_ready), .data(dut.s6_data),
        .fire(fires[8]), .beats(beats_8)
    );

    wire [31:0] beats_9;
    fpgaq_bench_monitor #(
        .INDEX(9),
        .WIDTH(8),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_9 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s7_valid), .ready(dut.s7_ready), .data(dut.s7_data),
        .fire(fires[9]), .beats(beats_9)
    );

    wire [31:0] beats_10;
    fpgaq_bench_monitor #(
        .INDEX(10),
        .WIDTH(32),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_10 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s8_valid), .ready(dut.s8_ready), .data(dut.s8_data),
        .fire(fires[10]), .beats(beats_10)
    );

    wire [31:0] beats_11;
    fpgaq_bench_monitor #(
        .INDEX(11),
        .WIDTH(32),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_11 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s9_valid), .ready(dut.s9_ready), .data(dut.s9_data),
        .fire(fires[11]), .beats(beats_11)
    );

    wire [31:0] beats_12;
    fpgaq_bench_monitor #(
        .INDEX(12),
        .WIDTH(8),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_12 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s10_valid), .ready(dut.s10_ready), .data(dut.s10_data),
        .fire(fires[12]), .beats(beats_12)
    );

    wire [31:0] beats_13;
    fpgaq_bench_monitor #(
        .INDEX(13),
        .WIDTH(8),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_13 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s11_valid), .ready(dut.s11_ready), .data(dut.s11_data),
        .fire(fires[13]), .beats(beats_13)
    );

    wire [31:0] beats_14;
    fpgaq_bench_monitor #(
        .INDEX(14),
        .WIDTH(8),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_14 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s12_valid), .ready(dut.s12_ready), .data(dut.s12_data),
        .fire(fires[14]), .beats(beats_14)
    );

    wire [31:0] beats_15;
    fpgaq_bench_monitor #(
        .INDEX(15),
        .WIDTH(8),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_15 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s13_valid), .ready(dut.s13_ready), .data(dut.s13_data),
        .fire(fires[15]), .beats(beats_15)
    );

    wire [31:0] beats_16;
    fpgaq_bench_monitor #(
        .INDEX(16),
        .WIDTH(8),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_16 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s14_valid), .ready(dut.s14_ready), .data(dut.s14_data),
        .fire(fires[16]), .beats(beats_16)
    );

    wire [31:0] beats_17;
    fpgaq_bench_monitor #(
        .INDEX(17),
        .WIDTH(8),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_17 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s15_valid), .ready(dut.s15_ready), .data(dut.s15_data),
        .fire(fires[17]), .beats(beats_17)
    );

    wire [31:0] beats_18;
    fpgaq_bench_monitor #(
        .INDEX(18),
        .WIDTH(17),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_18 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s16_valid), .ready(dut.s16_ready), .data(dut.s16_data),
        .fire(fires[18]), .beats(beats_18)
    );

    wire [31:0] beats_19;
    fpgaq_bench_monitor #(
        .INDEX(19),
        .WIDTH(3),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_19 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s17_valid), .ready(dut.s17_ready), .data(dut.s17_data),
        .fire(fires[19]), .beats(beats_19)
    );

    wire [31:0] beats_20;
    fpgaq_bench_monitor #(
        .INDEX(20),
        .WIDTH(9),
        .VALID_LOW_IN_RESET(1),
        .READY_LOW_IN_RESET(0)
    ) monitor_20 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(m_axis_0_tvalid), .ready(m_axis_0_tready), .data({m_axis_0_tlast, m_axis_0_tdata}),
        .fire(fires[20]), .beats(beats_20)
    );

    wire [31:0] beats_21;
    fpgaq_bench_monitor #(
        .INDEX(21),
        .WIDTH(25),
        .VALID_LOW_IN_RESET(1),
        .READY_LOW_IN_RESET(0)
    ) monitor_21 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(m_axis_1_tvalid), .ready(m_axis_1_tready), .data({m_axis_1_tlast, m_axis_1_tdata}),
        .fire(fires[21]), .beats(beats_21)
    );

    wire [31:0] beats_22;
    fpgaq_bench_monitor #(
        .INDEX(22),
        .WIDTH(9),
        .VALID_LOW_IN_RESET(1),
        .READY_LOW_IN_RESET(0)
    ) monitor_22 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(m_axis_2_tvalid), .ready(m_axis_2_tready), .data({m_axis_2_tlast, m_axis_2_tdata}),
        .fire(fires[22]), .beats(beats_22)
    );

    fpgaq_bench_sink sink_m_axis_0 (
        .clk(clk), .rst(rst), .stall(stall), .stall_hold(stall_hold), .seed(seed ^ 32'd3668339987),
        .block(surplus != 32'd0 && beats_20 >= frames * 32'd1),
        .tready(m_axis_0_tready)
    );

    fpgaq_bench_sink sink_m_axis_1 (
        .clk(clk), .rst(rst), .stall(stall), .stall_hold(stall_hold), .seed(seed ^ 32'd2027808452),
        .block(surplus != 32'd0 && beats_21 >= frames * 32'd5),
        .tready(m_axis_1_tready)
    );

    fpgaq_bench_sink sink_m_axis_2 (
        .clk(clk), .rst(rst), .stall(stall), .stall_hold(stall_hold), .seed(seed ^ 32'd387276917),
        .block(surplus != 32'd0 && beats_22 >= frames * 32'd64),
        .tready(m_axis_2_tready)
    );

    wire complete = frames != 32'd0 && beats_20 >= frames * 32'd1 && beats_21 >= frames * 32'd5 && beats_22 >= frames * 32'd64;

    assign finished = armed && !rst && ((complete && idle >= drain_limit) || idle >= idle_limit || cycle >= cycle_limit);

    assign marked = armed && !rst && beats_20 >= mark_beats;

    always @(posedge clk) begin
        was_reset <= rst;
        cycle <= rst ? 32'd0 : cycle + 32'd1;
        idle <= (rst || fires != 23'd0) ? 32'd0 : idle + 32'd1;
        last_error <= frame_error;
        if (rst) begin
            armed <= 1'b1;
            if (!(was_reset === 1'b1))
                $fdisplay(log_file, "R");
        end
        if (armed && frame_error !== last_error)
            $fdisplay(log_file, "E %b %0d", frame_error, cycle);
    end

    always @(posedge flush) $fflush(log_file);
endmodule

`default_nettype wire
