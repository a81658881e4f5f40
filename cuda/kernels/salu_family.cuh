// SPDX-License-Identifier: MIT
/// The two kernels behind the five ops of the SALU family. Both are bound by memory: every tensor is read or
/// written once, in 16-byte packs, and the scalar gradients ride along in registers.
#pragma once

#include "core/ops/salu_family.h"
#include "core/ops/salu_members.h"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/kernel.cuh"
#include "cuda/runtime/scratch.h"

namespace salu::cuda {

/// Pointers to a stored pair; null for the pair a member does not have.
struct PairPointers {
  float *p = nullptr, *q = nullptr;
};

/// The curves of both pairs, computed once per block in double, as on the CPU.
__device__ inline CurvePair<float> block_curves(const PairPointers& first, const PairPointers& gate,
                                                Positive positive) {
  auto& curves = shared<CurvePair<float>, struct Curves>();
  if (threadIdx.x == 0) {
    const auto resolve = [positive](const PairPointers& pair) -> Curve<float> {
      if (!pair.p) return {0, 0};
      const Curve<double> c = curve_of(static_cast<double>(*pair.p), static_cast<double>(*pair.q), positive);
      return {static_cast<float>(c.s), static_cast<float>(c.inv_w)};
    };
    curves = {resolve(first), resolve(gate)};
  }
  __syncthreads();
  return curves;
}

template <SaluMember member, int Width, class T>
__global__ void __launch_bounds__(256)
    salu_family_forward_kernel(std::int64_t n, T* __restrict__ y, const T* __restrict__ x,
                               const T* __restrict__ residual, PairPointers first, PairPointers gate,
                               Positive positive) {
  constexpr bool adds = member == SaluMember::salu_add_swalu;
  const CurvePair<float> curves = block_curves(first, gate, positive);
  const std::int64_t step = global_threads() * Width;
  for (std::int64_t begin = global_thread() * Width; begin < n; begin += step) {
    if (begin + Width <= n) {
      const auto in = *reinterpret_cast<const Pack<T, Width>*>(x + begin);
      Pack<T, Width> skip{}, out;
      if constexpr (adds) skip = *reinterpret_cast<const Pack<T, Width>*>(residual + begin);
      for (int i = 0; i < Width; ++i) {
        out.at[i] =
            T(member_value<member>(static_cast<float>(in.at[i]), static_cast<float>(skip.at[i]), curves));
      }
      *reinterpret_cast<Pack<T, Width>*>(y + begin) = out;
    } else {
      for (std::int64_t i = begin; i < n; ++i) {
        const float skip = adds ? static_cast<float>(residual[i]) : 0.0f;
        y[i] = T(member_value<member>(static_cast<float>(x[i]), skip, curves));
      }
    }
  }
}

/// What the last block does with the sums of one curve.
__device__ inline void finish_pair(const PairPointers& pair, const PairPointers& gradient, Positive positive,
                                   const CurveSums<double>& sums) {
  if (threadIdx.x != 0 || !pair.p) return;
  const Curve<double> d =
      curve_parameter_gradients(static_cast<double>(*pair.p), static_cast<double>(*pair.q), positive, sums);
  *gradient.p = static_cast<float>(static_cast<double>(*gradient.p) + d.s);
  *gradient.q = static_cast<float>(static_cast<double>(*gradient.q) + d.inv_w);
}

/// Numbers that a block leaves: the sums of one curve, or of two.
constexpr int sum_count(bool two_curves) { return two_curves ? 6 : 3; }

/// Every block leaves its part; the last adds the parts of all, then to the gradients. In double: a thread
/// has added few numbers, and those of different threads may cancel.
template <bool two_curves>
__device__ void finish_sums(const MemberSums<float>& sums, double* parts, unsigned* ticket,
                            const PairPointers& first, const PairPointers& gate, const PairPointers& dfirst,
                            const PairPointers& dgate, Positive positive) {
  constexpr int count = sum_count(two_curves);
  double values[count] = {sums.first.all, sums.first.bent, sums.first.straight};
  if constexpr (two_curves) {
    values[3] = sums.gate.all;
    values[4] = sums.gate.bent;
    values[5] = sums.gate.straight;
  }
  block_sums(values);
  if (threadIdx.x == 0) {
    for (int i = 0; i < count; ++i) parts[count * blockIdx.x + i] = values[i];
  }
  if (!last_block(ticket)) return;
  for (double& value : values) value = 0;
  for (unsigned b = threadIdx.x; b < gridDim.x; b += blockDim.x) {
    for (int i = 0; i < count; ++i) values[i] += parts[count * b + i];
  }
  block_sums(values);
  finish_pair(first, dfirst, positive, {values[0], values[1], values[2]});
  if constexpr (two_curves) finish_pair(gate, dgate, positive, {values[3], values[4], values[5]});
}

template <SaluMember member, int Width, class T>
__global__ void __launch_bounds__(256)
    salu_family_backward_kernel(std::int64_t n, T* __restrict__ dx, T* __restrict__ dresidual,
                                const T* __restrict__ dy, const T* __restrict__ x,
                                const T* __restrict__ residual, PairPointers first, PairPointers gate,
                                PairPointers dfirst, PairPointers dgate, double* parts, unsigned* ticket,
                                Positive positive) {
  constexpr bool adds = member == SaluMember::salu_add_swalu;
  const CurvePair<float> curves = block_curves(first, gate, positive);
  MemberSums<float> sums;
  const std::int64_t step = global_threads() * Width;
  for (std::int64_t begin = global_thread() * Width; begin < n; begin += step) {
    float dr = 0;
    if (begin + Width <= n) {
      const auto g = *reinterpret_cast<const Pack<T, Width>*>(dy + begin);
      const auto in = *reinterpret_cast<const Pack<T, Width>*>(x + begin);
      Pack<T, Width> skip{}, out, out_skip;
      if constexpr (adds) skip = *reinterpret_cast<const Pack<T, Width>*>(residual + begin);
      for (int i = 0; i < Width; ++i) {
        out.at[i] = T(member_gradient<member>(static_cast<float>(g.at[i]), static_cast<float>(in.at[i]),
                                              static_cast<float>(skip.at[i]), dr, curves, sums));
        if constexpr (adds) out_skip.at[i] = T(dr);
      }
      *reinterpret_cast<Pack<T, Width>*>(dx + begin) = out;
      if constexpr (adds) *reinterpret_cast<Pack<T, Width>*>(dresidual + begin) = out_skip;
    } else {
      for (std::int64_t i = begin; i < n; ++i) {
        const float skip = adds ? static_cast<float>(residual[i]) : 0.0f;
        dx[i] = T(member_gradient<member>(static_cast<float>(dy[i]), static_cast<float>(x[i]), skip, dr,
                                          curves, sums));
        if constexpr (adds) dresidual[i] = T(dr);
      }
    }
  }
  constexpr bool two_curves = adds || member == SaluMember::salu_swalu;
  finish_sums<two_curves>(sums, parts, ticket, first, gate, dfirst, dgate, positive);
}

inline PairPointers pointers(const CoefficientPair* pair) {
  if (!pair) return {};
  CoefficientPair writable = *pair;  // a handle: kernels that only read share the type with those that add
  return {writable.p.data<float>(), writable.q.data<float>()};
}

template <class T>
T* data_or_null(Tensor* t) {
  return t ? t->data<T>() : nullptr;
}
template <class T>
const T* data_or_null(const Tensor* t) {
  return t ? t->data<T>() : nullptr;
}

/// Blocks on each multiprocessor: 8 of 256 threads fill it, and keep the grid small enough to sum its parts.
inline constexpr int kFamilyBlocks = 8;

/// y = member(x [, residual]); `gate` is null for the single functions.
template <SaluMember member>
void family_forward(Tensor& y, const Tensor& x, const Tensor* residual, const CoefficientPair& first,
                    const CoefficientPair* gate, Positive positive) {
  dispatch_activation("salu", x.dtype(), [&]<class T>() {
    const T* skip = data_or_null<T>(residual);
    const auto run = [&]<int Width>() {
      launch("salu_family_forward_kernel", salu_family_forward_kernel<member, Width, T>,
             cover_at_most(grid_blocks(kFamilyBlocks), x.numel(), 256, Width), x.numel(), y.data<T>(),
             x.data<T>(), skip, pointers(&first), pointers(gate), positive);
    };
    if (pack_aligned(y.data<T>(), x.data<T>(), skip)) {
      run.template operator()<kPack<T>>();
    } else {
      run.template operator()<1>();
    }
  });
}

/// dx = and, for salu_add_swalu, dresidual =; adds to the gradients of the coefficients.
template <SaluMember member>
void family_backward(Tensor& dx, Tensor* dresidual, const Tensor& dy, const Tensor& x, const Tensor* residual,
                     const CoefficientPair& first, const CoefficientPair* gate, CoefficientPair& dfirst,
                     CoefficientPair* dgate, Positive positive) {
  dispatch_activation("salu", x.dtype(), [&]<class T>() {
    const T* skip = data_or_null<T>(residual);
    T* dskip = data_or_null<T>(dresidual);
    const auto run = [&]<int Width>() {
      const LaunchShape shape = cover_at_most(grid_blocks(kFamilyBlocks), x.numel(), 256, Width);
      Tensor parts = scratch(sum_count(gate) * shape.blocks_x, DType::f64);
      launch("salu_family_backward_kernel", salu_family_backward_kernel<member, Width, T>, shape, x.numel(),
             dx.data<T>(), dskip, dy.data<T>(), x.data<T>(), skip, pointers(&first), pointers(gate),
             pointers(&dfirst), pointers(dgate), parts.data<double>(), ticket(), positive);
    };
    if (pack_aligned(dx.data<T>(), dskip, dy.data<T>(), x.data<T>(), skip)) {
      run.template operator()<kPack<T>>();
    } else {
      run.template operator()<1>();
    }
  });
}

}  // namespace salu::cuda
