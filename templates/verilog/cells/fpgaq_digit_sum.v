// SPDX-License-Identifier: 0BSD
`default_nettype none
// Sum of PRODUCTS elements, each times a signed digit of -2 to 2, in logic (Booth, radix 4). A digit chooses the
// element, its double or none, inverted if negative; what an inverted one lacks is a one, which enters a carry chain.
// A table of five inputs makes a bit of that, and one of six adds it to a sum at once.
// Four are added one after another in two cycles, then two sums a cycle. The result is `sum` and `more`, the one that
// no chain was left for. Elements and digits of cycle t are in both in cycle t + LEVELS.
module fpgaq_digit_sum #(
    parameter PRODUCTS = 1,       // at least 1
    parameter ELEMENT_WIDTH = 4,  // bits of an element
    parameter ELEMENT_SIGNED = 0, // 1: elements are two's complement; 0: unsigned
    parameter LEVELS = 0,         // of sums: the least with 2**LEVELS >= PRODUCTS
    parameter WIDTH = 6           // bits of the sum: ELEMENT_WIDTH + 2 + LEVELS
) (
    input  wire                              clk,
    input  wire [PRODUCTS*ELEMENT_WIDTH-1:0] elements,
    input  wire [PRODUCTS*3-1:0]             digits, // of each its bit two places up, one up, and the one below these
    output wire [WIDTH-1:0]                  sum,
    output wire                              more
);
    localparam ROW = ELEMENT_WIDTH + 2;  // bits of an element times a digit
    localparam TWO = PRODUCTS > 1 ? ROW + 1 : ROW;
    localparam FOUR = PRODUCTS > 2 ? ROW + 2 : TWO;
    localparam GROUPS = (PRODUCTS + 3) / 4;
    localparam TREE = LEVELS > 2 ? LEVELS - 2 : 0;

    function integer nodes;
        // Sums that leave a level of the tree.
        input integer level;
        integer i;
        begin
            nodes = GROUPS;
            for (i = 0; i < level; i = i + 1)
                nodes = (nodes + 1) / 2;
        end
    endfunction

    genvar place;
    genvar level;
    generate
        for (place = 0; place < PRODUCTS; place = place + 1) begin : rows
            // The later two of a group come a cycle later.
            wire [ELEMENT_WIDTH-1:0] element;
            wire [2:0] digit;
            if (place % 4 > 1) begin : later
                reg [ELEMENT_WIDTH-1:0] kept_element;
                reg [2:0] kept_digit;
                assign element = kept_element;
                assign digit = kept_digit;
                always @(posedge clk) begin
                    kept_element <= elements[place*ELEMENT_WIDTH +: ELEMENT_WIDTH];
                    kept_digit <= digits[place*3 +: 3];
                end
            end else begin : now
                assign element = elements[place*ELEMENT_WIDTH +: ELEMENT_WIDTH];
                assign digit = digits[place*3 +: 3];
            end
            wire sign = ELEMENT_SIGNED != 0 && element[ELEMENT_WIDTH-1];
            wire once = digit[1] ^ digit[0];
            wire twice = digit[2] ^ digit[1];
            wire [ROW-1:0] row = {ROW{digit[2]}} ^
                (once ? {{2{sign}}, element} : twice ? {sign, element, 1'b0} : {ROW{1'b0}});
        end

        for (place = 0; place < GROUPS; place = place + 1) begin : groups
            localparam FIRST = 4 * place;
            localparam MEMBERS = PRODUCTS - FIRST > 4 ? 4 : PRODUCTS - FIRST;
            wire [TWO-1:0] pair;
            wire [FOUR-1:0] all;
            wire lacking;
            if (MEMBERS > 1) begin : second
                fpgaq_chain #(.WIDTH(TWO)) chain (
                    .plain({rows[FIRST].row[ROW-1], rows[FIRST].row}),
                    .other({rows[FIRST+1].row[ROW-1], rows[FIRST+1].row}),
                    .carry(rows[FIRST+1].digit[2]), .sum(pair)
                );
            end else begin : alone
                assign pair = {{(TWO-ROW+1){rows[FIRST].row[ROW-1]}}, rows[FIRST].row[ROW-2:0]};
            end
            if (PRODUCTS > 2) begin : later
                reg [TWO-1:0] kept_pair;
                reg kept_digit;
                wire [FOUR-1:0] begun = {kept_pair[TWO-1], kept_pair};
                wire [FOUR-1:0] three;
                assign lacking = kept_digit;
                always @(posedge clk) begin
                    kept_pair <= pair;
                    kept_digit <= rows[FIRST].digit[2];
                end
                if (MEMBERS > 2) begin : third
                    fpgaq_chain #(.WIDTH(FOUR)) chain (
                        .plain(begun), .other({{2{rows[FIRST+2].row[ROW-1]}}, rows[FIRST+2].row}),
                        .carry(rows[FIRST+2].digit[2]), .sum(three)
                    );
                end else begin : ended
                    assign three = begun;
                end
                if (MEMBERS > 3) begin : fourth
                    fpgaq_chain #(.WIDTH(FOUR)) chain (
                        .plain(three), .other({{2{rows[FIRST+3].row[ROW-1]}}, rows[FIRST+3].row}),
                        .carry(rows[FIRST+3].digit[2]), .sum(all)
                    );
                end else begin : no_fourth
                    assign all = three;
                end
            end else begin : at_once
                assign all = pair;
                assign lacking = rows[FIRST].digit[2];
            end
        end

        for (level = 0; level <= TREE; level = level + 1) begin : tree
            localparam BITS = FOUR + level;
            for (place = 0; place < nodes(level); place = place + 1) begin : places
                wire [BITS-1:0] total;
                wire lacking;
                wire [BITS-1:0] kept;
                wire kept_lacking;
                if (level == 0) begin : group
                    assign total = groups[place].all;
                    assign lacking = groups[place].lacking;
                end else begin : joined
                    wire [BITS-2:0] plain = tree[level-1].places[2*place].kept;
                    assign lacking = tree[level-1].places[2*place].kept_lacking;
                    if (2 * place + 1 < nodes(level - 1)) begin : two
                        wire [BITS-2:0] other = tree[level-1].places[2*place+1].kept;
                        fpgaq_chain #(.WIDTH(BITS)) chain (
                            .plain({plain[BITS-2], plain}), .other({other[BITS-2], other}),
                            .carry(tree[level-1].places[2*place+1].kept_lacking), .sum(total)
                        );
                    end else begin : one
                        assign total = {plain[BITS-2], plain};
                    end
                end
                if (PRODUCTS > 1) begin : clocked
                    reg [BITS-1:0] sum_kept;
                    reg digit_kept;
                    assign kept = sum_kept;
                    assign kept_lacking = digit_kept;
                    always @(posedge clk) begin
                        sum_kept <= total;
                        digit_kept <= lacking;
                    end
                end else begin : through
                    wire unused = clk;
                    assign kept = total;
                    assign kept_lacking = lacking;
                end
            end
        end
    endgenerate

    assign sum = tree[TREE].places[0].kept;
    assign more = tree[TREE].places[0].kept_lacking;
endmodule
`default_nettype wire
