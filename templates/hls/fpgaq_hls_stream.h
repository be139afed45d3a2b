// SPDX-License-Identifier: 0BSD
// A stand-in for the vendor's hls::stream where <hls_stream.h> is absent.
//
// It allocates nothing: its maker gives it the memory for all beats of one frame. Reading an empty stream or
// writing a full one throws, since hardware would wait for ever.
#ifndef FPGAQ_HLS_STREAM_H
#define FPGAQ_HLS_STREAM_H

#include <cstdio>
#include <stdexcept>

namespace hls {

#ifdef FPGAQ_CHECKS
// Beats that nobody had read when their stream went.
inline long long beats_left_over = 0;
#endif

template <class T>
class stream {
 public:
  stream(T* storage, int capacity, const char* name) : storage_(storage), capacity_(capacity), name_(name) {}
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;
#ifdef FPGAQ_CHECKS
  ~stream() { beats_left_over += size(); }
#endif

  T read() {
    if (empty()) fail("is read while empty");
    return storage_[read_++];
  }
  void write(const T& beat) {
    if (full()) fail("is written beyond its frame");
    storage_[written_++] = beat;
  }
  bool empty() const { return read_ == written_; }
  bool full() const { return written_ == capacity_; }
  int size() const { return written_ - read_; }

 private:
  [[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "stream %s %s\n", name_, what);
    throw std::runtime_error(what);
  }

  T* storage_;
  int capacity_;
  const char* name_;
  int read_ = 0;
  int written_ = 0;
};

}  // namespace hls

#endif
