// SPDX-License-Identifier: 0BSD
// Cell of fpgaq 0.2.0.dev0, the same for every network, do not edit.
`default_nettype none
// result = saturate(round(total / divisor)), three cycles: (total * DOUBLE + addend) * multiplier / 2**SHIFT is the
// quotient, moved up by OFFSET so that it is never negative. Multiplier and shift are proved, over every total that
// can occur, to give the exact quotient. TIES says what a tie that was rounded up does: 0 stays, 1 goes down where the
// total is negative, 2 goes down where the quotient is odd.
module fpgaq_divide #(
    parameter TOTAL_WIDTH = 16,     // bits of the signed total
    parameter DOUBLE = 0,           // 1: the total counts twice, for an odd divisor; 0: once
    parameter DIVIDEND_WIDTH = 18,  // bits of dividend, addend and divisor, unsigned
    parameter MULTIPLIER_WIDTH = 8, // bits of the multiplier, unsigned
    parameter SHIFT = 8,            // places by which the product is shifted right, at least 0
    parameter OFFSET = 0,           // whole units added to the quotient and taken off again, at least 0
    parameter TIES = 0,             // 0, 1 or 2, see above
    parameter RESULT_WIDTH = 8,     // bits of the result
    parameter RESULT_SIGNED = 0,    // 1: the result is two's complement; 0: unsigned
    parameter NARROW = 0,           // 1: the most negative code is not used
    parameter RELU = 0              // 1: negative quotients give 0
) (
    input  wire                        clk,
    input  wire [TOTAL_WIDTH-1:0]      total,
    input  wire [DIVIDEND_WIDTH-1:0]   addend,
    input  wire [MULTIPLIER_WIDTH-1:0] multiplier,
    input  wire [DIVIDEND_WIDTH-1:0]   divisor,    // of the dividend; a tie is a multiple of it
    output wire [RESULT_WIDTH-1:0]     result
);
    localparam WIDE = DIVIDEND_WIDTH + TOTAL_WIDTH + 1;
    localparam PRODUCT_WIDTH = DIVIDEND_WIDTH + MULTIPLIER_WIDTH;
    localparam QUOTIENT_WIDTH = PRODUCT_WIDTH > SHIFT ? PRODUCT_WIDTH - SHIFT : 1;
    localparam VALUE_WIDTH = QUOTIENT_WIDTH + 2;
    localparam [31:0] OFFSET_BITS = OFFSET;

    wire [WIDE-1:0] extended = {{(WIDE-TOTAL_WIDTH){total[TOTAL_WIDTH-1]}}, total} << DOUBLE;
    reg [DIVIDEND_WIDTH-1:0] dividend;
    reg [DIVIDEND_WIDTH-1:0] kept;
    reg [PRODUCT_WIDTH-1:0] product;
    reg negative_total;
    reg negative_kept;

    always @(posedge clk) begin
        dividend <= extended[DIVIDEND_WIDTH-1:0] + addend;
        negative_total <= total[TOTAL_WIDTH-1];
        product <= {{MULTIPLIER_WIDTH{1'b0}}, dividend} * {{DIVIDEND_WIDTH{1'b0}}, multiplier};
        kept <= dividend;
        negative_kept <= negative_total;
    end

    wire [PRODUCT_WIDTH+SHIFT:0] padded = {{(SHIFT+1){1'b0}}, product};
    wire [QUOTIENT_WIDTH-1:0] quotient = padded[SHIFT +: QUOTIENT_WIDTH];
    wire unused_extended = &{1'b0, extended[WIDE-1:DIVIDEND_WIDTH]};
    wire unused_padded = &{1'b0, padded};
    wire down;

    generate
        if (TIES == 0) begin : none
            assign down = 1'b0;
            wire unused = &{1'b0, kept, negative_kept, divisor};
        end else begin : ties
            wire [QUOTIENT_WIDTH+DIVIDEND_WIDTH-1:0] whole =
                {{DIVIDEND_WIDTH{1'b0}}, quotient} * {{QUOTIENT_WIDTH{1'b0}}, divisor};
            wire tie = whole == {{QUOTIENT_WIDTH{1'b0}}, kept};
            wire odd = quotient[0] ^ OFFSET_BITS[0];
            assign down = tie & (TIES == 1 ? negative_kept : odd);
            wire unused = &{1'b0, negative_kept};
        end
    endgenerate

    // The offset is a quotient too, so it fits.
    wire [QUOTIENT_WIDTH+31:0] offset = {{QUOTIENT_WIDTH{1'b0}}, OFFSET_BITS};
    wire unused_offset = &{1'b0, offset};
    wire [VALUE_WIDTH-1:0] value = {2'b00, quotient} - {2'b00, offset[QUOTIENT_WIDTH-1:0]}
        - {{(VALUE_WIDTH-1){1'b0}}, down};

    // Shift 0: nothing but saturation, in one cycle.
    fpgaq_requantize #(
        .TOTAL_WIDTH(VALUE_WIDTH),
        .SHIFT(0),
        .RESULT_WIDTH(RESULT_WIDTH),
        .RESULT_SIGNED(RESULT_SIGNED),
        .NARROW(NARROW),
        .RELU(RELU)
    ) saturate (
        .clk(clk),
        .total(value),
        .lift(1'b0),
        .result(result)
    );
endmodule
`default_nettype wire
