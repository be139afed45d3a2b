// Engine: 1 products for each of 1 accumulators a step, 1 results a cycle.
// Layer layer1: output 1 x 1 x 3 of s13.6, 1 a beat; 21 cycles a frame.
`default_nettype none
module engine_01_array (
    input  wire clk,
    input  wire rst,
    input  wire [4:0] s0_data,
    input  wire s0_valid,
    output wire s0_ready,
    output wire [12:0] m0_data,
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
    wire [4:0] elements_0;
    layer_01_layer1 layer_01 (
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
    wire [4:0] elements = elements_0;
    wire done_owner = 1'b0;
    wire unused_row_done = &{1'b0, row_done_0};

    wire first;
    wire valid;
    fpgaq_delay #(.WIDTH(2), .STAGES(4)) delay_first (
        .clk(clk), .rst(rst), .in({step, step_first}), .out({valid, first})
    );
    wire done_next;
    fpgaq_delay #(.WIDTH(1), .STAGES(4)) delay_done (
        .clk(clk), .rst(rst), .in(step_last), .out(done_next)
    );

    // ---- Products and sums ----
    wire [12:0] sums;
    reg [4:0] weight_address;
    wire [5:0] weight_word;
    reg [5:0] step_weights;
    wire unused_final = &{1'b0, final_0};
    wire [4:0] weights_start = 5'd0;
always @(posedge clk) begin
        if (step)
            weight_address <= pixel_first ? weights_start : weight_address + 1'b1;
        step_weights <= weight_word;
    end

    rom_01_layer1_weights weight_rom (
        .clk(clk), .address(weight_address), .data(weight_word)
    );

    fpgaq_mac #(
        .PRODUCTS(1),
        .OUTPUTS(1),
        .SHARED(1),
        .ELEMENT_WIDTH(5),
        .ELEMENT_SIGNED(1),
        .WEIGHT_WIDTH(6),
        .SUM_WIDTH(13),
        .PACKED(1),
        .LEVELS(0)
    ) mac (
        .clk(clk),
        .first(first),
        .valid(valid),
        .elements(elements),
        .weights(step_weights),
        .sums(sums)
    );

    // ---- Results: one beat at a time through bias and requantizer ----
    wire [1:0] beat_index;
    wire [12:0] beat;
    wire [0:0] serving;
    wire [0:0] beat_owner;
    wire beat_valid;
    wire [1:0] last_index = 2'd2;
    wire [0:0] last_place = 1'd0;

    fpgaq_collect #(
        .OUTPUTS(1),
        .LANES(1),
        .SUM_WIDTH(13),
        .INDEX_WIDTH(2),
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

    wire [8:0] bias_data;
    reg [8:0] bias_word;
    rom_01_layer1_biases bias_rom (
        .clk(clk), .address(beat_index), .data(bias_data)
    );
    always @(posedge clk)
        bias_word <= bias_data;
    wire [12:0] bias_values;

    wire [12:0] totals;

    fpgaq_bias #(
        .LANES(1),
        .SUM_WIDTH(13)
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
            assign bias_values[lane*13 +: 13] =
                {{5{bias_word[lane*9+8]}}, bias_word[lane*9 +: 8]};
        end
        wire [12:0] plain_0;
        for (lane = 0; lane < 1; lane = lane + 1) begin : lanes_of_plain_0
            assign plain_0[lane*13 +: 13] = totals[lane*13 +: 13];
        end
    endgenerate
    wire unused_totals = &{1'b0, totals};

    wire result_valid_0;
    fpgaq_delay #(.WIDTH(1), .STAGES(1)) delay_valid_0 (
        .clk(clk), .rst(rst), .in(beat_valid), .out(result_valid_0)
    );
    fpgaq_fifo #(
        .WIDTH(13),
        .ADDRESS_WIDTH(2)
    ) fifo_0 (
        .clk(clk),
        .rst(rst),
        .write_enable(result_valid_0),
        .write_data(plain_0[12:0]),
        .m_data(m0_data),
        .m_valid(m0_valid),
        .m_ready(m0_ready),
        .popped(popped_0)
    );
endmodule
`default_nettype wire
