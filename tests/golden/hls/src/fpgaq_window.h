// SPDX-License-Identifier: 0BSD
// Windows over a stream of pixels: the line buffer, and the order of the steps.
#ifndef FPGAQ_WINDOW_H
#define FPGAQ_WINDOW_H

#include "fpgaq_requantize.h"
#include "fpgaq_types.h"

namespace fpgaq {

// The rows that the windows of one row of outputs reach, and those that come in meanwhile. Every lane of the kernel's
// taps has its own copy, so that all of them read in one cycle.
template <class C, class In>
struct LineBuffer {
  using Element = typename In::Element;
  static constexpr int span = (C::kernel_height - 1) * C::dilation_y + 1;
  static constexpr int rows = least(C::height, span + C::stride_y);
  static constexpr int row_beats = C::width * C::pixel_beats;
  static constexpr int frame_beats = C::height * row_beats;
  static constexpr int channels = C::pixel_beats * In::lanes;

  Element line[C::taps][rows][C::width][channels];
  int row = 0;
  int column = 0;
  int beat = 0;

  // Beats of a frame that must have come before a row of outputs is computed; after the last row, all of them.
  static int needed(int output_row) {
    if (output_row >= C::output_height) return frame_beats;
    return least(C::height, greatest(0, output_row * C::stride_y - C::top + span)) * row_beats;
  }

  void take(const Beat<In>& data) {
    FPGAQ_HLS(INLINE)  // part of the caller's pipeline
  copies:
    for (int tap = 0; tap < C::taps; ++tap) {
      FPGAQ_HLS(UNROLL)  // all copies are written at once
    lanes:
      for (int lane = 0; lane < In::lanes; ++lane) {
        FPGAQ_HLS(UNROLL)  // a beat is one word of the memory
        line[tap][row][column][beat * In::lanes + lane] = data.lane[lane];
      }
    }
    if (++beat < C::pixel_beats) return;
    beat = 0;
    if (++column < C::width) return;
    column = 0;
    row = row + 1 == rows ? 0 : row + 1;
  }

  // The elements of one step: for each tap lane `count` channels from `first`; `outside` where there is no image.
  template <int count>
  void gather(int output_row, int output_column, int tap_group, int first, Element (&elements)[C::taps * count]) const {
    FPGAQ_HLS(INLINE)  // part of the caller's pipeline
  taps:
    for (int lane = 0; lane < C::taps; ++lane) {
      FPGAQ_HLS(UNROLL)  // each lane reads its own copy
      const int tap = tap_group * C::taps + lane;
      const int y = output_row * C::stride_y - C::top + tap / C::kernel_width * C::dilation_y;
      const int x = output_column * C::stride_x - C::left + tap % C::kernel_width * C::dilation_x;
      const bool inside = y >= 0 && y < C::height && x >= 0 && x < C::width && tap < C::kernel_height * C::kernel_width;
      const int place = inside ? y % rows : 0;
      const int across = inside ? x : 0;
    channels:
      for (int channel = 0; channel < count; ++channel) {
        FPGAQ_HLS(UNROLL)  // neighbours in one word of the memory
        // Where lanes exceed the channels, the last of them multiply by 0 or are dropped.
        const int from = C::whole ? first + channel : least(first + channel, channels - 1);
        elements[lane * count + channel] = inside ? line[lane][place][across][from] : Element(C::outside);
      }
    }
  }
};

// Where a layer stands within a row of outputs: channel group fastest, then tap group, output group, column.
template <class C>
struct Steps {
  static constexpr int of_group = C::tap_groups * C::channel_groups;
  static constexpr int of_row = C::output_width * C::groups * of_group;

  int column = 0;
  int group = 0;
  int tap_group = 0;
  int channel_group = 0;

  bool first() const { return tap_group == 0 && channel_group == 0; }
  bool last() const { return tap_group == C::tap_groups - 1 && channel_group == C::channel_groups - 1; }
  int word() const { return (group * C::tap_groups + tap_group) * C::channel_groups + channel_group; }

  void advance() {
    FPGAQ_HLS(INLINE)  // counters of the caller's pipeline
    if (++channel_group < C::channel_groups) return;
    channel_group = 0;
    if (++tap_group < C::tap_groups) return;
    tap_group = 0;
    if (++group < C::groups) return;
    group = 0;
    ++column;
  }
};

}  // namespace fpgaq

#endif
