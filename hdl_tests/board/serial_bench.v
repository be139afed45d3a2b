`default_nettype none
// A board's serial line: sends the bytes of input.hex, and logs the bytes that come back. A word of 100 and more (in
// hexadecimal) waits until that many packets less 100 have come back; END, which ends a packet, is c0.
module serial_bench;
    localparam DIVIDER = `DIVIDER;

    reg [15:0] words [0:`WORDS-1];
    reg clk = 0;
    reg rx = 1;
    wire tx;
    integer place = 0;
    integer answers = 0;
    integer ends = 0;
    integer bits = 0;
    integer index, log;
    reg [7:0] data;

    `BOARD dut (.clk(clk), .rx(rx), .tx(tx));

    always #5 clk = ~clk;

    initial begin
        $readmemh("input.hex", words);
        log = $fopen("output.txt", "w");
        repeat (80) @(posedge clk);
        for (place = 0; place < `WORDS; place = place + 1)
            if (words[place] >= 16'h100) begin
                while (answers < words[place] - 16'h100) @(posedge clk);
            end else begin
                rx = 0;
                repeat (DIVIDER) @(posedge clk);
                for (index = 0; index < 8; index = index + 1) begin
                    rx = words[place][index];
                    repeat (DIVIDER) @(posedge clk);
                end
                rx = 1;
                repeat (DIVIDER) @(posedge clk);
            end
        $fclose(log);
        $finish;
    end

    initial forever begin
        while (tx !== 1'b0) @(posedge clk);
        repeat (DIVIDER / 2) @(posedge clk);
        for (bits = 0; bits < 8; bits = bits + 1) begin
            repeat (DIVIDER) @(posedge clk);
            data[bits] = tx;
        end
        repeat (DIVIDER) @(posedge clk);
        if (tx !== 1'b1)
            $fdisplay(log, "no stop bit");
        $fdisplay(log, "%h", data);
        if (data == 8'hc0) begin
            ends = ends + 1;
            answers = ends / 2;
        end
    end

    initial begin
        repeat (400000) @(posedge clk);
        $fdisplay(log, "not finished");
        $finish;
    end
endmodule
