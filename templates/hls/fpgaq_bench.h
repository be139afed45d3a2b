// SPDX-License-Identifier: 0BSD
// Golden vectors from text files, a frame a line, and their comparison with what a network gives.
#ifndef FPGAQ_BENCH_H
#define FPGAQ_BENCH_H

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "fpgaq_host.h"

namespace fpgaq_bench {

// Says what is wrong with the vectors and ends the program with code 2.
[[noreturn]] inline void refuse(const std::string& path, const char* what) {
  std::fprintf(stderr, "%s: %s\n", path.c_str(), what);
  std::exit(2);
}

// All frames of one port.
template <class P>
struct Vectors {
  std::string path;
  std::vector<long long> values;

  Vectors(const std::string& folder, const char* port) : path(folder + "/" + port + ".txt") {
    std::ifstream file(path);
    if (!file) refuse(path, "cannot be read");
    long long value = 0;
    while (file >> value) values.push_back(value);
    if (!file.eof()) refuse(path, "holds something that is no integer");
    if (values.empty()) refuse(path, "holds no frame");
    if (values.size() % fpgaq_host::frame_size<P> != 0) refuse(path, "ends within a frame");
  }
  long long frames() const { return static_cast<long long>(values.size()) / fpgaq_host::frame_size<P>; }
  const long long* frame(long long number) const { return values.data() + number * fpgaq_host::frame_size<P>; }

  void must_have(long long count) const {
    if (frames() != count) refuse(path, "holds another number of frames than the first input");
  }
};

// Takes one frame from an output port; returns the number of elements that differ, and tells the first of all.
template <class P>
long long compare(hls::stream<fpgaq::Transfer<P>>& port, const Vectors<P>& golden, long long number, bool tell) {
  std::vector<long long> found(fpgaq_host::frame_size<P>);
  long long wrong = 0;
  if (!fpgaq_host::collect<P>(port, found.data())) {
    std::printf("%s: frame %lld: tlast, a lane without a channel or the number of beats is wrong\n",
                golden.path.c_str(), number);
    ++wrong;
  }
  const long long* expected = golden.frame(number);
  for (long long place = 0; place < fpgaq_host::frame_size<P>; ++place) {
    if (found[place] == expected[place]) continue;
    if (tell && wrong == 0) {
      const long long pixel = place / P::channels;
      std::printf("%s: frame %lld, row %lld, column %lld, channel %lld: expected %lld, found %lld\n",
                  golden.path.c_str(), number, pixel / P::width, pixel % P::width, place % P::channels,
                  expected[place], found[place]);
    }
    ++wrong;
  }
  return wrong;
}

}  // namespace fpgaq_bench

#endif
