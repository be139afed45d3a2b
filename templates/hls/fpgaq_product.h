// SPDX-License-Identifier: 0BSD
// Convolution and matrix product: multiply-accumulate over windows, then bias and requantization.
#ifndef FPGAQ_PRODUCT_H
#define FPGAQ_PRODUCT_H

#include "fpgaq_window.h"

namespace fpgaq {

// Sums of products. A step multiplies taps x channels elements by the weights of each output lane; a word of the
// weights' ROM holds those of one step. While a row is computed, the beats that the next row needs come in.
template <class C, class In, class Out, class Weight>
void multiply(hls::stream<Beat<In>>& source, hls::stream<Beat<Out>>& sink,
              const Weight (&weights)[C::groups * Steps<C>::of_group][C::outputs][C::taps * C::channels]) {
  using Element = typename In::Element;
  using S = typename Out::Element;
  LineBuffer<C, In> buffer;
  FPGAQ_HLS(ARRAY_PARTITION variable = buffer.line complete dim = 1)  // a memory for each tap lane
  FPGAQ_HLS(ARRAY_RESHAPE variable = buffer.line cyclic factor = C::word dim = 4)  // a word feeds all channel lanes
  FPGAQ_HLS(ARRAY_RESHAPE variable = weights complete dim = 2)  // one ROM word for all output lanes,
  FPGAQ_HLS(ARRAY_RESHAPE variable = weights complete dim = 3)  // and for all that each of them multiplies
  S sums[C::outputs] = {};
  FPGAQ_HLS(ARRAY_PARTITION variable = sums complete)  // accumulators are registers

fill:
  for (int beat = 0; beat < buffer.needed(0); ++beat) {
    FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
    buffer.take(source.read());
  }
rows:
  for (int row = 0; row < C::output_height; ++row) {
    const int beats = buffer.needed(row + 1) - buffer.needed(row);
    Steps<C> at;
  steps:
    for (int step = 0; step < greatest(beats, Steps<C>::of_row); ++step) {
      FPGAQ_HLS(PIPELINE II = 1)  // a step each cycle
      FPGAQ_HLS(DEPENDENCE variable = buffer.line inter false)  // a row comes in where no window of this row looks
      if (step < Steps<C>::of_row) {
        Element elements[C::taps * C::channels];
        const int first = at.group / C::groups_sharing * C::depth + at.channel_group * C::channels;
        buffer.template gather<C::channels>(row, at.column, at.tap_group, first, elements);
      outputs:
        for (int output = 0; output < C::outputs; ++output) {
          FPGAQ_HLS(UNROLL)  // a tree of products for each output lane
          S sum = 0;
        products:
          for (int place = 0; place < C::taps * C::channels; ++place) {
            FPGAQ_HLS(UNROLL)  // a multiplier for each product
            sum += product<S>(elements[place], weights[at.word()][output][place]);
          }
          sums[output] = at.first() ? sum : S(sums[output] + sum);
        }
        if (at.last()) {
          Beat<Out> results;
        results:
          for (int output = 0; output < C::outputs; ++output) {
            FPGAQ_HLS(UNROLL)  // all sums of a group leave together
            results.lane[output] = sums[output];
          }
          sink.write(results);
        }
        at.advance();
      }
      if (step < beats) buffer.take(source.read());
    }
  }
}

// The same where every channel is on its own: lanes are channels, each with a kernel of its own.
template <class C, class In, class Out, class Weight>
void multiply_lanewise(hls::stream<Beat<In>>& source, hls::stream<Beat<Out>>& sink,
                       const Weight (&weights)[C::groups * C::tap_groups][C::taps][C::channels]) {
  using Element = typename In::Element;
  using S = typename Out::Element;
  LineBuffer<C, In> buffer;
  FPGAQ_HLS(ARRAY_PARTITION variable = buffer.line complete dim = 1)  // a memory for each tap lane
  FPGAQ_HLS(ARRAY_RESHAPE variable = buffer.line cyclic factor = C::word dim = 4)  // a word feeds all lanes
  FPGAQ_HLS(ARRAY_RESHAPE variable = weights complete dim = 2)  // one ROM word for all tap lanes,
  FPGAQ_HLS(ARRAY_RESHAPE variable = weights complete dim = 3)  // and for all channels
  S sums[C::channels] = {};
  FPGAQ_HLS(ARRAY_PARTITION variable = sums complete)  // accumulators are registers

fill:
  for (int beat = 0; beat < buffer.needed(0); ++beat) {
    FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
    buffer.take(source.read());
  }
rows:
  for (int row = 0; row < C::output_height; ++row) {
    const int beats = buffer.needed(row + 1) - buffer.needed(row);
    Steps<C> at;
  steps:
    for (int step = 0; step < greatest(beats, Steps<C>::of_row); ++step) {
      FPGAQ_HLS(PIPELINE II = 1)  // a step each cycle
      FPGAQ_HLS(DEPENDENCE variable = buffer.line inter false)  // a row comes in where no window of this row looks
      if (step < Steps<C>::of_row) {
        Element elements[C::taps * C::channels];
        buffer.template gather<C::channels>(row, at.column, at.tap_group, at.group * C::channels, elements);
        Beat<Out> results = {};
      channels:
        for (int channel = 0; channel < C::channels; ++channel) {
          FPGAQ_HLS(UNROLL)  // each channel sums for itself
          S sum = at.first() ? S(0) : sums[channel];
        taps:
          for (int tap = 0; tap < C::taps; ++tap) {
            FPGAQ_HLS(UNROLL)  // a multiplier for each tap lane
            sum += product<S>(elements[tap * C::channels + channel], weights[at.word()][tap][channel]);
          }
          sums[channel] = sum;
          results.lane[channel] = sum;
        }
        if (at.last()) sink.write(results);
        at.advance();
      }
      if (step < beats) buffer.take(source.read());
    }
  }
}

// Sums with their biases, rounded and saturated, as many a cycle as the output has lanes.
template <class C, class In, class Out, class Bias>
void finish(hls::stream<Beat<In>>& source, hls::stream<Beat<Out>>& sink, const Bias (&biases)[Out::channels]) {
  using S = Sum<C::sum_bits>;
  constexpr int parts = (In::lanes + Out::lanes - 1) / Out::lanes;
  static_assert(In::lanes % Out::lanes == 0 || Out::channels <= In::lanes, "only the last of all beats is not full");
  FPGAQ_HLS(ARRAY_RESHAPE variable = biases cyclic factor = Out::lanes)  // one ROM word for all lanes
  Beat<In> sums = {};
pixels:
  for (int pixel = 0; pixel < Out::pixels; ++pixel) {
  beats:
    for (int beat = 0; beat < Out::pixel_beats; ++beat) {
      FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
      const int part = beat % parts;
      if (part == 0) sums = source.read();
      Beat<Out> results;
    lanes:
      for (int lane = 0; lane < Out::lanes; ++lane) {
        FPGAQ_HLS(UNROLL)  // a requantizer for each lane
        const int channel = beat * Out::lanes + lane;
        const bool used = channel < Out::channels;
        const int place = used ? channel : 0;
        const int sum_lane = used ? part * Out::lanes + lane : 0;
        const S sum = S(exact<ap_int<C::accumulator>>(sums.lane[sum_lane] + S(biases[place])));
        results.lane[lane] = used ? requantize<C, typename Out::Element>(sum, place) : typename Out::Element(0);
      }
      sink.write(results);
    }
  }
}

}  // namespace fpgaq

#endif
