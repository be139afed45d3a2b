// Prints what every rounding rule makes of every small accumulator, for test_hls_stand_ins.py.
#include <cstdio>

#include "fpgaq_requantize.h"

using fpgaq::Rounding;

template <class S, Rounding rounding>
void rule(int number, long long offset) {
  for (long long value = -70; value <= 70; ++value) {
    for (int shift = 0; shift <= 8; ++shift) {
      std::printf("shift %d %lld %d %lld\n", number, offset + value, shift,
                  static_cast<long long>(fpgaq::round_shift<rounding>(S(offset + value), shift)));
    }
    for (int divisor = 1; divisor <= 12; ++divisor) {
      std::printf("divide %d %lld %d %lld\n", number, offset + value, divisor,
                  static_cast<long long>(fpgaq::round_divide<rounding>(S(offset + value), S(divisor))));
    }
  }
}

template <class S>
void rules(long long offset) {
  rule<S, Rounding::half_up>(0, offset);
  rule<S, Rounding::half_away>(1, offset);
  rule<S, Rounding::half_even>(2, offset);
  rule<S, Rounding::floor>(3, offset);
}

int main() {
  rules<fpgaq::Sum<20>>(0);
  rules<fpgaq::Sum<40>>(0);
  // At the ends of the native types nothing may overflow.
  rules<fpgaq::Sum<32>>(2147483647LL - 70);
  rules<fpgaq::Sum<32>>(-2147483648LL + 70);
  rules<fpgaq::Sum<64>>(9223372036854775807LL - 70);
  rules<fpgaq::Sum<64>>(-9223372036854775807LL + 69);
  return 0;
}
