// SPDX-License-Identifier: 0BSD
// Golden frames as bytes of a bus from text files, damaged on the way in as a third file says.
#ifndef FPGAQ_BUS_BENCH_H
#define FPGAQ_BUS_BENCH_H

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "fpgaq_bus.h"

namespace fpgaq_bench {

// What is wrong with a frame: beats that are sent, surplus beats after the last one, the first byte without tkeep
// (or -1), and tuser.
struct Damage {
  long long beats, surplus, cut, user;
};

[[noreturn]] inline void refuse(const std::string& path, const char* what) {
  std::fprintf(stderr, "%s: %s\n", path.c_str(), what);
  std::exit(2);
}

inline std::vector<long long> numbers_of(const std::string& path) {
  std::ifstream file(path);
  if (!file) refuse(path, "cannot be read");
  std::vector<long long> values;
  long long value = 0;
  while (file >> value) values.push_back(value);
  if (!file.eof()) refuse(path, "holds something that is no integer");
  if (values.empty()) refuse(path, "holds no frame");
  return values;
}

struct BusVectors {
  std::vector<long long> input, output, damages;
  long long input_bytes, output_bytes, beat_bytes;

  BusVectors(const std::string& folder, long long in, long long out, long long beat)
      : input(numbers_of(folder + "/s_axis.txt")),
        output(numbers_of(folder + "/m_axis.txt")),
        damages(numbers_of(folder + "/damage.txt")),
        input_bytes(in),
        output_bytes(out),
        beat_bytes(beat) {
    if (damages.size() % 4 != 0) refuse(folder + "/damage.txt", "ends within a frame");
    if (static_cast<long long>(input.size()) != frames() * in) refuse(folder + "/s_axis.txt", "has another size");
    if (static_cast<long long>(output.size()) != frames() * out) refuse(folder + "/m_axis.txt", "has another size");
  }
  long long frames() const { return static_cast<long long>(damages.size()) / 4; }
  Damage damage(long long number) const {
    const long long* one = damages.data() + 4 * number;
    return {one[0], one[1], one[2], one[3]};
  }
  long long input_beats() const { return (input_bytes + beat_bytes - 1) / beat_bytes; }
  long long output_beats() const { return (output_bytes + beat_bytes - 1) / beat_bytes; }
  // Beats of the longest frame on either side.
  int longest() const {
    long long most = output_beats();
    for (long long number = 0; number < frames(); ++number) {
      const Damage one = damage(number);
      if (one.beats + one.surplus > most) most = one.beats + one.surplus;
    }
    return static_cast<int>(most);
  }
  bool damaged(long long number) const {
    const Damage one = damage(number);
    return one.beats != input_beats() || one.surplus != 0 || one.cut >= 0 || one.user != 0;
  }
};

#ifdef FPGAQ_VENDOR
template <int W>
struct BusChannel : hls::stream<fpgaq::BusTransfer<W>> {
  BusChannel(const char* name, int) : hls::stream<fpgaq::BusTransfer<W>>(name) {}
};
#else
template <int W>
struct BusStorage {
  std::vector<fpgaq::BusTransfer<W>> beats;
};
template <int W>
struct BusChannel : BusStorage<W>, hls::stream<fpgaq::BusTransfer<W>> {
  BusChannel(const char* name, int beats)
      : BusStorage<W>{std::vector<fpgaq::BusTransfer<W>>(beats)},
        hls::stream<fpgaq::BusTransfer<W>>(this->beats.data(), beats, name) {}
};
#endif

// A frame into the port. What must not be looked at is 165.
template <int W>
void send(BusChannel<W>& port, const BusVectors& vectors, long long number) {
  const Damage damage = vectors.damage(number);
  const long long* frame = vectors.input.data() + number * vectors.input_bytes;
  for (long long beat = 0; beat < damage.beats + damage.surplus; ++beat) {
    fpgaq::BusTransfer<W> transfer;
    long long keep = 0;
    for (int place = 0; place < W / 8; ++place) {
      const long long byte = beat * (W / 8) + place;
      const bool kept = beat < damage.beats && byte < vectors.input_bytes && (damage.cut < 0 || byte < damage.cut);
      fpgaq::set_byte<W>(transfer, place, ap_uint<8>(kept ? frame[byte] : 165));
      keep |= static_cast<long long>(kept) << place;
    }
    fpgaq::set_keep<W>(transfer, ap_uint<W / 8>(keep));
    transfer.last = beat == damage.beats + damage.surplus - 1;
    // tuser of other beats means nothing.
    transfer.user = transfer.last != 0 ? damage.user != 0 : beat % 2 != 0;
    port.write(transfer);
  }
}

// Takes the frame that the port gives; returns how many bytes, or what is beside them, differ, and tells the first.
template <int W>
long long compare(BusChannel<W>& port, const BusVectors& vectors, long long number, bool tell) {
  const long long* golden = vectors.output.data() + number * vectors.output_bytes;
  long long wrong = 0;
  for (long long beat = 0; beat < vectors.output_beats(); ++beat) {
    const bool last = beat == vectors.output_beats() - 1;
    const fpgaq::BusTransfer<W> transfer = port.read();
    for (int place = 0; place < W / 8; ++place) {
      const long long byte = beat * (W / 8) + place;
      const bool belongs = byte < vectors.output_bytes;
      const long long expected = belongs ? golden[byte] : 0, found = fpgaq::get_byte<W>(transfer, place);
      if (found == expected && (transfer.keep[place] != 0) == belongs) continue;
      if (tell && wrong == 0)
        std::printf("frame %lld, byte %lld: expected %lld, found %lld, or tkeep is wrong\n", number, byte, expected,
                    found);
      ++wrong;
    }
    const bool marked = last && vectors.damaged(number);
    if ((transfer.last != 0) == last && (transfer.user != 0) == marked) continue;
    if (tell && wrong == 0) std::printf("frame %lld, beat %lld: tlast or tuser is wrong\n", number, beat);
    ++wrong;
  }
  if (port.empty()) return wrong;
  std::printf("frame %lld: more beats than a frame has\n", number);
  return wrong + 1;
}

inline long long same(const char* name, long long found, long long expected) {
  if (found == expected) return 0;
  std::printf("register %s: expected %lld, found %lld\n", name, expected, found);
  return 1;
}

// What the registers must count.
struct Count {
  long long frames = 0, damaged = 0, errors = 0;

  void take(const BusVectors& vectors, long long number) {
    const Damage one = vectors.damage(number);
    ++frames;
    damaged += vectors.damaged(number);
    errors |= (one.beats < vectors.input_beats() ? fpgaq::FRAME_SHORT : 0) | (one.surplus > 0 ? fpgaq::FRAME_LONG : 0) |
              (one.cut >= 0 ? fpgaq::FRAME_CUT : 0) | (one.user != 0 ? fpgaq::FRAME_SENDER : 0);
  }
};

}  // namespace fpgaq_bench

#endif
