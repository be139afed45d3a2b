// SPDX-License-Identifier: 0BSD
// Frames of plain integers to and from the ports of a network, for benches and other programs on the host.
#ifndef FPGAQ_HOST_H
#define FPGAQ_HOST_H

#include "fpgaq_axis.h"

namespace fpgaq_host {

// Elements of a frame: rows, columns, channels.
template <class P>
constexpr long long frame_size = static_cast<long long>(P::pixels) * P::channels;

// Beats that a kernel left in its streams so far; the vendor's streams report theirs themselves.
inline long long left_over() {
#if defined(FPGAQ_CHECKS) && !defined(FPGAQ_VENDOR)
  return hls::beats_left_over;
#else
  return 0;
#endif
}

// Starts that count anew: a kernel that was stopped half-way leaves beats too.
inline void forget_left_over() {
#if defined(FPGAQ_CHECKS) && !defined(FPGAQ_VENDOR)
  hls::beats_left_over = 0;
#endif
}

// One frame into a port.
template <class P>
void feed(hls::stream<fpgaq::Transfer<P>>& port, const long long* frame) {
  for (int pixel = 0; pixel < P::pixels; ++pixel) {
    for (int beat = 0; beat < P::pixel_beats; ++beat) {
      fpgaq::Transfer<P> transfer;
      for (int lane = 0; lane < P::lanes; ++lane) {
        const int channel = beat * P::lanes + lane;
        const long long number = channel < P::channels ? frame[pixel * P::channels + channel] : 0;
        fpgaq::set_lane<P>(transfer.data, lane, typename P::Element(number));
      }
      fpgaq::mark<P>(transfer);
      transfer.last = pixel == P::pixels - 1 && beat == P::pixel_beats - 1;
      port.write(transfer);
    }
  }
}

// One frame out of a port; false if tlast is misplaced or a lane without a channel is not 0.
template <class P>
bool collect(hls::stream<fpgaq::Transfer<P>>& port, long long* frame) {
  bool sound = true;
  for (int pixel = 0; pixel < P::pixels; ++pixel) {
    for (int beat = 0; beat < P::pixel_beats; ++beat) {
      const fpgaq::Transfer<P> transfer = port.read();
      for (int lane = 0; lane < P::lanes; ++lane) {
        const int channel = beat * P::lanes + lane;
        const long long number = static_cast<long long>(fpgaq::get_lane<P>(transfer.data, lane));
        if (channel < P::channels) frame[pixel * P::channels + channel] = number;
        sound = sound && (channel < P::channels || number == 0);
      }
      const bool last = pixel == P::pixels - 1 && beat == P::pixel_beats - 1;
      sound = sound && (transfer.last != 0) == last;
    }
  }
  return sound && port.empty();
}

}  // namespace fpgaq_host

#endif
