// SPDX-License-Identifier: 0BSD
`default_nettype none
// Moves elements from slots of one width to slots of another: cuts their upper bits off, or extends them.
module fpgaq_slots #(
    parameter LANES = 1,      // elements that are moved, at least 1
    parameter FROM_WIDTH = 8, // bits of a slot that is taken, at least 1
    parameter TO_WIDTH = 8,   // bits of a slot that is given, at least 1
    parameter SIGNED = 0      // 0 or 1; 1: wider slots are filled with the sign, else with zeros
) (
    input  wire [LANES*FROM_WIDTH-1:0] from,
    output wire [LANES*TO_WIDTH-1:0]   to
);
    genvar lane;
    generate
        for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
            if (TO_WIDTH > FROM_WIDTH) begin : extended
                assign to[lane*TO_WIDTH +: TO_WIDTH] =
                    {{(TO_WIDTH-FROM_WIDTH){SIGNED != 0 && from[lane*FROM_WIDTH+FROM_WIDTH-1]}},
                     from[lane*FROM_WIDTH +: FROM_WIDTH]};
            end else begin : exact
                assign to[lane*TO_WIDTH +: TO_WIDTH] = from[lane*FROM_WIDTH +: TO_WIDTH];
            end
            if (TO_WIDTH < FROM_WIDTH) begin : slack
                wire unused = &{1'b0, from[lane*FROM_WIDTH+TO_WIDTH +: FROM_WIDTH-TO_WIDTH]};
            end
        end
    endgenerate
endmodule
`default_nettype wire
