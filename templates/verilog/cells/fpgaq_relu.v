`default_nettype none
// max(x, 0) of every element, behind a register that keeps the handshake apart: two words deep, one word a cycle.
module fpgaq_relu #(
    parameter LANES = 1,
    parameter ELEMENT_WIDTH = 8,
    parameter ELEMENT_SIGNED = 1, // elements without a sign pass as they are
    parameter RESULT_WIDTH = 8    // a non-negative element always fits
) (
    input  wire                           clk,
    input  wire                           rst,
    input  wire [LANES*ELEMENT_WIDTH-1:0] s_data,
    input  wire                           s_valid,
    output wire                           s_ready,
    output wire [LANES*RESULT_WIDTH-1:0]  m_data,
    output wire                           m_valid,
    input  wire                           m_ready
);
    localparam KEPT = RESULT_WIDTH < ELEMENT_WIDTH ? RESULT_WIDTH : ELEMENT_WIDTH;

    reg [LANES*RESULT_WIDTH-1:0] rectified;
    reg [LANES*RESULT_WIDTH-1:0] first;
    reg [LANES*RESULT_WIDTH-1:0] second;
    reg [1:0] filled; // bit 0: `first` holds a word; bit 1: `second` too
    integer lane;

    wire taken = s_valid & s_ready;
    wire passed = m_valid & m_ready;

    assign s_ready = ~filled[1];
    assign m_valid = filled[0];
    assign m_data = first;

    initial filled = 2'b00;

    always @* begin
        rectified = {(LANES*RESULT_WIDTH){1'b0}};
        for (lane = 0; lane < LANES; lane = lane + 1)
            if (ELEMENT_SIGNED == 0)
                rectified[lane*RESULT_WIDTH +: KEPT] = s_data[lane*ELEMENT_WIDTH +: KEPT];
            else if (~s_data[lane*ELEMENT_WIDTH+ELEMENT_WIDTH-1])
                rectified[lane*RESULT_WIDTH +: KEPT] = s_data[lane*ELEMENT_WIDTH +: KEPT];
    end

    always @(posedge clk) begin
        if (passed | ~filled[0])
            first <= filled[1] ? second : rectified;
        if (taken)
            second <= rectified;
    end

    always @(posedge clk) begin
        if (taken & ~passed)
            filled <= {filled[0], 1'b1};
        else if (passed & ~taken)
            filled <= {1'b0, filled[1]};
        if (rst)
            filled <= 2'b00;
    end
endmodule
`default_nettype wire
