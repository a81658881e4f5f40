// SPDX-License-Identifier: MIT
/// The two kernels of the SALU family, for its five ops. Both are bound by memory: every tensor is read or
/// written once, in 16-byte packs, and the scalar gradients ride along in registers.
#include "core/ops/salu.h"
#include "cuda/kernels/dispatch.h"
#include "cuda/kernels/kernel.cuh"
#include "cuda/runtime/scratch.h"

namespace salu::cuda {
namespace {

/// The stored a and b of one curve in device memory; null for a curve that the op lacks.
using StoredCurve = Coefficients<const float*>;
/// Destinations of their gradients; null where not needed.
using StoredGradients = CoefficientGradients<float*>;

__device__ inline Coefficients<double> numbers(const StoredCurve& c) {
  return {static_cast<double>(*c.a), static_cast<double>(*c.b), c.positive};
}

/// The curves of an op, computed once per block in double, as on the CPU. A separate kernel for these few
/// numbers would cost a launch per layer.
__device__ inline CurvePair<float> block_curves(const StoredCurve& first, const StoredCurve& gate) {
  auto& curves = shared<CurvePair<float>, struct Curves>();
  if (threadIdx.x == 0) {
    const auto curve = [](const StoredCurve& c) -> Curve<float> {
      if (!c.a) return {0, 0};
      const Curve<double> exact = curve_of(numbers(c));
      return {static_cast<float>(exact.s), static_cast<float>(exact.inv_w)};
    };
    curves = {curve(first), curve(gate)};
  }
  __syncthreads();
  return curves;
}

template <SaluMember member, int Width, class T>
__global__ void __launch_bounds__(256)
    salu_family_forward_kernel(std::int64_t n, T* __restrict__ y, const T* __restrict__ x,
                               const T* __restrict__ residual, StoredCurve first, StoredCurve gate) {
  constexpr bool adds = adds_residual(member);
  const CurvePair<float> curves = block_curves(first, gate);
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

__device__ inline void add_to(float* gradient, double value) {
  if (gradient) *gradient = static_cast<float>(static_cast<double>(*gradient) + value);
}

/// For the last block, which has the sums over one curve: adds the resulting gradients of a and b.
__device__ inline void add_gradients(const StoredGradients& gradients, const StoredCurve& c,
                                     const CurveSums<double>& sums) {
  if (threadIdx.x != 0) return;
  const CoefficientGradients<double> d = coefficient_gradients(numbers(c), sums);
  add_to(gradients.a, d.a);
  add_to(gradients.b, d.b);
}

/// Number of sums that a block writes, for one or two curves.
constexpr int sum_count(bool two_curves) { return two_curves ? 6 : 3; }

/// Every block writes its part; the last adds all parts, then adds to the gradients. In double: each thread
/// adds few numbers, but those of different threads may cancel.
template <bool two_curves>
__device__ void finish_sums(const CurvePairSums<float>& sums, double* parts, unsigned* ticket,
                            const StoredCurve& first, const StoredCurve& gate, const StoredGradients& dfirst,
                            const StoredGradients& dgate) {
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
  add_gradients(dfirst, first, {values[0], values[1], values[2]});
  if constexpr (two_curves) add_gradients(dgate, gate, {values[3], values[4], values[5]});
}

template <SaluMember member, int Width, class T>
__global__ void __launch_bounds__(256)
    salu_family_backward_kernel(std::int64_t n, T* __restrict__ dx, T* __restrict__ dresidual,
                                const T* __restrict__ dy, const T* __restrict__ x,
                                const T* __restrict__ residual, StoredCurve first, StoredCurve gate,
                                StoredGradients dfirst, StoredGradients dgate, double* parts,
                                unsigned* ticket) {
  constexpr bool adds = adds_residual(member);
  const CurvePair<float> curves = block_curves(first, gate);
  CurvePairSums<float> sums;
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
  finish_sums<has_two_curves(member)>(sums, parts, ticket, first, gate, dfirst, dgate);
}

/// Null for a tensor that the op does not use.
template <class T, class AnyTensor>
auto data_or_null(AnyTensor& t) {
  return t.defined() ? t.template data<T>() : nullptr;
}

StoredCurve stored(const Coefficients<Tensor>& c) {
  return {data_or_null<float>(c.a), data_or_null<float>(c.b), c.positive};
}
StoredGradients stored(CoefficientGradients<Tensor>& gradients) {
  return {data_or_null<float>(gradients.a), data_or_null<float>(gradients.b)};
}

/// Blocks per multiprocessor: 8 of 256 threads fill it, and the parts stay few enough to sum.
constexpr int kFamilyBlocks = 8;

template <SaluMember member>
void forward(Tensor& y, const SaluInputs& in) {
  dispatch_activation("salu", in.x.dtype(), [&]<class T>() {
    const std::int64_t n = in.x.numel();
    T* out = y.data<T>();
    const T *x = in.x.data<T>(), *residual = data_or_null<T>(in.residual);
    const auto run = [&]<int Width>() {
      launch("salu_family_forward_kernel", salu_family_forward_kernel<member, Width, T>,
             cover_at_most(grid_blocks(kFamilyBlocks), n, 256, Width), n, out, x, residual, stored(in.first),
             stored(in.gate));
    };
    if (pack_aligned(out, x, residual)) {
      run.template operator()<kPack<T>>();
    } else {
      run.template operator()<1>();
    }
  });
}

template <SaluMember member>
void backward(SaluGradients& out, const Tensor& dy, const SaluInputs& in) {
  dispatch_activation("salu", in.x.dtype(), [&]<class T>() {
    const std::int64_t n = in.x.numel();
    T *dx = out.dx.data<T>(), *dresidual = data_or_null<T>(out.dresidual);
    const T *upstream = dy.data<T>(), *x = in.x.data<T>(), *residual = data_or_null<T>(in.residual);
    const auto run = [&]<int Width>() {
      const LaunchShape shape = cover_at_most(grid_blocks(kFamilyBlocks), n, 256, Width);
      Tensor parts = scratch(sum_count(has_two_curves(member)) * shape.blocks_x, DType::f64);
      launch("salu_family_backward_kernel", salu_family_backward_kernel<member, Width, T>, shape, n, dx,
             dresidual, upstream, x, residual, stored(in.first), stored(in.gate), stored(out.first),
             stored(out.gate), parts.data<double>(), ticket());
    };
    if (pack_aligned(dx, dresidual, upstream, x, residual)) {
      run.template operator()<kPack<T>>();
    } else {
      run.template operator()<1>();
    }
  });
}

template <SaluMember member>
void register_kernels(SaluOp& op) {
  op.forward.set(DeviceType::cuda, forward<member>);
  op.backward.set(DeviceType::cuda, backward<member>);
}

}  // namespace

void register_salu() {
  register_kernels<SaluMember::salu>(salu_op);
  register_kernels<SaluMember::swalu>(swalu_op);
  register_kernels<SaluMember::galu>(galu_op);
  register_kernels<SaluMember::salu_swalu>(salu_swalu_op);
  register_kernels<SaluMember::salu_add_swalu>(salu_add_swalu_op);
}

}  // namespace salu::cuda
