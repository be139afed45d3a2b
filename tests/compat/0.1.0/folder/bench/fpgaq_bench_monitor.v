// Logs every beat of one stream and reports breaches of the handshake's rules, each kind once after a reset.
`default_nettype none

module fpgaq_bench_monitor #(
    parameter INDEX = 0,              // the stream's number in the log
    parameter WIDTH = 8,              // bits of data
    parameter VALID_LOW_IN_RESET = 0, // 1: valid must be low from the second cycle of a reset on
    parameter READY_LOW_IN_RESET = 0  // 1: the same of ready
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             armed,  // a reset has been applied: nothing may be unknown any more
    input  wire [31:0]      log_file,    // file handle
    input  wire [31:0]      cycle,
    input  wire             valid,
    input  wire             ready,
    input  wire [WIDTH-1:0] data,
    output wire             fire,
    output reg  [31:0]      beats
);
    reg             in_reset;
    reg             held;
    reg [WIDTH-1:0] held_data;
    reg             said_valid, said_ready, said_data, said_stable, said_reset;

    assign fire = armed && !rst && (valid === 1'b1) && (ready === 1'b1);

    always @(posedge clk) begin
        in_reset <= rst;
        held <= armed && !rst && (valid === 1'b1) && (ready !== 1'b1);
        if (armed) begin
            if (fire) begin
                $fdisplay(log_file, "B %0d %0d %h", INDEX, cycle, data);
                beats <= beats + 32'd1;
            end
            if (valid === 1'b1) begin
                held_data <= data;
                if ((^data) === 1'bx && !said_data) begin
                    $fdisplay(log_file, "V data_unknown %0d %0d", INDEX, cycle);
                    said_data <= 1'b1;
                end
            end
            if (valid !== 1'b0 && valid !== 1'b1 && !said_valid) begin
                $fdisplay(log_file, "V valid_unknown %0d %0d", INDEX, cycle);
                said_valid <= 1'b1;
            end
            if (ready !== 1'b0 && ready !== 1'b1 && !said_ready) begin
                $fdisplay(log_file, "V ready_unknown %0d %0d", INDEX, cycle);
                said_ready <= 1'b1;
            end
            if (held && !rst && !said_stable && (valid !== 1'b1 || data !== held_data)) begin
                $fdisplay(log_file, "V %0s %0d %0d", (valid !== 1'b1) ? "valid_dropped" : "data_changed", INDEX, cycle);
                said_stable <= 1'b1;
            end
            if (rst && in_reset && !said_reset) begin
                if (VALID_LOW_IN_RESET != 0 && valid === 1'b1) begin
                    $fdisplay(log_file, "V valid_in_reset %0d %0d", INDEX, cycle);
                    said_reset <= 1'b1;
                end
                if (READY_LOW_IN_RESET != 0 && ready === 1'b1) begin
                    $fdisplay(log_file, "V ready_in_reset %0d %0d", INDEX, cycle);
                    said_reset <= 1'b1;
                end
            end
        end
        if (rst && !(in_reset === 1'b1)) begin
            beats <= 32'd0;
            said_valid <= 1'b0;
            said_ready <= 1'b0;
            said_data <= 1'b0;
            said_stable <= 1'b0;
            said_reset <= 1'b0;
        end
    end
endmodule

`default_nettype wire
