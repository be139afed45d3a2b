`default_nettype none
// A whole wrapper, fed from a file of damaged beats; logs what leaves. +gaps pauses the source and stalls the sink.
module wrapped_bench;
    localparam BYTES = `BUS_BITS / 8;
    localparam WIDTH = `BUS_BITS + BYTES + 2;

    reg [WIDTH-1:0] words [0:`WORDS-1];
    reg clk, rst, gaps, pause, ready;
    integer place, log, idle, seed;
    wire tready, tvalid, tlast, tuser;
    wire [`BUS_BITS-1:0] tdata;
    wire [BYTES-1:0] tkeep;
    wire valid = place < `WORDS && !pause && !rst;
    wire [WIDTH-1:0] word = valid ? words[place] : {WIDTH{1'bx}};

    mine dut (
        .aclk(clk), .aresetn(~rst),
        .s_axis_tdata(word[`BUS_BITS-1:0]), .s_axis_tkeep(word[`BUS_BITS +: BYTES]), .s_axis_tvalid(valid),
        .s_axis_tready(tready), .s_axis_tlast(word[WIDTH-2]), .s_axis_tuser(word[WIDTH-1]),
        .m_axis_tdata(tdata), .m_axis_tkeep(tkeep), .m_axis_tvalid(tvalid), .m_axis_tready(ready),
        .m_axis_tlast(tlast), .m_axis_tuser(tuser),
        .s_axi_awaddr(7'd0), .s_axi_awprot(3'd0), .s_axi_awvalid(1'b0), .s_axi_awready(),
        .s_axi_wdata(32'd0), .s_axi_wstrb(4'd0), .s_axi_wvalid(1'b0), .s_axi_wready(),
        .s_axi_bresp(), .s_axi_bvalid(), .s_axi_bready(1'b1),
        .s_axi_araddr(7'd0), .s_axi_arprot(3'd0), .s_axi_arvalid(1'b0), .s_axi_arready(),
        .s_axi_rdata(), .s_axi_rresp(), .s_axi_rvalid(), .s_axi_rready(1'b1)
    );

    initial begin
        gaps = $test$plusargs("gaps");
        $readmemh("input.hex", words);
        log = $fopen("output.txt", "w");
        clk = 0; rst = 1; place = 0; idle = 0; pause = 0; ready = 1; seed = 1;
        #45 rst = 0;
    end

    always #10 clk = ~clk;

    always @(posedge clk) begin
        #1;
        pause <= gaps && $random(seed) % 3 == 0;
        ready <= !gaps || $random(seed) % 3 != 0;
    end

    always @(posedge clk) if (!rst) begin
        if (valid && tready)
            place <= place + 1;
        if (tvalid && ready)
            $fdisplay(log, "%b %b %b %h", tuser, tlast, tkeep, tdata);
        if (dut.core_error !== 1'b0)
            $fdisplay(log, "the core saw a misplaced tlast");
        idle <= (valid && tready) || tvalid ? 0 : idle + 1;
        if (idle > `IDLE)
            $finish;
    end
endmodule
