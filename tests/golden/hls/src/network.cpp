// Network random 7 in HLS C++.
// Made by fpgaq from integer network 12d396f653e9b03210270ad337f6c6a04a9eef96ed5b6e72b5d9f5c1ca41f4ff.
#include "network.h"

#include "fpgaq_elements.h"
#include "fpgaq_movement.h"
#include "fpgaq_pooling.h"
#include "fpgaq_product.h"
#include "weights.h"

namespace network_random_7_parts {

// Streams: elements; rows, columns, channels of a frame; elements of a beat.
struct S0 : fpgaq::Stream<ap_uint<8>, 6, 6, 2, 1> {};  // input: u8.7
struct S1 : fpgaq::Stream<ap_uint<4>, 6, 6, 4, 1> {};  // layer0: u4.-2
struct Sums00 : fpgaq::Stream<fpgaq::Sum<20>, 6, 6, 4, 4> {};  // layer0: sums before bias and requantization
struct S2 : fpgaq::Stream<ap_int<3>, 4, 4, 4, 1> {};  // layer1: s3.-5
struct Sums01 : fpgaq::Stream<fpgaq::Sum<13>, 4, 4, 4, 1> {};  // layer1: sums before bias and requantization
struct S3 : fpgaq::Stream<ap_int<3>, 2, 2, 4, 1> {};  // layer2: s3.-5
struct S4 : fpgaq::Stream<ap_int<11>, 1, 1, 3, 1> {};  // layer3: s11.-1
struct Sums03 : fpgaq::Stream<fpgaq::Sum<11>, 1, 1, 3, 1> {};  // layer3: sums before bias and requantization

// layer0: convolution
struct Layer00 {
  static constexpr int height = 6, width = 6, pixel_beats = 2;
  static constexpr int output_height = 6, output_width = 6;
  static constexpr int kernel_height = 3, kernel_width = 3;
  static constexpr int stride_y = 1, stride_x = 1;
  static constexpr int dilation_y = 1, dilation_x = 1;
  static constexpr int top = 1, left = 1;
  static constexpr long long outside = 94;
  static constexpr int taps = 1, channels = 1, outputs = 4;  // lanes of a step
  static constexpr int tap_groups = 9, channel_groups = 2, groups = 1, groups_sharing = 1, depth = 2;
  static constexpr int word = 1;
  static constexpr bool whole = true;
  static constexpr int accumulator = 20;
  static constexpr fpgaq::Rounding rounding = fpgaq::Rounding::half_even;
  static constexpr long long least = 0, most = 15;
  static constexpr int sum_bits = 20;
  static constexpr int shifts[] = {13, 15, 14, 13};
};

// layer1: convolution
struct Layer01 {
  static constexpr int height = 6, width = 6, pixel_beats = 4;
  static constexpr int output_height = 4, output_width = 4;
  static constexpr int kernel_height = 3, kernel_width = 3;
  static constexpr int stride_y = 1, stride_x = 1;
  static constexpr int dilation_y = 1, dilation_x = 1;
  static constexpr int top = 0, left = 0;
  static constexpr long long outside = 10;
  static constexpr int taps = 1, channels = 1, outputs = 1;  // lanes of a step
  static constexpr int tap_groups = 9, channel_groups = 1, groups = 4;
  static constexpr int word = 1;
  static constexpr bool whole = true;
  static constexpr int accumulator = 13;
  static constexpr fpgaq::Rounding rounding = fpgaq::Rounding::half_away;
  static constexpr long long least = 0, most = 3;
  static constexpr int sum_bits = 13;
  static constexpr int shifts[] = {7};
};

// layer2: maxpooling
struct Layer02 {
  static constexpr int height = 4, width = 4, pixel_beats = 4;
  static constexpr int output_height = 2, output_width = 2;
  static constexpr int kernel_height = 2, kernel_width = 2;
  static constexpr int stride_y = 2, stride_x = 2;
  static constexpr int dilation_y = 1, dilation_x = 1;
  static constexpr int top = 0, left = 0;
  static constexpr long long outside = -4;
  static constexpr int taps = 1, channels = 1, outputs = 1;  // lanes of a step
  static constexpr int tap_groups = 4, channel_groups = 1, groups = 4;
  static constexpr int word = 1;
  static constexpr bool whole = true;
  static constexpr int sum_bits = 3;
};

// layer3: affine
struct Layer03 {
  static constexpr int height = 1, width = 1, pixel_beats = 16;
  static constexpr int output_height = 1, output_width = 1;
  static constexpr int kernel_height = 1, kernel_width = 1;
  static constexpr int stride_y = 1, stride_x = 1;
  static constexpr int dilation_y = 1, dilation_x = 1;
  static constexpr int top = 0, left = 0;
  static constexpr long long outside = 0;
  static constexpr int taps = 1, channels = 1, outputs = 1;  // lanes of a step
  static constexpr int tap_groups = 1, channel_groups = 16, groups = 3, groups_sharing = 3, depth = 16;
  static constexpr int word = 1;
  static constexpr bool whole = true;
  static constexpr int accumulator = 11;
  static constexpr fpgaq::Rounding rounding = fpgaq::Rounding::floor;
  static constexpr long long least = -1024, most = 1023;
  static constexpr int sum_bits = 11;
  static constexpr int shifts[] = {0};
};

}  // namespace network_random_7_parts

void network_random_7(
    hls::stream<fpgaq::Transfer<network_random_7_parts::SAxis>>& s_axis,
    hls::stream<fpgaq::Transfer<network_random_7_parts::MAxis>>& m_axis) {
  using namespace network_random_7_parts;
  FPGAQ_HLS(INTERFACE mode = axis port = s_axis)  // an AXI4-Stream port
  FPGAQ_HLS(INTERFACE mode = axis port = m_axis)  // an AXI4-Stream port
  FPGAQ_HLS(INTERFACE mode = ap_ctrl_none port = return)  // runs by itself, frame after frame
  FPGAQ_HLS(DATAFLOW)  // all layers work at once, each as soon as its beats are there

  fpgaq::Channel<S0> s0("s0");
  FPGAQ_HLS(STREAM variable = s0 depth = 2)  // a register between two processes
  fpgaq::Channel<S1> s1("s1");
  FPGAQ_HLS(STREAM variable = s1 depth = 2)  // a register between two processes
  fpgaq::Channel<Sums00> sums_00("sums_00");
  FPGAQ_HLS(STREAM variable = sums_00 depth = 2)  // a register between two processes
  fpgaq::Channel<S2> s2("s2");
  FPGAQ_HLS(STREAM variable = s2 depth = 2)  // a register between two processes
  fpgaq::Channel<Sums01> sums_01("sums_01");
  FPGAQ_HLS(STREAM variable = sums_01 depth = 2)  // a register between two processes
  fpgaq::Channel<S3> s3("s3");
  FPGAQ_HLS(STREAM variable = s3 depth = 2)  // a register between two processes
  fpgaq::Channel<S4> s4("s4");
  FPGAQ_HLS(STREAM variable = s4 depth = 2)  // a register between two processes
  fpgaq::Channel<Sums03> sums_03("sums_03");
  FPGAQ_HLS(STREAM variable = sums_03 depth = 2)  // a register between two processes

  fpgaq::receive(s_axis, s0);
  fpgaq::multiply<Layer00>(s0, sums_00, weights_00);
  fpgaq::finish<Layer00>(sums_00, s1, biases_00);
  fpgaq::multiply_lanewise<Layer01>(s1, sums_01, weights_01);
  fpgaq::finish<Layer01>(sums_01, s2, biases_01);
  fpgaq::pool<Layer02, fpgaq::Greatest>(s2, s3);
  fpgaq::multiply<Layer03>(s3, sums_03, weights_03);
  fpgaq::finish<Layer03>(sums_03, s4, biases_03);
  fpgaq::send(s4, m_axis);
}
