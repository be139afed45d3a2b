// SPDX-License-Identifier: 0BSD
// The wrapper: AXI4-Stream ports of a fixed width, and frames that are whole whatever comes in.
//
// Elements stand in slots of 8, 16, 32 or 64 bits, one after the other, low byte first; a frame starts on a beat. A
// frame is what stands between two beats with tlast. Missing beats and bytes are zeros, surplus ones are dropped, and
// the last beat of the output frame bears tuser if anything was wrong. It leaves after the input frame has ended.
#ifndef FPGAQ_BUS_H
#define FPGAQ_BUS_H

#include "fpgaq_types.h"

namespace fpgaq {

#ifdef FPGAQ_VENDOR
template <int W>
using BusTransfer = hls::axis<ap_uint<W>, 1, 0, 0>;
template <int W>
ap_uint<8> get_byte(const BusTransfer<W>& transfer, int place) {
  FPGAQ_HLS(INLINE)  // wires
  return transfer.data.range(8 * place + 7, 8 * place);
}
template <int W>
void set_byte(BusTransfer<W>& transfer, int place, ap_uint<8> value) {
  FPGAQ_HLS(INLINE)  // wires
  transfer.data.range(8 * place + 7, 8 * place) = value;
}
template <int W>
void set_keep(BusTransfer<W>& transfer, ap_uint<W / 8> keep) {
  FPGAQ_HLS(INLINE)  // wires
  transfer.keep = keep;
  transfer.strb = keep;
}
#else
template <int W>
struct BusTransfer {
  ap_uint<8> data[W / 8];
  ap_uint<W / 8> keep;
  ap_uint<1> user;
  ap_uint<1> last;
};
template <int W>
ap_uint<8> get_byte(const BusTransfer<W>& transfer, int place) {
  return transfer.data[place];
}
template <int W>
void set_byte(BusTransfer<W>& transfer, int place, ap_uint<8> value) {
  transfer.data[place] = value;
}
template <int W>
void set_keep(BusTransfer<W>& transfer, ap_uint<W / 8> keep) {
  transfer.keep = keep;
}
#endif

// The bytes of a beat that are sound, inside the wrapper.
template <int W>
struct Word {
  ap_uint<8> byte[W / 8];
};

// Frames of stream S on a bus of W bits, in slots of so many bytes.
template <class S, int W, int slot_bytes>
struct BusFrame {
  using Stream = S;
  static constexpr int bits = W;
  static constexpr int slot = slot_bytes;
  static constexpr int beat_bytes = W / 8;
  static constexpr int frame_bytes = S::pixels * S::channels * slot;
  static constexpr int beats = divide_up(frame_bytes, beat_bytes);
  static constexpr int last_bytes = frame_bytes - (beats - 1) * beat_bytes;
  // Elements of a pixel's last beat in the network, and bytes that wait between the two widths at most.
  static constexpr int rest = S::channels - (S::pixel_beats - 1) * S::lanes;
  static constexpr int room = beat_bytes + S::lanes * slot;
};

// Streams inside the wrapper. C simulation runs one process after the other: there they hold a frame.
#ifdef FPGAQ_VENDOR
template <class F>
using WordChannel = hls::stream<Word<F::bits>>;
using MarkChannel = hls::stream<ap_uint<1>>;
#else
template <class F>
struct WordChannel : hls::stream<Word<F::bits>> {
  explicit WordChannel(const char* name) : hls::stream<Word<F::bits>>(storage, F::beats, name) {}
  inline static Word<F::bits> storage[F::beats];
};
struct MarkChannel : hls::stream<ap_uint<1>> {
  explicit MarkChannel(const char* name) : hls::stream<ap_uint<1>>(storage, 1, name) {}
  inline static ap_uint<1> storage[1];
};
#endif

// Bits of the register `errors`.
constexpr int FRAME_SHORT = 1, FRAME_LONG = 2, FRAME_CUT = 4, FRAME_SENDER = 8;

// From the bus: exactly the beats of a frame for each frame that ends, and whether it was damaged.
template <class F>
void accept(hls::stream<BusTransfer<F::bits>>& port, hls::stream<Word<F::bits>>& sink, hls::stream<ap_uint<1>>& marks,
            ap_uint<1> clear, ap_uint<32>& frames_in, ap_uint<32>& frames_damaged, ap_uint<32>& errors) {
  static std::uint32_t taken = 0, damaged = 0, seen = 0;
  bool ended = false, missing = false, surplus = false, cut = false, marked = false;
beats:
  for (int beat = 0; beat < F::beats; ++beat) {
    FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
    Word<F::bits> word;
    BusTransfer<F::bits> transfer;
    const bool absent = ended;
    if (!absent) transfer = port.read();
  bytes:
    for (int place = 0; place < F::beat_bytes; ++place) {
      FPGAQ_HLS(UNROLL)  // all bytes at once: these are wires
      const bool belongs = beat < F::beats - 1 || place < F::last_bytes;
      const bool kept = !absent && transfer.keep[place];
      word.byte[place] = belongs && kept ? get_byte<F::bits>(transfer, place) : ap_uint<8>(0);
      cut = cut || (belongs && !absent && !kept);
    }
    missing = missing || absent;
    if (!absent) {
      ended = transfer.last != 0;
      marked = ended && transfer.user != 0;
    }
    sink.write(word);
  }
rest:
  while (!ended) {
    FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
    const BusTransfer<F::bits> transfer = port.read();
    surplus = true;
    ended = transfer.last != 0;
    marked = ended && transfer.user != 0;
  }
  const int found = (missing ? FRAME_SHORT : 0) | (surplus ? FRAME_LONG : 0) | (cut ? FRAME_CUT : 0) |
                    (marked ? FRAME_SENDER : 0);
  marks.write(ap_uint<1>(found != 0 ? 1 : 0));
  taken = clear != 0 ? 0 : taken + 1;
  damaged = clear != 0 ? 0 : damaged + (found != 0 ? 1 : 0);
  seen = clear != 0 ? 0 : seen | static_cast<std::uint32_t>(found);
  frames_in = taken;
  frames_damaged = damaged;
  errors = seen;
}

// From beats of the bus to those of the network. Each step takes one or gives one.
template <class F>
void unpack(hls::stream<Word<F::bits>>& source, hls::stream<Beat<typename F::Stream>>& sink) {
  using S = typename F::Stream;
  ap_uint<8> held[F::room] = {};
  FPGAQ_HLS(ARRAY_PARTITION variable = held complete)  // registers
  int count = 0, part = 0;
steps:
  for (int step = 0; step < F::beats + S::frame_beats; ++step) {
    FPGAQ_HLS(PIPELINE II = 1)  // a step each cycle
    const int lanes = part == S::pixel_beats - 1 ? F::rest : S::lanes;
    const int needed = lanes * F::slot;
    if (count < needed) {
      const Word<F::bits> word = source.read();
    take:
      for (int place = 0; place < F::beat_bytes; ++place) {
        FPGAQ_HLS(UNROLL)  // all bytes at once
        held[count + place] = word.byte[place];
      }
      count += F::beat_bytes;
    } else {
      Beat<S> data;
    lanes:
      for (int lane = 0; lane < S::lanes; ++lane) {
        FPGAQ_HLS(UNROLL)  // all lanes at once: these are wires
        std::uint64_t number = 0;
      bytes:
        for (int place = 0; place < F::slot; ++place) {
          FPGAQ_HLS(UNROLL)  // wires
          number |= static_cast<std::uint64_t>(held[lane * F::slot + place]) << (8 * place);
        }
        data.lane[lane] = lane < lanes ? typename S::Element(number) : typename S::Element(0);
      }
    shift:
      for (int place = 0; place < F::room; ++place) {
        FPGAQ_HLS(UNROLL)  // all bytes at once
        if (place + needed < F::room) held[place] = held[place + needed];
      }
      count -= needed;
      part = part == S::pixel_beats - 1 ? 0 : part + 1;
      sink.write(data);
    }
  }
}

// From beats of the network to those of the bus. Each step takes one or gives one.
template <class F>
void pack(hls::stream<Beat<typename F::Stream>>& source, hls::stream<Word<F::bits>>& sink) {
  using S = typename F::Stream;
  ap_uint<8> held[F::room] = {};
  FPGAQ_HLS(ARRAY_PARTITION variable = held complete)  // registers
  int count = 0, part = 0, taken = 0;
steps:
  for (int step = 0; step < F::beats + S::frame_beats; ++step) {
    FPGAQ_HLS(PIPELINE II = 1)  // a step each cycle
    if (count < F::beat_bytes && taken < S::frame_beats) {
      const int lanes = part == S::pixel_beats - 1 ? F::rest : S::lanes;
      const Beat<S> data = source.read();
    lanes:
      for (int lane = 0; lane < S::lanes; ++lane) {
        FPGAQ_HLS(UNROLL)  // all lanes at once
        const std::uint64_t number = static_cast<std::uint64_t>(static_cast<long long>(data.lane[lane]));
      bytes:
        for (int place = 0; place < F::slot; ++place) {
          FPGAQ_HLS(UNROLL)  // wires
          if (lane < lanes) held[count + lane * F::slot + place] = ap_uint<8>(number >> (8 * place) & 255);
        }
      }
      count += lanes * F::slot;
      part = part == S::pixel_beats - 1 ? 0 : part + 1;
      ++taken;
    } else {
      Word<F::bits> word;
    give:
      for (int place = 0; place < F::beat_bytes; ++place) {
        FPGAQ_HLS(UNROLL)  // all bytes at once
        word.byte[place] = place < count ? held[place] : ap_uint<8>(0);
      }
    shift:
      for (int place = 0; place + F::beat_bytes < F::room; ++place) {
        FPGAQ_HLS(UNROLL)  // all bytes at once
        held[place] = held[place + F::beat_bytes];
      }
      count = greatest(count - F::beat_bytes, 0);
      sink.write(word);
    }
  }
}

// To the bus. The last beat waits until the end of the input frame says whether it was damaged.
template <class F>
void deliver(hls::stream<Word<F::bits>>& source, hls::stream<ap_uint<1>>& marks,
             hls::stream<BusTransfer<F::bits>>& port, ap_uint<1> clear, ap_uint<32>& frames_out) {
  static std::uint32_t given = 0;
beats:
  for (int beat = 0; beat < F::beats; ++beat) {
    FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
    const bool last = beat == F::beats - 1;
    const Word<F::bits> word = source.read();
    BusTransfer<F::bits> transfer;
  bytes:
    for (int place = 0; place < F::beat_bytes; ++place) {
      FPGAQ_HLS(UNROLL)  // all bytes at once: these are wires
      set_byte<F::bits>(transfer, place, word.byte[place]);
    }
    set_keep<F::bits>(transfer, ap_uint<F::beat_bytes>((1ULL << (last ? F::last_bytes : F::beat_bytes)) - 1));
    transfer.user = last ? marks.read() : ap_uint<1>(0);
    transfer.last = last;
    port.write(transfer);
  }
  given = clear != 0 ? 0 : given + 1;
  frames_out = given;
}

}  // namespace fpgaq

#endif
