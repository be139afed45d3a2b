// SPDX-License-Identifier: 0BSD
// Stand-ins for the vendor's ap_int and ap_uint where <ap_int.h> is absent: exact, on native integers.
//
// What they promise is what the kernel uses: construction wraps to W bits, values compare and convert as numbers,
// shifts keep the width, range() and [] read bits. Two operands of up to 16 bits meet in int, wider ones in 64 bits,
// so a sum or product of two is exact while it fits 64 bits; longer sums go through fpgaq::Sum.
#ifndef FPGAQ_AP_INT_H
#define FPGAQ_AP_INT_H

#include <cstdint>
#include <type_traits>

namespace fpgaq_stand_in {

// Bits of a signed native integer that holds every value.
constexpr int signed_bits(int width, bool is_signed) { return width + (is_signed ? 0 : 1); }

template <int W, bool is_signed>
class Integer {
  static_assert(W >= 1 && signed_bits(W, is_signed) <= 64, "stand-ins hold signed integers of up to 64 bits");

 public:
  static constexpr int width = W;
  // 16 bits at least: two of them multiply-add in one instruction of every 64-bit processor.
  using Storage = std::conditional_t<(signed_bits(W, is_signed) <= 16), std::int16_t,
                                     std::conditional_t<(signed_bits(W, is_signed) <= 32), std::int32_t, std::int64_t>>;
  using Native = std::conditional_t<(signed_bits(W, is_signed) <= 16), int, long long>;

  Integer() = default;
  template <class T, class = std::enable_if_t<std::is_integral_v<T>>>
  constexpr Integer(T number) : value_(wrap(static_cast<std::uint64_t>(number))) {}
  template <int V, bool other_signed>
  constexpr Integer(const Integer<V, other_signed>& other)
      : value_(wrap(static_cast<std::uint64_t>(static_cast<long long>(other)))) {}

  constexpr operator Native() const { return value_; }

  constexpr Integer operator>>(int places) const {
    if (places >= W) return Integer(value_ < 0 ? -1 : 0);
    return Integer(static_cast<Native>(value_) >> places);
  }
  constexpr Integer operator<<(int places) const {
    return Integer(places >= W ? std::uint64_t{0} : static_cast<std::uint64_t>(value_) << places);
  }
  // Bits high to low, as an unsigned number.
  constexpr Integer<W, false> range(int high, int low) const {
    const std::uint64_t bits = static_cast<std::uint64_t>(value_) >> low;
    const int count = high - low + 1;
    return Integer<W, false>(count >= 64 ? bits : bits & ((std::uint64_t{1} << count) - 1));
  }
  constexpr bool operator[](int place) const { return (static_cast<std::uint64_t>(value_) >> place & 1) != 0; }

  template <class T>
  constexpr Integer& operator+=(const T& other) {
    return *this = Integer(*this + other);
  }
  template <class T>
  constexpr Integer& operator-=(const T& other) {
    return *this = Integer(*this - other);
  }

 private:
  static constexpr Storage wrap(std::uint64_t bits) {
    constexpr int spare = 64 - W;
    if constexpr (is_signed) {
      return static_cast<Storage>(static_cast<std::int64_t>(bits << spare) >> spare);
    } else {
      return static_cast<Storage>(bits << spare >> spare);
    }
  }

  Storage value_;
};

}  // namespace fpgaq_stand_in

template <int W>
using ap_int = fpgaq_stand_in::Integer<W, true>;
template <int W>
using ap_uint = fpgaq_stand_in::Integer<W, false>;

#endif
