// SPDX-License-Identifier: MIT
#include "cuda/kernels/gemm.cuh"

namespace salu::cuda {
namespace {

GemmRung chosen_rung = GemmRung::automatic;

template <class T>
MatrixView<T> view(const Factor<T>& factor, std::int64_t rows, std::int64_t columns) {
  return {factor.data, rows, columns, factor.pitch};
}

}  // namespace

void set_gemm_rung(GemmRung rung) { chosen_rung = rung; }
GemmRung gemm_rung() { return chosen_rung; }

template <class T, class Out>
void gemm(const GemmCall<T, Out>& call, GemmRung rung) {
  const auto [m, n, k] = std::tuple(call.m, call.n, call.k);
  const Store<Out> store{call.c,    call.c_pitch, call.alpha,
                         call.beta, call.bias,    pack_rows(call.c, call.c_pitch)};
  const auto run = [&](const auto& a, const auto& b) { run_gemm(GemmProblem{m, n, k, a, b, store}, rung); };
  const auto with_b = [&](const auto& a) {  // lines of op(B) are its columns
    if (call.b.transposed) {
      run(a, AlongK<MatrixView<T>>{view(call.b, n, k)});
    } else {
      run(a, AcrossK<MatrixView<T>>{view(call.b, k, n)});
    }
  };
  if (call.a.transposed) {  // lines of op(A) are its rows
    with_b(AcrossK<MatrixView<T>>{view(call.a, k, m)});
  } else {
    with_b(AlongK<MatrixView<T>>{view(call.a, m, k)});
  }
}

template void gemm(const GemmCall<float, float>& call, GemmRung rung);
template void gemm(const GemmCall<bf16, bf16>& call, GemmRung rung);
template void gemm(const GemmCall<bf16, float>& call, GemmRung rung);

}  // namespace salu::cuda
