`default_nettype none
// One wrapper around a core that gives back what it gets: feeds the beats of INPUT_FILE, logs what leaves,
// and in which cycle after the first beat in each frame's last beat leaves. Plus-args:
// +gaps pauses the source and stalls the sink at random, +drop has damaged frames dropped.
module shell_lane #(
    parameter INDEX = 0,
    parameter WORDS = 1,           // in the input file
    parameter BUS_WIDTH = 32,
    parameter BEATS = 1,
    parameter LAST_BYTES = 1,
    parameter UNIT = 8,
    parameter SLOT = 8,
    parameter CORE_SLOT = 8,
    parameter LANES = 1,
    parameter REST = 1,
    parameter PERIOD = 1,
    parameter CORE_BEATS = 1,
    parameter OUTPUT_BEATS = 1,
    parameter OUTPUT_LAST_BYTES = 1,
    parameter OUTPUT_UNIT = 8,
    parameter OUTPUT_SLOT = 8,
    parameter BUFFER_BITS = 0
) (
    input wire clk,
    input wire rst,
    input wire gaps,
    input wire drop,
    output wire finished
);
    localparam BYTES = BUS_WIDTH / 8;
    localparam WIDTH = BUS_WIDTH + BYTES + 2;

    reg [WIDTH-1:0] words [0:WORDS-1];
    reg [8*32-1:0] name;
    integer place, log, idle, errors, seed, cycle, first, cycles;
    reg pause, ready;
    wire tready, tvalid, tlast, tuser, frame_in, frame_damaged, busy;
    wire [3:0] wrong;
    wire [BUS_WIDTH-1:0] tdata;
    wire [BYTES-1:0] tkeep;
    wire valid = place < WORDS && !pause && !rst;
    wire [WIDTH-1:0] word = valid ? words[place] : {WIDTH{1'bx}};
    wire core_rst, to_valid, to_ready, to_last, from_valid, from_ready;
    wire [LANES*CORE_SLOT-1:0] to_data, from_data;
    reg stalled;
    reg [WIDTH-1:0] held;
    integer core_beat;

    assign finished = idle > 64;

    fpgaq_shell #(
        .BUS_WIDTH(BUS_WIDTH), .INPUT_BEATS(BEATS), .INPUT_LAST_BYTES(LAST_BYTES), .INPUT_UNIT(UNIT),
        .INPUT_SLOT(SLOT), .CORE_INPUT_SLOT(CORE_SLOT), .CORE_INPUT_LANES(LANES), .CORE_INPUT_REST(REST),
        .CORE_INPUT_PERIOD(PERIOD), .CORE_INPUT_BEATS(CORE_BEATS), .OUTPUT_BEATS(OUTPUT_BEATS),
        .OUTPUT_LAST_BYTES(OUTPUT_LAST_BYTES), .OUTPUT_UNIT(OUTPUT_UNIT), .OUTPUT_SLOT(OUTPUT_SLOT),
        .OUTPUT_SIGNED(1), .CORE_OUTPUT_SLOT(CORE_SLOT), .CORE_OUTPUT_LANES(LANES), .CORE_OUTPUT_REST(REST),
        .CORE_OUTPUT_PERIOD(PERIOD), .MARK_BITS(3), .BUFFER_BITS(BUFFER_BITS)
    ) shell (
        .clk(clk), .rst(rst), .abandon(1'b0), .drop(drop),
        .s_axis_tdata(word[BUS_WIDTH-1:0]), .s_axis_tkeep(word[BUS_WIDTH +: BYTES]), .s_axis_tvalid(valid),
        .s_axis_tready(tready), .s_axis_tlast(word[WIDTH-2]), .s_axis_tuser(word[WIDTH-1]),
        .m_axis_tdata(tdata), .m_axis_tkeep(tkeep), .m_axis_tvalid(tvalid), .m_axis_tready(ready),
        .m_axis_tlast(tlast), .m_axis_tuser(tuser),
        .core_rst(core_rst), .core_s_tdata(to_data), .core_s_tvalid(to_valid), .core_s_tready(to_ready),
        .core_s_tlast(to_last), .core_m_tdata(from_data), .core_m_tvalid(from_valid), .core_m_tready(from_ready),
        .frame_in(frame_in), .frame_damaged(frame_damaged), .busy(busy), .errors(wrong)
    );

    fpgaq_queue #(.WIDTH(LANES*CORE_SLOT), .ADDRESS_WIDTH(2)) core (
        .clk(clk), .rst(core_rst), .s_data(to_data), .s_valid(to_valid), .s_ready(to_ready),
        .m_data(from_data), .m_valid(from_valid), .m_ready(from_ready)
    );

    initial begin
        $sformat(name, "input_%0d.hex", INDEX);
        $readmemh(name, words);
        $sformat(name, "output_%0d.txt", INDEX);
        log = $fopen(name, "w");
        $sformat(name, "cycles_%0d.txt", INDEX);
        cycles = $fopen(name, "w"); cycle = 0; first = -1;
        place = 0; idle = 0; errors = 0; pause = 0; ready = 1; stalled = 0; core_beat = 0; seed = INDEX + 1;
    end

    always @(posedge clk) begin
        #1;
        pause <= gaps && $random(seed) % 3 == 0;
        ready <= !gaps || $random(seed) % 3 != 0;
    end

    always @(posedge clk) if (!rst) begin
        if (valid && tready)
            place <= place + 1;
        idle <= valid || tvalid || busy ? 0 : idle + 1;
        cycle <= cycle + 1;
        if (first < 0 && valid && tready)
            first <= cycle;
        if (tvalid && ready && tlast)
            $fdisplay(cycles, "%0d", cycle - first);
        if (tvalid && ready)
            $fdisplay(log, "%b %b %b %h", tuser, tlast, tkeep, tdata);
        // Held while stalled, never unknown; the core's frames are always whole.
        if (stalled && (!tvalid || held !== {tuser, tlast, tkeep, tdata}))
            $fdisplay(log, "a beat changed while it was stalled");
        if ((^{tvalid, tready} === 1'bx) || (tvalid && ^{tuser, tlast, tkeep, tdata} === 1'bx))
            $fdisplay(log, "an unknown value");
        if (to_valid && to_ready) begin
            core_beat <= to_last ? 0 : core_beat + 1;
            if (to_last !== (core_beat == CORE_BEATS - 1) || ^to_data === 1'bx)
                $fdisplay(log, "a wrong beat at the core");
        end
        stalled <= tvalid && !ready;
        held <= {tuser, tlast, tkeep, tdata};
    end
endmodule
