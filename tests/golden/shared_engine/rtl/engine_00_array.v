// Engine: 2 products for each of 1 accumulators a step, 1 results a cycle.
// Layer conv: output 4 x 4 x 4 of s8.5, 1 a beat; 576 cycles a frame.
// Layer affine: output 1 x 1 x 5 of s17.12, 1 a beat; 10 cycles a frame.
`default_nettype none
module engine_00_array (
    input  wire clk,
    input  wire rst,
    input  wire [7:0] s0_data,
    input  wire s0_valid,
    output wire s0_ready,
    output wire [7:0] m0_data,
    output wire m0_valid,
    input  wire m0_ready,
    input  wire [7:0] s1_data,
    input  wire s1_valid,
    output wire s1_ready,
    output wire [16:0] m1_data,
    output wire m1_valid,
    input  wire m1_ready
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
    layer_00_conv layer_00 (
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
    wire grant_1;
    wire popped_1;
    wire step_1;
    wire first_1;
    wire last_1;
    wire pixel_1;
    wire final_1;
    wire row_done_1;
    wire [15:0] elements_1;
    layer_14_affine layer_14 (
        .clk(clk),
        .rst(rst),
        .s_data(s1_data),
        .s_valid(s1_valid),
        .s_ready(s1_ready),
        .grant(grant_1),
        .popped(popped_1),
        .step(step_1),
        .step_first(first_1),
        .step_last(last_1),
        .pixel_first(pixel_1),
        .group_final(final_1),
        .row_done(row_done_1),
        .elements(elements_1)
    );

    // ---- Turns: a row of windows each, in a fixed order ----
    reg [0:0] turn;
    reg [0:0] next_turn;
    reg [2:0] place; // of the next turn in the order
    wire idle = ~(step_0 & ~last_0) & ~(step_1 & ~last_1);
    wire moved = row_done_0 | row_done_1;

    always @*
        case (place)
            3'd4: next_turn = 1'd1;
            default: next_turn = 1'd0;
        endcase

    always @(posedge clk) begin
        if (moved) begin
            turn <= next_turn;
            place <= (place == 3'd4) ? 3'd0 : place + 1'b1;
        end
        if (rst) begin
            turn <= 1'd0;
            place <= 3'd1;
        end
    end
    assign grant_0 = idle & (turn == 1'd0);
    assign grant_1 = idle & (turn == 1'd1);

    // ---- The step of whoever has his turn ----
    reg step;
    reg step_first;
    reg step_last;
    reg pixel_first;
    reg [0:0] owner;
    always @(posedge clk) begin
        step <= step_0 | step_1;
        step_first <= first_0 | first_1;
        step_last <= (step_0 & last_0) | (step_1 & last_1);
        pixel_first <= pixel_0 | pixel_1;
        owner <= ({1{step_1}} & 1'd1);
        if (rst) begin
            step <= 1'b0;
            step_last <= 1'b0;
        end
    end
    wire [15:0] spread_0;
    fpgaq_spread #(
        .PLACES(2),
        .OWN_LANES(1),
        .ELEMENT_WIDTH(8),
        .ELEMENT_SIGNED(1),
        .ALL_PLACES(2),
        .LANES(1),
        .WIDTH(8)
    ) lay_out_0 (
        .elements(elements_0), .spread(spread_0)
    );
    wire [15:0] spread_1;
    fpgaq_spread #(
        .PLACES(2),
        .OWN_LANES(1),
        .ELEMENT_WIDTH(8),
        .ELEMENT_SIGNED(1),
        .ALL_PLACES(2),
        .LANES(1),
        .WIDTH(8)
    ) lay_out_1 (
        .elements(elements_1), .spread(spread_1)
    );
    wire [0:0] elements_owner;
    fpgaq_delay #(.WIDTH(1), .STAGES(2)) delay_elements_owner (
        .clk(clk), .rst(rst), .in(owner), .out(elements_owner)
    );
    reg [15:0] elements;
    always @(posedge clk)
        case (elements_owner)
            1'd1: elements <= spread_1;
            default: elements <= spread_0;
        endcase
    wire [0:0] done_owner;
    fpgaq_delay #(.WIDTH(1), .STAGES(3)) delay_done_owner (
        .clk(clk), .rst(rst), .in(elements_owner), .out(done_owner)
    );

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
    wire [18:0] sums;
    reg [5:0] weight_address;
    wire [15:0] weight_word;
    reg [15:0] step_weights;
    wire unused_final = &{1'b0, final_0, final_1};
    reg [5:0] weights_start;
    always @*
        case (owner)
            1'd1: weights_start = 6'd36;
            default: weights_start = 6'd0;
        endcase
always @(posedge clk) begin
        if (step)
            weight_address <= pixel_first ? weights_start : weight_address + 1'b1;
        step_weights <= weight_word;
    end

    rom_00_shared_weights weight_rom (
        .clk(clk), .address(weight_address), .data(weight_word)
    );

    fpgaq_mac #(
        .PRODUCTS(2),
        .OUTPUTS(1),
        .SHARED(1),
        .ELEMENT_WIDTH(8),
        .ELEMENT_SIGNED(1),
        .WEIGHT_WIDTH(8),
        .SUM_WIDTH(19),
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
    wire [18:0] beat;
    wire [0:0] serving;
    wire [0:0] beat_owner;
    wire beat_valid;
    reg [2:0] last_index;
    always @*
        case (serving)
            1'd1: last_index = 3'd4;
            default: last_index = 3'd3;
        endcase
    wire [0:0] last_place = 1'd0;

    fpgaq_collect #(
        .OUTPUTS(1),
        .LANES(1),
        .SUM_WIDTH(19),
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

    wire [10:0] bias_data;
    reg [10:0] bias_word;
    rom_00_shared_biases bias_rom (
        .clk(clk), .address({serving, beat_index}), .data(bias_data)
    );
    always @(posedge clk)
        bias_word <= bias_data;
    wire [18:0] bias_values;

    wire [18:0] totals;

    fpgaq_bias #(
        .LANES(1),
        .SUM_WIDTH(19)
    ) bias (
        .clk(clk),
        .valid(beat_valid),
        .sums(beat),
        .biases(bias_values),
        .totals(totals)
    );

    genvar lane;
    generate
        for (lane = 0; lane < 1; lane = lane + 1) begin : lanes_of_biases
            assign bias_values[lane*19 +: 19] =
                {{9{bias_word[lane*11+10]}}, bias_word[lane*11 +: 10]};
        end
        wire [7:0] requantized_0;
        for (lane = 0; lane < 1; lane = lane + 1) begin : lanes_of_requantized_0
            fpgaq_requantize #(
                .TOTAL_WIDTH(19),
                .LIFT_MAX(0),
                .LIFT_WIDTH(1),
                .SHIFT(7),
                .ROUNDING(0), // half_up
                .RESULT_WIDTH(8),
                .RESULT_SIGNED(1),
                .NARROW(0),
                .RELU(0)
            ) requantize (
                .clk(clk),
                .total(totals[lane*19 +: 19]),
                .lift(1'b0),
                .result(requantized_0[lane*8 +: 8])
            );
        end
        wire [16:0] plain_1;
        for (lane = 0; lane < 1; lane = lane + 1) begin : lanes_of_plain_1
            assign plain_1[lane*17 +: 17] = totals[lane*19 +: 17];
        end
    endgenerate
    wire unused_totals = &{1'b0, totals};

    wire result_valid_0;
    fpgaq_delay #(.WIDTH(1), .STAGES(2)) delay_valid_0 (
        .clk(clk), .rst(rst), .in(beat_valid & (beat_owner == 1'd0)), .out(result_valid_0)
    );
    fpgaq_fifo #(
        .WIDTH(8),
        .ADDRESS_WIDTH(2)
    ) fifo_0 (
        .clk(clk),
        .rst(rst),
        .write_enable(result_valid_0),
        .write_data(requantized_0[7:0]),
        .m_data(m0_data),
        .m_valid(m0_valid),
        .m_ready(m0_ready),
        .popped(popped_0)
    );

    wire result_valid_1;
    fpgaq_delay #(.WIDTH(1), .STAGES(1)) delay_valid_1 (
        .clk(clk), .rst(rst), .in(beat_valid & (beat_owner == 1'd1)), .out(result_valid_1)
    );
    fpgaq_fifo #(
        .WIDTH(17),
        .ADDRESS_WIDTH(3)
    ) fifo_1 (
        .clk(clk),
        .rst(rst),
        .write_enable(result_valid_1),
        .write_data(plain_1[16:0]),
        .m_data(m1_data),
        .m_valid(m1_valid),
        .m_ready(m1_ready),
        .popped(popped_1)
    );
endmodule
`default_nettype wire
