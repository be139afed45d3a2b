// SPDX-License-Identifier: Apache-2.0
// What the cells with a running result are to compute. The statement keeps its own running value; the registers of the
// cell stay, so these are proofs over time.
`default_nettype none

// sums: of all valid products since the last `first`, modulo 2**SUM_WIDTH; the step of cycle t is in it in t + 2 + LEVELS.
// With DIGITS, of fpgaq_digits.
module state_mac #(
    parameter PRODUCTS = 1, OUTPUTS = 1, SHARED = 1, ELEMENT_WIDTH = 3, ELEMENT_SIGNED = 0, WEIGHT_WIDTH = 3,
    parameter SUM_WIDTH = 8, PACKED = 1, LEVELS = 0, DIGITS = 0
) (
    input wire clk,
    input wire first,
    input wire valid,
    input wire [PRODUCTS*(SHARED != 0 ? 1 : OUTPUTS)*ELEMENT_WIDTH-1:0] elements,
    input wire [OUTPUTS*PRODUCTS*WEIGHT_WIDTH-1:0] weights,
    output wire bad,
    output wire seen
);
    localparam DEPTH = LEVELS + 1; // cycles from a step to where its sum enters the running one
    wire [OUTPUTS*SUM_WIDTH-1:0] sums;
    generate
        if (DIGITS != 0) begin : logic_alone
            fpgaq_digits #(
                .PRODUCTS(PRODUCTS), .OUTPUTS(OUTPUTS), .SHARED(SHARED), .ELEMENT_WIDTH(ELEMENT_WIDTH),
                .ELEMENT_SIGNED(ELEMENT_SIGNED), .WEIGHT_WIDTH(WEIGHT_WIDTH), .SUM_WIDTH(SUM_WIDTH), .LEVELS(LEVELS)
            ) cell_under_proof (
                .clk(clk), .first(first), .valid(valid), .elements(elements), .weights(weights), .sums(sums)
            );
        end else begin : multipliers
            fpgaq_mac #(
                .PRODUCTS(PRODUCTS), .OUTPUTS(OUTPUTS), .SHARED(SHARED), .ELEMENT_WIDTH(ELEMENT_WIDTH),
                .ELEMENT_SIGNED(ELEMENT_SIGNED), .WEIGHT_WIDTH(WEIGHT_WIDTH), .SUM_WIDTH(SUM_WIDTH), .PACKED(PACKED),
                .LEVELS(LEVELS)
            ) cell_under_proof (
                .clk(clk), .first(first), .valid(valid), .elements(elements), .weights(weights), .sums(sums)
            );
        end
    endgenerate

    reg [DEPTH:0] age = 0; // whether the statement's own registers hold what came after the start
    reg started = 1'b0;    // a group has begun since
    wire [OUTPUTS-1:0] wrong;
    genvar j;
    generate
        for (j = 0; j < OUTPUTS; j = j + 1) begin : outputs
            reg [SUM_WIDTH-1:0] step [0:DEPTH-1];
            reg [SUM_WIDTH-1:0] running;
            reg [SUM_WIDTH-1:0] now;
            integer i, k;
            reg signed [SUM_WIDTH-1:0] element;
            reg signed [SUM_WIDTH-1:0] weight;
            always @* begin
                now = 0;
                for (i = 0; i < PRODUCTS; i = i + 1) begin
                    if (ELEMENT_SIGNED != 0)
                        element = $signed(elements[(SHARED != 0 ? i : i*OUTPUTS+j)*ELEMENT_WIDTH +: ELEMENT_WIDTH]);
                    else
                        element = elements[(SHARED != 0 ? i : i*OUTPUTS+j)*ELEMENT_WIDTH +: ELEMENT_WIDTH];
                    weight = $signed(weights[(j*PRODUCTS+i)*WEIGHT_WIDTH +: WEIGHT_WIDTH]);
                    now = now + element * weight;
                end
            end
            always @(posedge clk) begin
                step[0] <= now;
                for (k = 1; k < DEPTH; k = k + 1)
                    step[k] <= step[k-1];
                if (valid)
                    running <= first ? step[DEPTH-1] : running + step[DEPTH-1];
            end
            assign wrong[j] = sums[j*SUM_WIDTH +: SUM_WIDTH] != running;
        end
    endgenerate
    always @(posedge clk) begin
        age <= {age[DEPTH-1:0], 1'b1};
        if (first & valid & age[DEPTH-1])
            started <= 1'b1;
    end
    assign bad = started & (|wrong);
    assign seen = started & ~first & (|sums);
endmodule

// The greatest element of each channel since the last `first`.
module state_max #(
    parameter TAPS = 1, CHANNELS = 1, ELEMENT_WIDTH = 3, ELEMENT_SIGNED = 0
) (
    input wire clk,
    input wire first,
    input wire [TAPS*CHANNELS*ELEMENT_WIDTH-1:0] elements,
    output wire bad,
    output wire seen
);
    wire [CHANNELS*ELEMENT_WIDTH-1:0] maxima;
    fpgaq_max #(
        .TAPS(TAPS), .CHANNELS(CHANNELS), .ELEMENT_WIDTH(ELEMENT_WIDTH), .ELEMENT_SIGNED(ELEMENT_SIGNED)
    ) cell_under_proof (.clk(clk), .first(first), .elements(elements), .maxima(maxima));
    reg [1:0] age = 0;
    reg started = 1'b0;
    wire [CHANNELS-1:0] wrong;
    genvar c;
    generate
        for (c = 0; c < CHANNELS; c = c + 1) begin : channels
            reg signed [ELEMENT_WIDTH:0] best;
            reg signed [ELEMENT_WIDTH:0] before;
            reg signed [ELEMENT_WIDTH:0] now;
            reg signed [ELEMENT_WIDTH:0] element;
            integer t;
            always @* begin
                now = {2'b11, {(ELEMENT_WIDTH-1){1'b0}}}; // no element is less
                for (t = 0; t < TAPS; t = t + 1) begin
                    if (ELEMENT_SIGNED != 0)
                        element = $signed(elements[(t*CHANNELS+c)*ELEMENT_WIDTH +: ELEMENT_WIDTH]);
                    else
                        element = $signed({1'b0, elements[(t*CHANNELS+c)*ELEMENT_WIDTH +: ELEMENT_WIDTH]});
                    if (element > now)
                        now = element;
                end
            end
            always @(posedge clk) begin
                before <= now;
                best <= first | before > best ? before : best;
            end
            assign wrong[c] = maxima[c*ELEMENT_WIDTH +: ELEMENT_WIDTH] != best[ELEMENT_WIDTH-1:0];
        end
    endgenerate
    always @(posedge clk) begin
        age <= {age[0], 1'b1};
        if (first & age[0])
            started <= 1'b1;
    end
    assign bad = started & (|wrong);
    assign seen = started & ~first & (|maxima);
endmodule

module state_sum #(
    parameter TAPS = 1, CHANNELS = 1, ELEMENT_WIDTH = 3, ELEMENT_SIGNED = 0, SUM_WIDTH = 6
) (
    input wire clk,
    input wire first,
    input wire valid,
    input wire [TAPS*CHANNELS*ELEMENT_WIDTH-1:0] elements,
    output wire bad,
    output wire seen
);
    wire [CHANNELS*SUM_WIDTH-1:0] sums;
    fpgaq_sum #(
        .TAPS(TAPS), .CHANNELS(CHANNELS), .ELEMENT_WIDTH(ELEMENT_WIDTH), .ELEMENT_SIGNED(ELEMENT_SIGNED),
        .SUM_WIDTH(SUM_WIDTH)
    ) cell_under_proof (.clk(clk), .first(first), .valid(valid), .elements(elements), .sums(sums));
    reg [1:0] age = 0;
    reg started = 1'b0;
    wire [CHANNELS-1:0] wrong;
    genvar c;
    generate
        for (c = 0; c < CHANNELS; c = c + 1) begin : channels
            reg [SUM_WIDTH-1:0] running;
            reg [SUM_WIDTH-1:0] before;
            reg [SUM_WIDTH-1:0] now;
            reg signed [SUM_WIDTH-1:0] element;
            integer t;
            always @* begin
                now = 0;
                for (t = TAPS - 1; t >= 0; t = t - 1) begin
                    if (ELEMENT_SIGNED != 0)
                        element = $signed(elements[(t*CHANNELS+c)*ELEMENT_WIDTH +: ELEMENT_WIDTH]);
                    else
                        element = elements[(t*CHANNELS+c)*ELEMENT_WIDTH +: ELEMENT_WIDTH];
                    now = now - (-element);
                end
            end
            always @(posedge clk) begin
                before <= now;
                if (valid)
                    running <= first ? before : running + before;
            end
            assign wrong[c] = sums[c*SUM_WIDTH +: SUM_WIDTH] != running;
        end
    endgenerate
    always @(posedge clk) begin
        age <= {age[0], 1'b1};
        if (first & valid & age[0])
            started <= 1'b1;
    end
    assign bad = started & (|wrong);
    assign seen = started & ~first & (|sums);
endmodule
`default_nettype wire
