// SPDX-License-Identifier: 0BSD
// Pooling over windows: the greatest element, and sums divided by a count; sums over the whole image.
#ifndef FPGAQ_POOLING_H
#define FPGAQ_POOLING_H

#include "fpgaq_window.h"

namespace fpgaq {

// The greatest element of a window; what lies outside the image is the least of the format and never wins.
struct Greatest {
  template <class S, class Element>
  static S joined(const S& so_far, const Element& element) {
    return S(element) > so_far ? S(element) : so_far;
  }
  template <class C, class Out, class S>
  static typename Out::Element result(const S& value, int) {
    return typename Out::Element(value);
  }
};

// The sum of a window; outside is 0. It is divided by the count of its pixel and rounded once.
struct Total {
  template <class S, class Element>
  static S joined(const S& so_far, const Element& element) {
    return S(so_far + S(element));
  }
  template <class C, class Out, class S>
  static typename Out::Element result(const S& value, int pixel) {
    constexpr int count = sizeof(C::divisors) / sizeof(C::divisors[0]);
    const S total = S(exact<ap_int<C::accumulator>>(value));
    const S divisor = S(C::divisors[count == 1 ? 0 : pixel]);
    return saturate<C, typename Out::Element>(round_divide<C::rounding>(total, divisor));
  }
};

// Windows of channels that are on their own; Rule says how elements join and what becomes of the whole.
template <class C, class Rule, class In, class Out>
void pool(hls::stream<Beat<In>>& source, hls::stream<Beat<Out>>& sink) {
  using Element = typename In::Element;
  using S = Sum<C::sum_bits>;
  LineBuffer<C, In> buffer;
  FPGAQ_HLS(ARRAY_PARTITION variable = buffer.line complete dim = 1)  // a memory for each tap lane
  FPGAQ_HLS(ARRAY_RESHAPE variable = buffer.line cyclic factor = C::word dim = 4)  // a word feeds all lanes
  S joined[C::channels] = {};
  FPGAQ_HLS(ARRAY_PARTITION variable = joined complete)  // what a window has come to is in registers

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
        const int first = at.group * C::channels;
        buffer.template gather<C::channels>(row, at.column, at.tap_group, first, elements);
        Beat<Out> results = {};
      channels:
        for (int channel = 0; channel < C::channels; ++channel) {
          FPGAQ_HLS(UNROLL)  // each channel for itself
          S value = at.first() ? S(C::outside) : joined[channel];
        taps:
          for (int tap = 0; tap < C::taps; ++tap) {
            FPGAQ_HLS(UNROLL)  // all tap lanes at once
            value = Rule::joined(value, elements[tap * C::channels + channel]);
          }
          joined[channel] = value;
          if (at.last()) {
            const bool used = first + channel < Out::channels;
            const int pixel = row * C::output_width + at.column;
            results.lane[channel] = used ? Rule::template result<C, Out>(value, pixel) : typename Out::Element(0);
          }
        }
        if (at.last()) sink.write(results);
        at.advance();
      }
      if (step < beats) buffer.take(source.read());
    }
  }
}

// Sums over the whole image: each beat is added to those of its channels as it comes, without a line buffer.
template <class C, class In, class Out>
void total_of_image(hls::stream<Beat<In>>& source, hls::stream<Beat<Out>>& sink) {
  using S = Sum<C::sum_bits>;
  S sums[C::pixel_beats][In::lanes];
  FPGAQ_HLS(ARRAY_PARTITION variable = sums complete dim = 2)  // a memory for each lane

pixels:
  for (int pixel = 0; pixel < C::height * C::width; ++pixel) {
  beats:
    for (int beat = 0; beat < C::pixel_beats; ++beat) {
      FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
      const Beat<In> data = source.read();
      Beat<Out> results = {};
      const bool last = pixel == C::height * C::width - 1;
    lanes:
      for (int lane = 0; lane < In::lanes; ++lane) {
        FPGAQ_HLS(UNROLL)  // each channel for itself
        const S value = Total::joined(pixel == 0 ? S(0) : sums[beat][lane], data.lane[lane]);
        sums[beat][lane] = value;
        const bool used = beat * In::lanes + lane < Out::channels;
        if (last && used) results.lane[lane] = Total::result<C, Out>(value, 0);
      }
      if (last) sink.write(results);
    }
  }
}

}  // namespace fpgaq

#endif
