// SPDX-License-Identifier: 0BSD
// Operators that work element by element, and the greatest channel.
#ifndef FPGAQ_ELEMENTS_H
#define FPGAQ_ELEMENTS_H

#include "fpgaq_requantize.h"
#include "fpgaq_types.h"

namespace fpgaq {

// max(x, 0).
template <class In, class Out>
void relu(hls::stream<Beat<In>>& source, hls::stream<Beat<Out>>& sink) {
beats:
  for (int beat = 0; beat < Out::frame_beats; ++beat) {
    FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
    const Beat<In> data = source.read();
    Beat<Out> results;
  lanes:
    for (int lane = 0; lane < Out::lanes; ++lane) {
      FPGAQ_HLS(UNROLL)  // each lane for itself
      const typename In::Element zero = 0;
      results.lane[lane] = typename Out::Element(data.lane[lane] < zero ? zero : data.lane[lane]);
    }
    sink.write(results);
  }
}

// A function of one integer: the entry of the table at requantize(x), counted from the least index.
template <class C, class In, class Out, class Entry>
void look_up(hls::stream<Beat<In>>& source, hls::stream<Beat<Out>>& sink, const Entry (&table)[C::entries]) {
  using S = Sum<C::sum_bits>;
beats:
  for (int beat = 0; beat < Out::frame_beats; ++beat) {
    FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
    const Beat<In> data = source.read();
    Beat<Out> results;
  lanes:
    for (int lane = 0; lane < Out::lanes; ++lane) {
      FPGAQ_HLS(UNROLL)  // each lane reads the table for itself
      const bool used = beat % Out::pixel_beats * Out::lanes + lane < Out::channels;
      const int index = int(requantize<C, typename C::Index>(S(data.lane[lane]), 0)) - C::least_index;
      results.lane[lane] = used ? typename Out::Element(table[index]) : typename Out::Element(0);
    }
    sink.write(results);
  }
}

// One more input of a sum: input number `slot` and those after it.
template <class C, int slot, class S>
void add_aligned(S*) {}
template <class C, int slot, class S, class In, class... Others>
void add_aligned(S* sums, hls::stream<Beat<In>>& source, Others&... others) {
  FPGAQ_HLS(INLINE)  // part of the caller's pipeline
  const Beat<In> data = source.read();
lanes:
  for (int lane = 0; lane < In::lanes; ++lane) {
    FPGAQ_HLS(UNROLL)  // each lane for itself
    const S aligned = shift_left(S(data.lane[lane]), C::align[slot]);
    sums[lane] = S(C::negative[slot] ? sums[lane] - aligned : sums[lane] + aligned);
  }
  add_aligned<C, slot + 1>(sums, others...);
}

// saturate(round(sum of the aligned inputs / 2**shift)), rounded once.
template <class C, class Out, class... Ins>
void add(hls::stream<Beat<Out>>& sink, hls::stream<Beat<Ins>>&... sources) {
  using S = Sum<C::sum_bits>;
beats:
  for (int beat = 0; beat < Out::frame_beats; ++beat) {
    FPGAQ_HLS(PIPELINE II = 1)  // a beat of each input each cycle
    S sums[Out::lanes] = {};
    FPGAQ_HLS(ARRAY_PARTITION variable = sums complete)  // registers
    add_aligned<C, 0>(sums, sources...);
    Beat<Out> results;
  lanes:
    for (int lane = 0; lane < Out::lanes; ++lane) {
      FPGAQ_HLS(UNROLL)  // a requantizer for each lane
      const S sum = S(exact<ap_int<C::accumulator>>(sums[lane]));
      results.lane[lane] = requantize<C, typename Out::Element>(sum, 0);
    }
    sink.write(results);
  }
}

// saturate(round(a * b / 2**shift)).
template <class C, class First, class Second, class Out>
void multiply_elements(hls::stream<Beat<First>>& first, hls::stream<Beat<Second>>& second,
                       hls::stream<Beat<Out>>& sink) {
  using S = Sum<C::sum_bits>;
beats:
  for (int beat = 0; beat < Out::frame_beats; ++beat) {
    FPGAQ_HLS(PIPELINE II = 1)  // a beat of each input each cycle
    const Beat<First> a = first.read();
    const Beat<Second> b = second.read();
    Beat<Out> results;
  lanes:
    for (int lane = 0; lane < Out::lanes; ++lane) {
      FPGAQ_HLS(UNROLL)  // a multiplier for each lane
      const S factor = S(exact<ap_int<C::accumulator>>(product<S>(a.lane[lane], b.lane[lane])));
      results.lane[lane] = requantize<C, typename Out::Element>(factor, 0);
    }
    sink.write(results);
  }
}

// saturate(round((x * scale[c] + offset[c]) / 2**shift[c])), with a factor of its own for x < 0 if `own_negative`,
// and `negative_offset` added for x < 0.
template <class C, class In, class Out, class Factor, class Offset>
void scale(hls::stream<Beat<In>>& source, hls::stream<Beat<Out>>& sink, const Factor (&factors)[Out::channels],
           const Factor (&negative_factors)[C::own_negative ? Out::channels : 1],
           const Offset (&offsets)[Out::channels]) {
  using S = Sum<C::sum_bits>;
  FPGAQ_HLS(ARRAY_RESHAPE variable = factors cyclic factor = Out::lanes)  // one ROM word for all lanes
  FPGAQ_HLS(ARRAY_RESHAPE variable = negative_factors cyclic factor = Out::lanes)  // the same
  FPGAQ_HLS(ARRAY_RESHAPE variable = offsets cyclic factor = Out::lanes)  // the same
pixels:
  for (int pixel = 0; pixel < Out::pixels; ++pixel) {
  beats:
    for (int beat = 0; beat < Out::pixel_beats; ++beat) {
      FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
      const Beat<In> data = source.read();
      Beat<Out> results;
    lanes:
      for (int lane = 0; lane < Out::lanes; ++lane) {
        FPGAQ_HLS(UNROLL)  // a multiplier for each lane
        const int channel = beat * Out::lanes + lane;
        const bool used = channel < Out::channels;
        const int place = used ? channel : 0;
        const bool negative = data.lane[lane] < 0;
        const Factor factor =
            C::own_negative && negative ? negative_factors[C::own_negative ? place : 0] : factors[place];
        const S offset = S(S(offsets[place]) + S(negative ? C::negative_offset : 0));
        const S sum = S(exact<ap_int<C::accumulator>>(product<S>(data.lane[lane], factor) + offset));
        results.lane[lane] = used ? requantize<C, typename Out::Element>(sum, place) : typename Out::Element(0);
      }
      sink.write(results);
    }
  }
}

// The index of the greatest channel of each pixel, the lowest on ties.
template <class In, class Out>
void greatest_channel(hls::stream<Beat<In>>& source, hls::stream<Beat<Out>>& sink) {
  typename In::Element best = 0;
  int index = 0;
pixels:
  for (int pixel = 0; pixel < In::pixels; ++pixel) {
  beats:
    for (int beat = 0; beat < In::pixel_beats; ++beat) {
      FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
      const Beat<In> data = source.read();
    lanes:
      for (int lane = 0; lane < In::lanes; ++lane) {
        FPGAQ_HLS(UNROLL)  // a chain of comparisons, the first lane first
        const int channel = beat * In::lanes + lane;
        if (channel < In::channels && (channel == 0 || data.lane[lane] > best)) {
          best = data.lane[lane];
          index = channel;
        }
      }
      if (beat == In::pixel_beats - 1) {
        Beat<Out> result;
        result.lane[0] = typename Out::Element(index);
        sink.write(result);
      }
    }
  }
}

}  // namespace fpgaq

#endif
