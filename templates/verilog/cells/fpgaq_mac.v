`default_nettype none
// Array of PRODUCTS x OUTPUTS multipliers with an adder tree and an accumulator for each output. No clock enable: a
// group of steps runs without a stop, and its first step restarts the sums.
// Elements and weights of cycle t are in `sums` in cycle t + 2 + LEVELS.
// With PACKED > 1 so many outputs share each multiplier: their weights stand in one factor, a product's width apart.
// What a product takes from the field above it when it is negative is its own sign bit, and is given back.
module fpgaq_mac #(
    parameter PRODUCTS = 1,       // elements of a step for each output
    parameter OUTPUTS = 1,
    parameter SHARED = 1,         // all outputs see the same elements; 0: output j sees elements j, j + OUTPUTS, ...
    parameter ELEMENT_WIDTH = 8,
    parameter ELEMENT_SIGNED = 0,
    parameter WEIGHT_WIDTH = 8,
    parameter SUM_WIDTH = 24,     // proved: no sum of any of a result's products needs more
    parameter PACKED = 1,         // outputs that share a multiplier; above 1 only with SHARED elements
    parameter LEVELS = 0          // registered levels of the tree, of four inputs each: 4**LEVELS >= PRODUCTS
) (
    input  wire                                      clk,
    input  wire                                      first, // the sums restart with the products that this cycle finishes
    input  wire                                      valid, // those products belong to a step; for checks only
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
                nodes = (nodes + 3) / 4;
        end
    endfunction

    wire unused_valid = &{1'b0, valid};

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

    // Loops over local variables and one assignment to each register: anything else simulates many times slower.
    genvar output_lane;
    genvar level;
    genvar place;
    generate
        for (output_lane = 0; output_lane < OUTPUTS; output_lane = output_lane + 1) begin : lanes
            wire [PRODUCTS*WEIGHT_WIDTH-1:0] own_weights =
                weights[output_lane*PRODUCTS*WEIGHT_WIDTH +: PRODUCTS*WEIGHT_WIDTH];
            wire [PRODUCTS*ELEMENT_WIDTH-1:0] own_elements;
            reg [SUM_WIDTH-1:0] sum;

            if (SHARED != 0) begin : shared
                assign own_elements = elements;
            end else begin : separate
                for (place = 0; place < PRODUCTS; place = place + 1) begin : places
                    assign own_elements[place*ELEMENT_WIDTH +: ELEMENT_WIDTH] =
                        elements[(place*OUTPUTS+output_lane)*ELEMENT_WIDTH +: ELEMENT_WIDTH];
                end
            end

            for (level = 0; level <= LEVELS; level = level + 1) begin : tree
                // Lanes up to a multiple of four are zero, so that every sum of the next level has four terms.
                localparam NODES = nodes(level);
                localparam PADDED = level == LEVELS ? 1 : 4 * nodes(level + 1);
                localparam WIDTH = level == 0 ? KEPT : SUM_WIDTH;
                reg [PADDED*WIDTH-1:0] terms;

                if (level > 0) begin : sums_of_four
                    localparam BELOW = level == 1 ? KEPT : SUM_WIDTH;
                    localparam SIGN = SUM_WIDTH - BELOW + 1;
                    always @(posedge clk) begin : add
                        integer i;
                        reg [PADDED*SUM_WIDTH-1:0] all;
                        all = {(PADDED*SUM_WIDTH){1'b0}};
                        for (i = 0; i < NODES; i = i + 1)
                            all[i*SUM_WIDTH +: SUM_WIDTH] =
                                {{SIGN{tree[level-1].terms[(4*i+1)*BELOW-1]}}, tree[level-1].terms[(4*i+0)*BELOW +: BELOW-1]}
                              + {{SIGN{tree[level-1].terms[(4*i+2)*BELOW-1]}}, tree[level-1].terms[(4*i+1)*BELOW +: BELOW-1]}
                              + {{SIGN{tree[level-1].terms[(4*i+3)*BELOW-1]}}, tree[level-1].terms[(4*i+2)*BELOW +: BELOW-1]}
                              + {{SIGN{tree[level-1].terms[(4*i+4)*BELOW-1]}}, tree[level-1].terms[(4*i+3)*BELOW +: BELOW-1]};
                        terms <= all;
                    end
                end else if (PACKED > 1) begin : fields
                    localparam TEAM = output_lane / PACKED;
                    localparam MEMBER = output_lane % PACKED;
                    wire unused = &{1'b0, own_elements, own_weights};
                    wire [PRODUCTS*JOINT_WIDTH-1:0] joint =
                        packed_products.joints[TEAM*PRODUCTS*JOINT_WIDTH +: PRODUCTS*JOINT_WIDTH];
                    always @* begin : split
                        integer i;
                        reg [PRODUCT_WIDTH-1:0] product;
                        reg unused_bits; // bits above KEPT repeat the sign
                        terms = {(PADDED*KEPT){1'b0}};
                        for (i = 0; i < PRODUCTS; i = i + 1) begin
                            product = joint[i*JOINT_WIDTH+MEMBER*PRODUCT_WIDTH +: PRODUCT_WIDTH]
                                    + {{(PRODUCT_WIDTH-1){1'b0}},
                                       MEMBER > 0 && joint[i*JOINT_WIDTH+(MEMBER > 0 ? MEMBER*PRODUCT_WIDTH-1 : 0)]};
                            terms[i*KEPT +: KEPT] = product[KEPT-1:0];
                        end
                        unused_bits = &{1'b0, product};
                    end
                end else if (ELEMENT_SIGNED != 0) begin : signed_products
                    always @(posedge clk) begin : multiply
                        integer i;
                        reg signed [PRODUCT_WIDTH-1:0] product;
                        reg unused; // bits above KEPT repeat the sign
                        reg [PADDED*KEPT-1:0] all;
                        all = {(PADDED*KEPT){1'b0}};
                        for (i = 0; i < PRODUCTS; i = i + 1) begin
                            product = $signed(own_elements[i*ELEMENT_WIDTH +: ELEMENT_WIDTH])
                                    * $signed(own_weights[i*WEIGHT_WIDTH +: WEIGHT_WIDTH]);
                            all[i*KEPT +: KEPT] = product[KEPT-1:0];
                        end
                        unused = &{1'b0, product};
                        terms <= all;
                    end
                end else begin : unsigned_products
                    always @(posedge clk) begin : multiply
                        integer i;
                        reg signed [PRODUCT_WIDTH-1:0] product;
                        reg unused; // bits above KEPT repeat the sign
                        reg [PADDED*KEPT-1:0] all;
                        all = {(PADDED*KEPT){1'b0}};
                        for (i = 0; i < PRODUCTS; i = i + 1) begin
                            product = $signed({1'b0, own_elements[i*ELEMENT_WIDTH +: ELEMENT_WIDTH]})
                                    * $signed(own_weights[i*WEIGHT_WIDTH +: WEIGHT_WIDTH]);
                            all[i*KEPT +: KEPT] = product[KEPT-1:0];
                        end
                        unused = &{1'b0, product};
                        terms <= all;
                    end
                end
            end

            localparam LAST = LEVELS == 0 ? KEPT : SUM_WIDTH;
            wire [SUM_WIDTH-1:0] step_sum = {{(SUM_WIDTH-LAST+1){tree[LEVELS].terms[LAST-1]}},
                                             tree[LEVELS].terms[LAST-2:0]};
            wire [SUM_WIDTH-1:0] carried = first ? {SUM_WIDTH{1'b0}} : sum;
            wire [SUM_WIDTH-1:0] added = carried + step_sum;

            always @(posedge clk) begin
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
