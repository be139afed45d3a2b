// Engine: 2 products for each of 1 accumulators a step, 1 results a cycle.
// Layer layer0: output 1 x 1 x 7 of s5.2, 1 a beat; 21 cycles a frame.
`default_nettype none
module engine_00_array (
    input  wire clk,
    input  wire rst,
    input  wire [7:0] s0_data,
    input  wire s0_valid,
    output wire s0_ready,
    output wire [4:0] m0_data,
    output wire m0_valid,
    input  wire m0_ready
);
    // ---- Layers: what comes before the products ----
    wire grant_0;
    wire popped_0;
    wire step_0;
    wire first_0;
    wire last_0;
    wire pixel_0;
    wire final_0;
    wire row_done_0;
    wire [15:0] elements_0;
    layer_00_layer0 layer_00 (
        .clk(clk),
        .rst(rst),
        .s_data(s0_data),
        .s_valid(s0_valid),
        .s_ready(s0_ready),
        .grant(grant_0),
        .popped(popped_0),
        .step(step_0),
        .step_first(first_0),
        .step_last(last_0),
        .pixel_first(pixel_0),
        .group_final(final_0),
        .row_done(row_done_0),
        .elements(elements_0)
    );

    assign grant_0 = ~step_0 | last_0;
    wire step = step_0;
    wire step_first = first_0;
    wire step_last = step_0 & last_0;
    wire pixel_first = pixel_0;
    wire [15:0] elements = elements_0;
    wire done_owner = 1'b0;
    wire unused_row_done = &{1'b0, row_done_0};

    wire first;
    wire valid;
    fpgaq_delay #(.WIDTH(2), .STAGES(5)) delay_first (
        .clk(clk), .rst(rst), .in({step, step_first}), .out({valid, first})
    );
    wire done_next;
    fpgaq_delay #(.WIDTH(1), .STAGES(5)) delay_done (
        .clk(clk), .rst(rst), .in(step_last), .out(done_next)
    );

    // ---- Products and sums ----
    wire [16:0] sums;
    reg [4:0] weight_address;
    wire [13:0] weight_word;
    reg [13:0] step_weights;
    wire unused_final = &{1'b0, final_0};
    wire [4:0] weights_start = 5'd0;
always @(posedge clk) begin
        if (step)
            weight_address <= pixel_first ? weights_start : weight_address + 1'b1;
        step_weights <= weight_word;
    end

    rom_00_layer0_weights weight_rom (
        .clk(clk), .address(weight_address), .data(weight_word)
    );

    fpgaq_mac #(
        .PRODUCTS(2),
        .OUTPUTS(1),
        .SHARED(1),
        .ELEMENT_WIDTH(8),
        .ELEMENT_SIGNED(0),
        .WEIGHT_WIDTH(7),
        .SUM_WIDTH(17),
        .PACKED(1),
        .LEVELS(1)
    ) mac (
        .clk(clk),
        .first(first),
        .valid(valid),
        .elements(elements),
        .weights(step_weights),
        .sums(sums)
    );

    // ---- Results: one beat at a time through bias and requantizer ----
    wire [2:0] beat_index;
    wire [16:0] beat;
    wire [0:0] serving;
    wire [0:0] beat_owner;
    wire beat_valid;
    wire [2:0] last_index = 3'd6;
    wire [0:0] last_place = 1'd0;

    fpgaq_collect #(
        .OUTPUTS(1),
        .LANES(1),
        .SUM_WIDTH(17),
        .INDEX_WIDTH(3),
        .PLACE_WIDTH(1),
        .OWNER_WIDTH(1)
    ) collect (
        .clk(clk),
        .rst(rst),
        .done_next(done_next),
        .owner(done_owner),
        .sums(sums),
        .serving(serving),
        .last_index(last_index),
        .last_place(last_place),
        .beat_index(beat_index),
        .beat(beat),
        .beat_owner(beat_owner),
        .beat_valid(beat_valid)
    );
    wire unused_owner = &{1'b0, serving, beat_owner};

    wire [10:0] bias_data;
    reg [10:0] bias_word;
    rom_00_layer0_biases bias_rom (
        .clk(clk), .address(beat_index), .data(bias_data)
    );
    always @(posedge clk)
        bias_word <= bias_data;
    wire [16:0] bias_values;

    wire [16:0] totals;

    fpgaq_bias #(
        .LANES(1),
        .SUM_WIDTH(17)
    ) bias (
        .clk(clk),
        .valid(beat_valid),
        .sums(beat),
        .biases(bias_values),
        .totals(totals)
    );

    reg [0:0] raises;
    always @(posedge clk)
        raises <= bias_word[10 +: 1];

    genvar lane;
    generate
        for (lane = 0; lane < 1; lane = lane + 1) begin : lanes_of_biases
            assign bias_values[lane*17 +: 17] =
                {{8{bias_word[lane*10+9]}}, bias_word[lane*10 +: 9]};
        end
        wire [4:0] requantized_0;
        for (lane = 0; lane < 1; lane = lane + 1) begin : lanes_of_requantized_0
            fpgaq_requantize #(
                .TOTAL_WIDTH(17),
                .RAISE_MAX(1),
                .RAISE_WIDTH(1),
                .SHIFT(10),
                .ROUNDING(0), // half_up
                .RESULT_WIDTH(5),
                .RESULT_SIGNED(1),
                .NARROW(0),
                .RELU(1)
            ) requantize (
                .clk(clk),
                .total(totals[lane*17 +: 17]),
                .raise(raises[lane*1 +: 1]),
                .result(requantized_0[lane*5 +: 5])
            );
        end
    endgenerate
    wire unused_totals = &{1'b0, totals};

    wire result_valid_0;
    fpgaq_delay #(.WIDTH(1), .STAGES(2)) delay_valid_0 (
        .clk(clk), .rst(rst), .in(beat_valid), .out(result_valid_0)
    );
    fpgaq_fifo #(
        .WIDTH(5),
        .ADDRESS_WIDTH(3)
    ) fifo_0 (
        .clk(clk),
        .rst(rst),
        .write_enable(result_valid_0),
        .write_data(requantized_0[4:0]),
        .m_data(m0_data),
        .m_valid(m0_valid),
        .m_ready(m0_ready),
        .popped(popped_0)
    );
endmodule
`default_nettype wire
