// SPDX-License-Identifier: 0BSD
// Rounding and saturation: the only arithmetic rules of the network.
#ifndef FPGAQ_REQUANTIZE_H
#define FPGAQ_REQUANTIZE_H

#include "fpgaq_types.h"

namespace fpgaq {

enum class Rounding { half_up, half_away, half_even, floor };

// Whether a quotient is rounded up: `half` says that the rest is at least one half, `more` that it is above.
template <Rounding rounding>
bool rounds_up(bool half, bool more, bool negative, bool odd) {
  if constexpr (rounding == Rounding::half_up) return half;
  if constexpr (rounding == Rounding::half_away) return half && (more || !negative);
  if constexpr (rounding == Rounding::half_even) return half && (more || odd);
  return false;
}

// round(value / 2**shift). The bits that are shifted out decide: adding a half first would need another bit.
template <Rounding rounding, class S>
S round_shift(const S& value, int shift) {
  const S quotient = value >> shift;
  if (rounding == Rounding::floor || shift == 0) return quotient;
  const S halves = value >> (shift - 1);
  const bool half = (halves & 1) != 0;
  const bool more = shift_left<S>(halves, shift - 1) != value;
  return S(quotient + S(rounds_up<rounding>(half, more, value < 0, (quotient & 1) != 0)));
}

// round(value / divisor), the exact rational rounded once; the divisor is positive.
template <Rounding rounding, class S>
S round_divide(const S& value, const S& divisor) {
  S quotient = value / divisor;
  S rest = value - S(quotient * divisor);
  if (rest < 0) {
    quotient = quotient - 1;
    rest = rest + divisor;
  }
  // rest >= divisor - rest is 2 * rest >= divisor without the bit more.
  const S other = divisor - rest;
  const bool up = rounds_up<rounding>(rest >= other, rest > other, value < 0, (quotient & 1) != 0);
  return S(quotient + S(up));
}

template <class C, class T, class S>
T saturate(const S& value) {
  const S low = S(C::least), high = S(C::most);
  return exact<T>(value < low ? low : value > high ? high : value);
}

// The shift of a channel: one for all, or one for each.
template <class C>
int shift_of(int channel) {
  constexpr int count = sizeof(C::shifts) / sizeof(C::shifts[0]);
  return C::shifts[count == 1 ? 0 : channel];
}

// saturate(round(value / 2**shift)) by the rule of C: shifts, rounding, least, most.
template <class C, class T, class S>
T requantize(const S& value, int channel) {
  return saturate<C, T>(round_shift<C::rounding>(value, shift_of<C>(channel)));
}

}  // namespace fpgaq

#endif
