// Prints what the stand-ins for ap_int and ap_uint make of every value, for test_hls_stand_ins.py.
#include <cstdio>
#include <utility>

#include "fpgaq_types.h"

template <class T>
void one_operand(int width, int is_signed) {
  for (int number = -40; number <= 70; ++number) {
    const T value(number);
    std::printf("make %d %d %d %lld\n", width, is_signed, number, static_cast<long long>(value));
  }
  const int least = is_signed ? -(1 << (width - 1)) : 0;
  const int most = (1 << (width - is_signed)) - 1;
  for (int number = least; number <= most; ++number) {
    const T value(number);
    for (int places = 0; places <= width + 1; ++places) {
      std::printf("right %d %d %d %d %lld\n", width, is_signed, number, places, static_cast<long long>(value >> places));
      std::printf("left %d %d %d %d %lld\n", width, is_signed, number, places, static_cast<long long>(value << places));
    }
    for (int low = 0; low < width; ++low) {
      std::printf("bit %d %d %d %d %d\n", width, is_signed, number, low, static_cast<int>(value[low]));
      for (int high = low; high < width; ++high) {
        std::printf("slice %d %d %d %d %d %lld\n", width, is_signed, number, high, low,
                    static_cast<long long>(value.range(high, low)));
      }
    }
  }
}

template <class T, class U>
void two_operands(int width, int is_signed, int other_width, int other_signed) {
  const int least = is_signed ? -(1 << (width - 1)) : 0, most = (1 << (width - is_signed)) - 1;
  const int other_least = other_signed ? -(1 << (other_width - 1)) : 0;
  const int other_most = (1 << (other_width - other_signed)) - 1;
  for (int a = least; a <= most; ++a) {
    for (int b = other_least; b <= other_most; ++b) {
      const T left(a);
      const U right(b);
      T added(a), taken(a);
      added += right;
      taken -= right;
      std::printf("pair %d %d %d %d %d %d %d %d %d %lld %lld %lld %lld %lld %lld\n", width, is_signed, a, other_width,
                  other_signed, b, left < right, left == right, left >= right,
                  static_cast<long long>(left + right), static_cast<long long>(left - right),
                  static_cast<long long>(left * right), static_cast<long long>(T(right)),
                  static_cast<long long>(added), static_cast<long long>(taken));
    }
  }
}

template <int W, int V>
void pairs() {
  two_operands<ap_int<W>, ap_int<V>>(W, 1, V, 1);
  two_operands<ap_int<W>, ap_uint<V>>(W, 1, V, 0);
  two_operands<ap_uint<W>, ap_int<V>>(W, 0, V, 1);
  two_operands<ap_uint<W>, ap_uint<V>>(W, 0, V, 0);
}

template <int W>
void all() {
  one_operand<ap_int<W>>(W, 1);
  one_operand<ap_uint<W>>(W, 0);
  pairs<W, 1>();
  pairs<W, 2>();
  pairs<W, 3>();
  pairs<W, 4>();
}

// Where the storage changes, and at its ends.
template <class T>
void edge(int width, int is_signed) {
  const long long numbers[] = {0, 1, -1, 32767, 32768, -32768, -32769, 65535, 65536, 2147483647LL, 2147483648LL,
                               -2147483648LL, -2147483649LL, 4294967295LL, 9223372036854775807LL,
                               -9223372036854775807LL - 1};
  for (const long long number : numbers) {
    std::printf("edge %d %d %lld %lld %lld %lld\n", width, is_signed, number, static_cast<long long>(T(number)),
                static_cast<long long>(T(number) >> 3), static_cast<long long>(T(number) << 5));
  }
}

template <int... W>
void edges(std::integer_sequence<int, W...>) {
  (edge<ap_int<W>>(W, 1), ...);
  (edge<ap_uint<W>>(W, 0), ...);
}

int main() {
  all<1>();
  all<2>();
  all<3>();
  all<4>();
  all<5>();
  edges(std::integer_sequence<int, 15, 16, 17, 31, 32, 33, 62, 63>());
  edge<ap_int<64>>(64, 1);
  return 0;
}
