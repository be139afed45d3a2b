// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// Array of PRODUCTS x OUTPUTS multipliers with an adder tree and an accumulator for each output. A group's first step
// restarts the sums. They stand still in cycles that belong to no step, and with them all logic that reads them.
// Elements and weights of cycle t are in `sums` in cycle t + 2 + LEVELS.
// With PACKED > 1, PACKED outputs share each multiplier: their weights stand in one factor, a product's width apart.
// A negative product takes its own sign bit from the field above it, which is given back.
module fpgaq_mac #(
    parameter PRODUCTS = 1,       // products of a step for each output, at least 1
    parameter OUTPUTS = 1,        // accumulators, at least 1
    parameter SHARED = 1,         // 1: all outputs see the same elements; 0: output j sees elements j, j + OUTPUTS, ...
    parameter ELEMENT_WIDTH = 8,  // bits of an element
    parameter ELEMENT_SIGNED = 0, // 1: elements are two's complement; 0: unsigned
    parameter WEIGHT_WIDTH = 8,   // bits of a signed weight
    parameter SUM_WIDTH = 24,     // bits of a sum; proved: no sum of any of a result's products needs more
    parameter PACKED = 1,         // outputs that share a multiplier, at least 1; above 1 only with SHARED elements
    parameter LEVELS = 0          // registered levels of the tree, of two inputs each: 2**LEVELS >= PRODUCTS
) (
    input  wire                                      clk,
    input  wire                                      first, // the sums restart with this cycle's products
    input  wire                                      valid, // those products belong to a step
    input  wire [PRODUCTS*(SHARED != 0 ? 1 : OUTPUTS)*ELEMENT_WIDTH-1:0] elements,
    input  wire [OUTPUTS*PRODUCTS*WEIGHT_WIDTH-1:0]  weights,
    output wire [OUTPUTS*SUM_WIDTH-1:0]              sums
);
    localparam PRODUCT_WIDTH = ELEMENT_WIDTH + WEIGHT_WIDTH;
    // A product fits the sum. It is registered no wider than it is, which lets a DSP block take its register.
    localparam KEPT = PRODUCT_WIDTH < SUM_WIDTH ? PRODUCT_WIDTH : SUM_WIDTH;

    function integer nodes;
        // Sums that leave a level of the tree.
        input integer level;
        integer i;
        begin
            nodes = PRODUCTS;
            for (i = 0; i < level; i = i + 1)
                nodes = (nodes + 1) / 2;
        end
    endfunction

    // ---- Products of PACKED outputs at once: the fields of one long product for each element and team of outputs ----
    localparam TEAMS = (OUTPUTS + PACKED - 1) / PACKED;
    localparam JOINT_WIDTH = PACKED * PRODUCT_WIDTH;
    localparam FACTOR_WIDTH = (PACKED - 1) * PRODUCT_WIDTH + WEIGHT_WIDTH + 1;
    localparam EXTENDED = ELEMENT_WIDTH + 1;

    genvar team;
    generate
        if (PACKED > 1) begin : packed_products
            reg [TEAMS*PRODUCTS*JOINT_WIDTH-1:0] joints;
            wire [TEAMS*PACKED*PRODUCTS*WEIGHT_WIDTH-1:0] all_weights;
            assign all_weights[OUTPUTS*PRODUCTS*WEIGHT_WIDTH-1:0] = weights;
            if (TEAMS * PACKED > OUTPUTS) begin : vacant
                assign all_weights[TEAMS*PACKED*PRODUCTS*WEIGHT_WIDTH-1:OUTPUTS*PRODUCTS*WEIGHT_WIDTH] =
                    {((TEAMS*PACKED-OUTPUTS)*PRODUCTS*WEIGHT_WIDTH){1'b0}};
            end
            for (team = 0; team < TEAMS; team = team + 1) begin : teams
                wire [PACKED*PRODUCTS*WEIGHT_WIDTH-1:0] own_weights =
                    all_weights[team*PACKED*PRODUCTS*WEIGHT_WIDTH +: PACKED*PRODUCTS*WEIGHT_WIDTH];
                always @(posedge clk) begin : multiply
                    integer i;
                    integer member;
                    reg signed [FACTOR_WIDTH-1:0] weight;
                    reg signed [FACTOR_WIDTH-1:0] factor;
                    reg signed [EXTENDED-1:0] element;
                    reg signed [JOINT_WIDTH-1:0] product;
                    reg [PRODUCTS*JOINT_WIDTH-1:0] all;
                    for (i = 0; i < PRODUCTS; i = i + 1) begin
                        factor = {FACTOR_WIDTH{1'b0}};
                        for (member = 0; member < PACKED; member = member + 1) begin
                            weight = {{(FACTOR_WIDTH-WEIGHT_WIDTH){
                                          own_weights[(member*PRODUCTS+i)*WEIGHT_WIDTH+WEIGHT_WIDTH-1]}},
                                      own_weights[(member*PRODUCTS+i)*WEIGHT_WIDTH +: WEIGHT_WIDTH]};
                            factor = factor + (weight <<< (member * PRODUCT_WIDTH));
                        end
                        element = {ELEMENT_SIGNED != 0 && elements[i*ELEMENT_WIDTH+ELEMENT_WIDTH-1],
                                   elements[i*ELEMENT_WIDTH +: ELEMENT_WIDTH]};
                        product = factor * element;
                        all[i*JOINT_WIDTH +: JOINT_WIDTH] = product;
                    end
                    joints[team*PRODUCTS*JOINT_WIDTH +: PRODUCTS*JOINT_WIDTH] <= all;
                end
            end
        end
    endgenerate

    // ---- Elements as signed factors, and the products of every output ----
    // Each product and sum has a wire and a register of its own: loops over parts of wide ones simulate at half the
    // speed.
    localparam FACTOR = ELEMENT_WIDTH + (ELEMENT_SIGNED == 0 ? 1 : 0);

    genvar output_lane;
    genvar level;
    genvar place;
    generate
        for (place = 0; place < PRODUCTS * (SHARED != 0 ? 1 : OUTPUTS); place = place + 1) begin : factors
            wire signed [FACTOR-1:0] element;
            if (ELEMENT_SIGNED != 0) begin : signed_elements
                assign element = $signed(elements[place*ELEMENT_WIDTH +: ELEMENT_WIDTH]);
            end else begin : unsigned_elements
                assign element = $signed({1'b0, elements[place*ELEMENT_WIDTH +: ELEMENT_WIDTH]});
            end
        end

        for (output_lane = 0; output_lane < OUTPUTS; output_lane = output_lane + 1) begin : lanes
            localparam TEAM = output_lane / PACKED;
            localparam MEMBER = output_lane % PACKED;
            reg [SUM_WIDTH-1:0] sum;

            for (level = 0; level <= LEVELS; level = level + 1) begin : tree
                // Two terms a level: the way from a DSP block through the fabric leaves time for one carry chain.
                // A place up to an even number is zero, so that every sum of the next level has two terms.
                localparam NODES = nodes(level);
                localparam PADDED = level == LEVELS ? 1 : 2 * nodes(level + 1);
                for (place = 0; place < PADDED; place = place + 1) begin : places
                    wire [SUM_WIDTH-1:0] term;
                    if (place >= NODES) begin : vacant
                        assign term = {SUM_WIDTH{1'b0}};
                    end else if (level > 0) begin : sum_of_two
                        reg [SUM_WIDTH-1:0] registered;
                        assign term = registered;
                        always @(posedge clk)
                            registered <= tree[level-1].places[2*place+0].term + tree[level-1].places[2*place+1].term;
                    end else if (PACKED > 1) begin : field
                        wire [JOINT_WIDTH-1:0] joint =
                            packed_products.joints[(TEAM*PRODUCTS+place)*JOINT_WIDTH +: JOINT_WIDTH];
                        wire [PRODUCT_WIDTH-1:0] product = joint[MEMBER*PRODUCT_WIDTH +: PRODUCT_WIDTH]
                            + {{(PRODUCT_WIDTH-1){1'b0}}, MEMBER > 0 && joint[MEMBER > 0 ? MEMBER*PRODUCT_WIDTH-1 : 0]};
                        wire unused = &{1'b0, joint, product}; // fields of other outputs, repeats of the sign
                        assign term = {{(SUM_WIDTH-KEPT+1){product[KEPT-1]}}, product[KEPT-2:0]};
                    end else begin : own
                        localparam FROM = SHARED != 0 ? place : place * OUTPUTS + output_lane;
                        wire signed [WEIGHT_WIDTH-1:0] weight =
                            $signed(weights[(output_lane*PRODUCTS+place)*WEIGHT_WIDTH +: WEIGHT_WIDTH]);
                        wire signed [PRODUCT_WIDTH-1:0] product = factors[FROM].element * weight;
                        if (PRODUCT_WIDTH > KEPT) begin : repeats_of_the_sign
                            wire unused = &{1'b0, product[PRODUCT_WIDTH-1:KEPT]};
                        end
                        reg [KEPT-1:0] registered;
                        always @(posedge clk)
                            registered <= product[KEPT-1:0];
                        assign term = {{(SUM_WIDTH-KEPT+1){registered[KEPT-1]}}, registered[KEPT-2:0]};
                    end
                end
            end

            wire [SUM_WIDTH-1:0] step_sum = tree[LEVELS].places[0].term;
            wire [SUM_WIDTH-1:0] carried = first ? {SUM_WIDTH{1'b0}} : sum;
            wire [SUM_WIDTH-1:0] added = carried + step_sum;

            always @(posedge clk) begin
                if (valid)
                    sum <= added;
`ifdef FPGAQ_CHECKS
                if (added[SUM_WIDTH-1] != carried[SUM_WIDTH-1])
                    if (valid && carried[SUM_WIDTH-1] == step_sum[SUM_WIDTH-1]) begin
                        $display("fpgaq: accumulator overflow in %m");
                        $finish;
                    end
`endif
            end

            assign sums[output_lane*SUM_WIDTH +: SUM_WIDTH] = sum;
        end
    endgenerate
endmodule
`default_nettype wire
