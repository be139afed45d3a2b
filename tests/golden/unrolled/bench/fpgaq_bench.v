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

    wire [47:0] s_axis_tdata;
    wire s_axis_tvalid;
    wire s_axis_tready;
    wire s_axis_tlast;

    wire [47:0] m_axis_tdata;
    wire m_axis_tvalid;
    wire m_axis_tready;
    wire m_axis_tlast;

    network_random_4 dut (
        .clk(clk),
        .rst(rst),
        .s_axis_tdata(s_axis_tdata),
        .s_axis_tvalid(s_axis_tvalid),
        .s_axis_tready(s_axis_tready),
        .s_axis_tlast(s_axis_tlast),
        .m_axis_tdata(m_axis_tdata),
        .m_axis_tvalid(m_axis_tvalid),
        .m_axis_tready(m_axis_tready),
        .m_axis_tlast(m_axis_tlast),
        .frame_error(frame_error)
    );

    fpgaq_bench_source #(
        .WIDTH(48),
        .BEATS(1),
        .FRAMES(9),
        .FILE("stimulus_s_axis.hex")
    ) source_s_axis (
        .clk(clk), .rst(rst), .frames(frames + surplus), .first_frame(first_frame), .gap(gap), .gap_hold(gap_hold),
        .seed(seed ^ 32'd2654435761), .flip_beat(flip_input == 32'd0 ? flip_beat : ~32'd0),
        .tdata(s_axis_tdata), .tvalid(s_axis_tvalid), .tlast(s_axis_tlast), .tready(s_axis_tready)
    );

    wire [4:0] fires;

    wire [31:0] beats_0;
    fpgaq_bench_monitor #(
        .INDEX(0),
        .WIDTH(49),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(1)
    ) monitor_0 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(s_axis_tvalid), .ready(s_axis_tready), .data({s_axis_tlast, s_axis_tdata}),
        .fire(fires[0]), .beats(beats_0)
    );

    wire [31:0] beats_1;
    fpgaq_bench_monitor #(
        .INDEX(1),
        .WIDTH(48),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_1 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s0_valid), .ready(dut.s0_ready), .data(dut.s0_data),
        .fire(fires[1]), .beats(beats_1)
    );

    wire [31:0] beats_2;
    fpgaq_bench_monitor #(
        .INDEX(2),
        .WIDTH(35),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_2 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s1_valid), .ready(dut.s1_ready), .data(dut.s1_data),
        .fire(fires[2]), .beats(beats_2)
    );

    wire [31:0] beats_3;
    fpgaq_bench_monitor #(
        .INDEX(3),
        .WIDTH(39),
        .VALID_LOW_IN_RESET(0),
        .READY_LOW_IN_RESET(0)
    ) monitor_3 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(dut.s2_valid), .ready(dut.s2_ready), .data(dut.s2_data),
        .fire(fires[3]), .beats(beats_3)
    );

    wire [31:0] beats_4;
    fpgaq_bench_monitor #(
        .INDEX(4),
        .WIDTH(49),
        .VALID_LOW_IN_RESET(1),
        .READY_LOW_IN_RESET(0)
    ) monitor_4 (
        .clk(clk), .rst(rst), .armed(armed), .log_file(log_file), .cycle(cycle),
        .valid(m_axis_tvalid), .ready(m_axis_tready), .data({m_axis_tlast, m_axis_tdata}),
        .fire(fires[4]), .beats(beats_4)
    );

    fpgaq_bench_sink sink_m_axis (
        .clk(clk), .rst(rst), .stall(stall), .stall_hold(stall_hold), .seed(seed ^ 32'd1013904226),
        .block(surplus != 32'd0 && beats_4 >= frames * 32'd1),
        .tready(m_axis_tready)
    );

    wire complete = frames != 32'd0 && beats_4 >= frames * 32'd1;

    assign finished = armed && !rst && ((complete && idle >= drain_limit) || idle >= idle_limit || cycle >= cycle_limit);

    assign marked = armed && !rst && beats_4 >= mark_beats;

    always @(posedge clk) begin
        was_reset <= rst;
        cycle <= rst ? 32'd0 : cycle + 32'd1;
        idle <= (rst || fires != 5'd0) ? 32'd0 : idle + 32'd1;
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
