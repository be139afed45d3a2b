// SPDX-License-Identifier: 0BSD
// The vendor's integers and streams, or the stand-ins; pragmas; the types of sums, weights and beats.
#ifndef FPGAQ_TYPES_H
#define FPGAQ_TYPES_H

#if defined(__has_include)
#if __has_include(<ap_int.h>) && __has_include(<hls_stream.h>) && __has_include(<ap_axi_sdata.h>)
#define FPGAQ_VENDOR 1
#endif
#endif

#ifdef FPGAQ_VENDOR
#include <ap_axi_sdata.h>
#include <ap_int.h>
#include <hls_stream.h>
// A macro, because g++ before version 13 cannot be told to ignore a pragma that it does not know.
#define FPGAQ_PRAGMA(...) _Pragma(#__VA_ARGS__)
#define FPGAQ_HLS(...) FPGAQ_PRAGMA(HLS __VA_ARGS__)
#else
#include "fpgaq_ap_int.h"
#include "fpgaq_hls_stream.h"
#define FPGAQ_HLS(...)
#endif

// Loops bear labels for the tools' reports; compilers other than the vendor's have no use for them.
#pragma GCC diagnostic ignored "-Wunused-label"

#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <type_traits>

namespace fpgaq {

constexpr int least(int a, int b) { return a < b ? a : b; }
constexpr int greatest(int a, int b) { return a < b ? b : a; }
constexpr int divide_up(int a, int b) { return (a + b - 1) / b; }

#ifdef FPGAQ_VENDOR
// A sum of W bits, W being proved wide enough for every partial sum.
template <int W>
using Sum = ap_int<W>;
// A number in a constant array.
template <int W>
using Rom = ap_int<W>;

template <class S, class A, class B>
auto product(const A& a, const B& b) {
  return a * b;
}
template <class S>
S shift_left(const S& value, int places) {
  return value << places;
}
template <class T, class S>
T exact(const S& value) {
  return T(value);
}
#else
// A native integer of at least W bits: the proof of W leaves nothing to wrap.
template <int W>
using Sum = std::conditional_t<(W <= 32), std::int32_t, std::int64_t>;
// Plain integers, which compile in no time; 16 bits at least, like those that they multiply.
template <int W>
using Rom = std::conditional_t<(W <= 16), std::int16_t, Sum<W>>;

template <class S, class A, class B>
S product(const A& a, const B& b) {
  return static_cast<S>(a) * static_cast<S>(b);
}
template <class S>
S shift_left(const S& value, int places) {
  return static_cast<S>(static_cast<std::uint64_t>(static_cast<std::int64_t>(value)) << places);
}
// A conversion that changes no value, by proof; checked in the bench.
template <class T, class S>
T exact(const S& value) {
  const T result(value);
#ifdef FPGAQ_CHECKS
  if (static_cast<std::int64_t>(result) != static_cast<std::int64_t>(value)) {
    std::fprintf(stderr, "%lld overflows its proved width\n", static_cast<long long>(value));
    throw std::runtime_error("a value overflows its proved width");
  }
#endif
  return result;
}
#endif

// What a stream carries: a frame of height x width pixels, each in as many beats of `lanes` elements as it takes.
template <class E, int rows, int columns, int depth, int lanes_of_a_beat>
struct Stream {
  using Element = E;
  static constexpr int height = rows;
  static constexpr int width = columns;
  static constexpr int pixels = rows * columns;
  static constexpr int channels = depth;
  static constexpr int lanes = lanes_of_a_beat;
  static constexpr int pixel_beats = divide_up(depth, lanes_of_a_beat);
  static constexpr int frame_beats = pixels * pixel_beats;
};

// One beat: unused lanes of a pixel's last beat are 0.
template <class S>
struct Beat {
  typename S::Element lane[S::lanes];
};

#ifdef FPGAQ_VENDOR
template <class S>
using Channel = hls::stream<Beat<S>>;
#else
template <class S>
struct Channel : hls::stream<Beat<S>> {
  explicit Channel(const char* name) : hls::stream<Beat<S>>(storage, S::frame_beats, name) {}
  inline static Beat<S> storage[S::frame_beats];
};
#endif

}  // namespace fpgaq

#endif
