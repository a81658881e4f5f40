// SPDX-License-Identifier: MIT
/// Element types, and the functions that turn a run-time type into a template argument.
#pragma once

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#endif

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "core/error.h"
#include "core/host_device.h"

namespace salu {

/// bfloat16 storage: the upper half of a float. Arithmetic is done in float.
struct bf16 {
  std::uint16_t bits;  // uninitialised by default, so that kernels may keep it in shared memory

  bf16() = default;
  /// Rounds to nearest, ties to even; NaN stays NaN.
  SALU_HOST_DEVICE explicit bf16(float value) {
#if defined(__CUDA_ARCH__)
    bits = __bfloat16_as_ushort(__float2bfloat16_rn(value));  // one instruction
#else
    const auto u = std::bit_cast<std::uint32_t>(value);
    bits = static_cast<std::uint16_t>(std::isnan(value) ? (u >> 16) | 0x40u
                                                        : (u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
#endif
  }
  SALU_HOST_DEVICE operator float() const {
#if defined(__CUDA_ARCH__)
    return __uint_as_float(static_cast<unsigned>(bits) << 16);
#else
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
#endif
  }
};

enum class DType : std::uint8_t { f32, f64, bf16, i32, i64, u8 };

constexpr const char* dtype_name(DType t) {
  constexpr const char* names[] = {"f32", "f64", "bf16", "i32", "i64", "u8"};
  return names[static_cast<int>(t)];
}
constexpr std::size_t dtype_bytes(DType t) {
  constexpr std::size_t bytes[] = {4, 8, 2, 4, 8, 1};
  return bytes[static_cast<int>(t)];
}

/// C++ type -> DType.
template <class T>
inline constexpr DType dtype_of = DType::f32;
template <>
inline constexpr DType dtype_of<double> = DType::f64;
template <>
inline constexpr DType dtype_of<bf16> = DType::bf16;
template <>
inline constexpr DType dtype_of<std::int32_t> = DType::i32;
template <>
inline constexpr DType dtype_of<std::int64_t> = DType::i64;
template <>
inline constexpr DType dtype_of<std::uint8_t> = DType::u8;

/// dtype of parameters and their gradients for a dtype of activations: f32 for bf16. Only matrices and
/// filters have a bf16 copy (layers/parameter.h).
constexpr DType parameter_dtype(DType activations) {
  return activations == DType::bf16 ? DType::f32 : activations;
}

/// The type of formulas, sums and parameters for elements of type T: float for bf16, T otherwise.
template <class T>
using Wide = std::conditional_t<std::is_same_v<T, bf16>, float, T>;

/// Throws `[op] expected dtype …, got …`.
[[noreturn]] void fail_dtype(const char* op, const char* expected, DType got);

/// Calls `body.template operator()<T>()` with T = float or double.
/// Use: `dispatch_float("relu", x.dtype(), [&]<class T>() { … });`
template <class Body>
void dispatch_float(const char* op, DType dtype, Body&& body) {
  switch (dtype) {
    case DType::f32:
      return body.template operator()<float>();
    case DType::f64:
      return body.template operator()<double>();
    default:
      fail_dtype(op, "f32 or f64", dtype);
  }
}

/// dispatch_float() for the types of activations: T = float, double or bf16.
template <class Body>
void dispatch_elements(const char* op, DType dtype, Body&& body) {
  if (dtype == DType::bf16) return body.template operator()<bf16>();
  dispatch_float(op, dtype, body);
}

/// dispatch_float() for every element type.
template <class Body>
void dispatch_any(DType dtype, Body&& body) {
  switch (dtype) {
    case DType::f32:
      return body.template operator()<float>();
    case DType::f64:
      return body.template operator()<double>();
    case DType::bf16:
      return body.template operator()<bf16>();
    case DType::i32:
      return body.template operator()<std::int32_t>();
    case DType::i64:
      return body.template operator()<std::int64_t>();
    case DType::u8:
      return body.template operator()<std::uint8_t>();
  }
}

}  // namespace salu
