// SPDX-License-Identifier: 0BSD
// Operators that move elements and change none, and what leads a stream to its readers.
#ifndef FPGAQ_MOVEMENT_H
#define FPGAQ_MOVEMENT_H

#include "fpgaq_types.h"

namespace fpgaq {

template <class In, class Out>
Beat<Out> as(const Beat<In>& data) {
  static_assert(In::lanes == Out::lanes, "these two have equal beats");
  Beat<Out> result;
lanes:
  for (int lane = 0; lane < Out::lanes; ++lane) {
    FPGAQ_HLS(UNROLL)  // wires
    result.lane[lane] = data.lane[lane];
  }
  return result;
}

// A tensor with several readers: each gets every beat.
template <class In, class... Outs>
void fork(hls::stream<Beat<In>>& source, hls::stream<Beat<Outs>>&... sinks) {
beats:
  for (int beat = 0; beat < In::frame_beats; ++beat) {
    FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
    const Beat<In> data = source.read();
    (sinks.write(as<In, Outs>(data)), ...);
  }
}

// A tensor that nobody reads.
template <class In>
void drain(hls::stream<Beat<In>>& source) {
beats:
  for (int beat = 0; beat < In::frame_beats; ++beat) {
    FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
    source.read();
  }
}

// Wide beats become narrower ones, a divisor of their lanes.
template <class In, class Out>
void serialize(hls::stream<Beat<In>>& source, hls::stream<Beat<Out>>& sink) {
  constexpr int parts = In::lanes / Out::lanes;
  Beat<In> data = {};
pixels:
  for (int pixel = 0; pixel < Out::pixels; ++pixel) {
  beats:
    for (int beat = 0; beat < Out::pixel_beats; ++beat) {
      FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
      const int part = beat % parts;
      if (part == 0) data = source.read();
      Beat<Out> result;
    lanes:
      for (int lane = 0; lane < Out::lanes; ++lane) {
        FPGAQ_HLS(UNROLL)  // wires
        result.lane[lane] = data.lane[part * Out::lanes + lane];
      }
      sink.write(result);
    }
  }
}

// Narrow beats become wider ones, a multiple of their lanes.
template <class In, class Out>
void widen(hls::stream<Beat<In>>& source, hls::stream<Beat<Out>>& sink) {
  constexpr int parts = Out::lanes / In::lanes;
  static_assert(parts * In::lanes == Out::lanes, "a wide beat holds whole narrow ones");
pixels:
  for (int pixel = 0; pixel < In::pixels; ++pixel) {
    Beat<Out> data = {};
  beats:
    for (int beat = 0; beat < In::pixel_beats; ++beat) {
      FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
      const int part = beat % parts;
      if (part == 0) data = {};
      const Beat<In> given = source.read();
    lanes:
      for (int lane = 0; lane < In::lanes; ++lane) {
        FPGAQ_HLS(UNROLL)  // wires
        data.lane[part * In::lanes + lane] = given.lane[lane];
      }
      if (part == parts - 1 || beat == In::pixel_beats - 1) sink.write(data);
    }
  }
}

// The beats of one input's pixel.
template <class Out, class In>
void pass_pixel(hls::stream<Beat<Out>>& sink, hls::stream<Beat<In>>& source) {
beats:
  for (int beat = 0; beat < In::pixel_beats; ++beat) {
    FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
    sink.write(as<In, Out>(source.read()));
  }
}

// The channels of all inputs one after another.
template <class Out, class... Ins>
void concatenate(hls::stream<Beat<Out>>& sink, hls::stream<Beat<Ins>>&... sources) {
pixels:
  for (int pixel = 0; pixel < Out::pixels; ++pixel) {
    (pass_pixel(sink, sources), ...);
  }
}

// The same elements in the same order: full beats of an image of another shape.
template <class In, class Out>
void reshape(hls::stream<Beat<In>>& source, hls::stream<Beat<Out>>& sink) {
  static_assert(In::frame_beats == Out::frame_beats, "no beat has unused lanes");
beats:
  for (int beat = 0; beat < In::frame_beats; ++beat) {
    FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
    sink.write(as<In, Out>(source.read()));
  }
}

// The elements from (C::row, C::column, C::channel) to the extent of the output.
template <class C, class In, class Out>
void slice(hls::stream<Beat<In>>& source, hls::stream<Beat<Out>>& sink) {
  constexpr int first = C::channel / In::lanes;
rows:
  for (int row = 0; row < In::height; ++row) {
  columns:
    for (int column = 0; column < In::width; ++column) {
    beats:
      for (int beat = 0; beat < In::pixel_beats; ++beat) {
        FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
        const Beat<In> data = source.read();
        const bool kept = row >= C::row && row < C::row + Out::height && column >= C::column &&
                          column < C::column + Out::width && beat >= first && beat < first + Out::pixel_beats;
        if (kept) sink.write(as<In, Out>(data));
      }
    }
  }
}

// One value in all channels of a pixel, 0 in lanes without a channel.
template <class S>
Beat<S> constant_beat(int beat, long long value) {
  Beat<S> result;
lanes:
  for (int lane = 0; lane < S::lanes; ++lane) {
    FPGAQ_HLS(UNROLL)  // wires
    result.lane[lane] = typename S::Element(beat * S::lanes + lane < S::channels ? value : 0);
  }
  return result;
}

// A frame of C::value around the image.
template <class C, class In, class Out>
void pad(hls::stream<Beat<In>>& source, hls::stream<Beat<Out>>& sink) {
rows:
  for (int row = 0; row < Out::height; ++row) {
  columns:
    for (int column = 0; column < Out::width; ++column) {
    beats:
      for (int beat = 0; beat < Out::pixel_beats; ++beat) {
        FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
        const bool inside = row >= C::top && row < C::top + In::height && column >= C::left &&
                            column < C::left + In::width;
        sink.write(inside ? as<In, Out>(source.read()) : constant_beat<Out>(beat, C::value));
      }
    }
  }
}

// The pixel that stands at a place outside of an axis: mirrored about the last pixel, or that pixel again.
template <bool mirrored>
int folded(int place, int size) {
  if (place < 0) return mirrored ? -place : 0;
  if (place >= size) return mirrored ? 2 * (size - 1) - place : size - 1;
  return place;
}

// Pixels of the image around it. The frame is stored: the first row out may need a later one.
template <class C, class In, class Out>
void pad_folded(hls::stream<Beat<In>>& source, hls::stream<Beat<Out>>& sink) {
  Beat<In> frame[In::height][In::width][In::pixel_beats];
store:
  for (int beat = 0; beat < In::frame_beats; ++beat) {
    FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
    const int pixel = beat / In::pixel_beats;
    frame[pixel / In::width][pixel % In::width][beat % In::pixel_beats] = source.read();
  }
rows:
  for (int row = 0; row < Out::height; ++row) {
  columns:
    for (int column = 0; column < Out::width; ++column) {
    beats:
      for (int beat = 0; beat < Out::pixel_beats; ++beat) {
        FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
        const int y = folded<C::mirrored>(row - C::top, In::height);
        const int x = folded<C::mirrored>(column - C::left, In::width);
        sink.write(as<In, Out>(frame[y][x][beat]));
      }
    }
  }
}

// Each pixel becomes a block of C::rows x C::columns; a row is stored while it is repeated.
template <class C, class In, class Out>
void upsample(hls::stream<Beat<In>>& source, hls::stream<Beat<Out>>& sink) {
  Beat<In> line[In::width][In::pixel_beats];
rows:
  for (int row = 0; row < Out::height; ++row) {
  columns:
    for (int column = 0; column < Out::width; ++column) {
    beats:
      for (int beat = 0; beat < Out::pixel_beats; ++beat) {
        FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
        const int x = column / C::columns;
        if (row % C::rows == 0 && column % C::columns == 0) line[x][beat] = source.read();
        sink.write(as<In, Out>(line[x][beat]));
      }
    }
  }
}

// Only the block's first pixel is the input's, the others are 0.
template <class C, class In, class Out>
void spread(hls::stream<Beat<In>>& source, hls::stream<Beat<Out>>& sink) {
rows:
  for (int row = 0; row < Out::height; ++row) {
  columns:
    for (int column = 0; column < Out::width; ++column) {
    beats:
      for (int beat = 0; beat < Out::pixel_beats; ++beat) {
        FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
        const bool taken = row % C::rows == 0 && column % C::columns == 0;
        sink.write(taken ? as<In, Out>(source.read()) : constant_beat<Out>(beat, 0));
      }
    }
  }
}

// Axes in another order: one step along output axis i is `C::strides[i]` elements of the stored frame.
template <class C, class In, class Out>
void transpose(hls::stream<Beat<In>>& source, hls::stream<Beat<Out>>& sink) {
  constexpr int padded = In::pixel_beats * In::lanes;
  typename In::Element frame[In::pixels * padded];
  FPGAQ_HLS(ARRAY_RESHAPE variable = frame cyclic factor = In::lanes)  // a beat is one word
store:
  for (int beat = 0; beat < In::frame_beats; ++beat) {
    FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
    const Beat<In> data = source.read();
  lanes_in:
    for (int lane = 0; lane < In::lanes; ++lane) {
      FPGAQ_HLS(UNROLL)  // a beat is one word
      frame[beat * In::lanes + lane] = data.lane[lane];
    }
  }
rows:
  for (int row = 0; row < Out::height; ++row) {
  columns:
    for (int column = 0; column < Out::width; ++column) {
    beats:
      for (int beat = 0; beat < Out::pixel_beats; ++beat) {
        FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle where its elements stand in one word
        Beat<Out> result;
      lanes_out:
        for (int lane = 0; lane < Out::lanes; ++lane) {
          FPGAQ_HLS(UNROLL)  // all lanes of a beat
          const int channel = beat * Out::lanes + lane;
          const bool used = channel < Out::channels;
          const int place = row * C::strides[0] + column * C::strides[1] + (used ? channel : 0) * C::strides[2];
          result.lane[lane] = used ? frame[place] : typename In::Element(0);
        }
        sink.write(result);
      }
    }
  }
}

}  // namespace fpgaq

#endif
