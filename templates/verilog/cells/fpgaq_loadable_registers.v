// SPDX-License-Identifier: 0BSD
`default_nettype none
// The AXI4-Lite slave of a wrapper, printed from templates/registers/fpgaq_registers.rdl by `make registers`. It takes
// one write and one read at a time. An address without a register, and a write where nothing can be written, gets
// SLVERR.
module fpgaq_loadable_registers (
    input  wire        clk,
    input  wire        rst,
    input  wire [7:0] geometry_bus_bytes,
    input  wire geometry_buffered,
    input  wire geometry_loadable,
    input  wire [31:0] input_bytes_bytes,
    input  wire [31:0] output_bytes_bytes,
    output reg  control_reset,
    output reg  control_clear,
    output reg  control_mark,
    output reg  control_load,
    input  wire status_busy,
    input  wire status_input_waits,
    input  wire status_output_waits,
    input  wire status_image_wanted,
    input  wire status_loaded,
    input  wire errors_short_set,
    input  wire errors_long_set,
    input  wire errors_cut_set,
    input  wire errors_sender_set,
    input  wire errors_core_set,
    input  wire errors_image_set,
    input  wire [255:0] digest_word, // the first word in the low bits
    input  wire [31:0] frames_in_count,
    input  wire [31:0] frames_out_count,
    input  wire [31:0] frames_damaged_count,
    input  wire [31:0] frame_cycles_cycles,
    input  wire [31:0] longest_stall_cycles,
    output reg  [31:0] image_word,
    output reg  image_word_written, // in the cycle from which its value is there
    input  wire [6:0]  s_axi_awaddr,
    input  wire [2:0]  s_axi_awprot,
    input  wire        s_axi_awvalid,
    output wire        s_axi_awready,
    input  wire [31:0] s_axi_wdata,
    input  wire [3:0]  s_axi_wstrb,
    input  wire        s_axi_wvalid,
    output wire        s_axi_wready,
    output reg  [1:0]  s_axi_bresp,
    output reg         s_axi_bvalid,
    input  wire        s_axi_bready,
    input  wire [6:0]  s_axi_araddr,
    input  wire [2:0]  s_axi_arprot,
    input  wire        s_axi_arvalid,
    output wire        s_axi_arready,
    output reg  [31:0] s_axi_rdata,
    output reg  [1:0]  s_axi_rresp,
    output reg         s_axi_rvalid,
    input  wire        s_axi_rready
);
    localparam [1:0] OKAY = 2'b00, SLVERR = 2'b10;

    // Address and data of a write may come in any order: each waits here for the other.
    reg [4:0] write_word;
    reg [31:0] write_data;
    reg [3:0] write_bytes;
    reg address_held;
    reg data_held;
    wire write = address_held & data_held & ~s_axi_bvalid;
    wire [31:0] write_mask = {{8{write_bytes[3]}}, {8{write_bytes[2]}}, {8{write_bytes[1]}}, {8{write_bytes[0]}}};
    wire read = s_axi_arvalid & s_axi_arready;
    wire unused = &{1'b0, s_axi_awprot, s_axi_arprot, s_axi_awaddr[1:0], s_axi_araddr[1:0], write_mask, write_data};

    assign s_axi_awready = ~address_held & ~rst;
    assign s_axi_wready = ~data_held & ~rst;
    assign s_axi_arready = ~s_axi_rvalid & ~rst;

    reg errors_short;
    reg errors_long;
    reg errors_cut;
    reg errors_sender;
    reg errors_core;
    reg errors_image;

    always @(posedge clk) begin
        if (s_axi_awvalid & s_axi_awready)
            write_word <= s_axi_awaddr[6:2];
        if (s_axi_wvalid & s_axi_wready) begin
            write_data <= s_axi_wdata;
            write_bytes <= s_axi_wstrb;
        end
        if (s_axi_awvalid & s_axi_awready)
            address_held <= 1'b1;
        else if (write)
            address_held <= 1'b0;
        if (s_axi_wvalid & s_axi_wready)
            data_held <= 1'b1;
        else if (write)
            data_held <= 1'b0;
        if (write) begin
            s_axi_bvalid <= 1'b1;
            case (write_word)
                5'd5: s_axi_bresp <= OKAY;
                5'd7: s_axi_bresp <= OKAY;
                5'd21: s_axi_bresp <= OKAY;
                default: s_axi_bresp <= SLVERR;
            endcase
        end else if (s_axi_bready)
            s_axi_bvalid <= 1'b0;
        if (rst) begin
            address_held <= 1'b0;
            data_held <= 1'b0;
            s_axi_bvalid <= 1'b0;
        end
    end

    always @(posedge clk) begin
        if (read) begin
            s_axi_rvalid <= 1'b1;
            s_axi_rresp <= OKAY;
            case (s_axi_araddr[6:2])
                5'd0: s_axi_rdata <= 32'h51475046;
                5'd1: s_axi_rdata <= {16'h1, 16'h1};
                5'd2: s_axi_rdata <= {22'd0, geometry_loadable, geometry_buffered, geometry_bus_bytes};
                5'd3: s_axi_rdata <= input_bytes_bytes;
                5'd4: s_axi_rdata <= output_bytes_bytes;
                5'd5: s_axi_rdata <= {28'd0, 1'd0, control_mark, 1'd0, 1'd0};
                5'd6: s_axi_rdata <= {27'd0, status_loaded, status_image_wanted, status_output_waits,
                    status_input_waits, status_busy};
                5'd7: s_axi_rdata <= {26'd0, errors_image, errors_core, errors_sender, errors_cut, errors_long,
                    errors_short};
                5'd8: s_axi_rdata <= digest_word[31:0];
                5'd9: s_axi_rdata <= digest_word[63:32];
                5'd10: s_axi_rdata <= digest_word[95:64];
                5'd11: s_axi_rdata <= digest_word[127:96];
                5'd12: s_axi_rdata <= digest_word[159:128];
                5'd13: s_axi_rdata <= digest_word[191:160];
                5'd14: s_axi_rdata <= digest_word[223:192];
                5'd15: s_axi_rdata <= digest_word[255:224];
                5'd16: s_axi_rdata <= frames_in_count;
                5'd17: s_axi_rdata <= frames_out_count;
                5'd18: s_axi_rdata <= frames_damaged_count;
                5'd19: s_axi_rdata <= frame_cycles_cycles;
                5'd20: s_axi_rdata <= longest_stall_cycles;
                5'd21: s_axi_rdata <= 32'd0;
                default: begin
                    s_axi_rdata <= 32'd0;
                    s_axi_rresp <= SLVERR;
                end
            endcase
        end else if (s_axi_rready)
            s_axi_rvalid <= 1'b0;
        if (rst)
            s_axi_rvalid <= 1'b0;
    end

    wire control_write = write & (write_word == 5'd5);
    always @(posedge clk) begin
        control_reset <= control_write & write_data[0] & write_mask[0];
        control_clear <= control_write & write_data[1] & write_mask[1];
        if (control_write)
            control_mark <= (write_data[2] & write_mask[2]) | (control_mark & ~write_mask[2]);
        control_load <= control_write & write_data[3] & write_mask[3];
        if (rst) begin
            control_reset <= 1'd0;
            control_clear <= 1'd0;
            control_mark <= 1'd0;
            control_load <= 1'd0;
        end
    end

    wire errors_write = write & (write_word == 5'd7);
    // What happens in the cycle of a clear is kept.
    always @(posedge clk) begin
        errors_short <= errors_short_set | (errors_short & ~(errors_write & write_data[0] & write_mask[0]));
        errors_long <= errors_long_set | (errors_long & ~(errors_write & write_data[1] & write_mask[1]));
        errors_cut <= errors_cut_set | (errors_cut & ~(errors_write & write_data[2] & write_mask[2]));
        errors_sender <= errors_sender_set | (errors_sender & ~(errors_write & write_data[3] & write_mask[3]));
        errors_core <= errors_core_set | (errors_core & ~(errors_write & write_data[4] & write_mask[4]));
        errors_image <= errors_image_set | (errors_image & ~(errors_write & write_data[5] & write_mask[5]));
        if (rst) begin
            errors_short <= 1'd0;
            errors_long <= 1'd0;
            errors_cut <= 1'd0;
            errors_sender <= 1'd0;
            errors_core <= 1'd0;
            errors_image <= 1'd0;
        end
    end

    wire image_write = write & (write_word == 5'd21);
    always @(posedge clk) begin
        image_word_written <= image_write;
        if (image_write)
            image_word <= write_data;
        if (rst) begin
            image_word_written <= 1'd0;
        end
    end
endmodule
`default_nettype wire
