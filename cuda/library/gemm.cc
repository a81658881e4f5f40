// SPDX-License-Identifier: MIT
#include "cuda/library/gemm.h"

#include <cublasLt.h>

#include <algorithm>
#include <array>
#include <map>

#include "core/error.h"
#include "core/gpu.h"
#include "cuda/library/handles.h"
#include "cuda/runtime/runtime.h"

namespace salu::cuda {
namespace {

/// Enough: more gains nothing, while with 1 MB cuBLASLt loses most of its speed on recent GPUs.
constexpr std::size_t kGemmWorkspace = std::size_t{32} << 20;

cudaDataType_t data_type(DType dtype) {
  if (dtype == DType::f32) return CUDA_R_32F;
  if (dtype == DType::bf16) return CUDA_R_16BF;
  fail_dtype("gemm", "f32 or bf16", dtype);
}

/// Largest power of two, at most 256, that divides the address; fast kernels need 16.
std::uint32_t alignment(const void* p) {
  const auto address = reinterpret_cast<std::uintptr_t>(p) | 256;
  return static_cast<std::uint32_t>(address & (~address + 1));
}

/// cuBLASLt is column-major: our row-major C = A B is its C^T = B^T A^T, so B comes first.
struct PlannedProduct {
  cublasLtMatmulDescOpaque_t operation;
  cublasLtMatrixLayoutOpaque_t b, a, c;
  cublasLtMatmulAlgo_t algorithm;
};

using Alignments = std::array<std::uint32_t, 4>;  // of b, a, c, bias

template <class T>
void set(cublasLtMatmulDescOpaque_t& operation, cublasLtMatmulDescAttributes_t name, T value) {
  check_cublas(cublasLtMatmulDescSetAttribute(&operation, name, &value, sizeof value), "describe a product");
}

template <class T>
void set(cublasLtMatmulPreferenceOpaque_t& preference, cublasLtMatmulPreferenceAttributes_t name, T value) {
  check_cublas(cublasLtMatmulPreferenceSetAttribute(&preference, name, &value, sizeof value),
               "describe a choice of algorithms");
}

/// A row-major matrix of `rows` x `columns` is column-major with the two exchanged.
void describe(cublasLtMatrixLayoutOpaque_t& layout, DType dtype, bool transposed, std::int64_t rows,
              std::int64_t columns) {
  if (transposed) std::swap(rows, columns);
  check_cublas(cublasLtMatrixLayoutInit(&layout, data_type(dtype), static_cast<std::uint64_t>(columns),
                                        static_cast<std::uint64_t>(rows), columns),
               "describe a matrix");
}

void choose_algorithm(PlannedProduct& planned, const Alignments& alignments) {
  cublasLtMatmulPreferenceOpaque_t preference;
  check_cublas(cublasLtMatmulPreferenceInit(&preference), "describe a choice of algorithms");
  set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kGemmWorkspace);
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignments[0]);
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignments[1]);
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignments[2]);
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignments[2]);
  // Partial sums over k are added in f32, never in the bf16 of the output.
  set(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
      std::uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  check_cublas(cublasLtMatmulAlgoGetHeuristic(cublas_lt_handle(), &planned.operation, &planned.b, &planned.a,
                                              &planned.c, &planned.c, &preference, 1, &best, &found),
               "no algorithm for this product");
  check(found == 1, "[gemm] expected an algorithm from cuBLASLt, got none");
  planned.algorithm = best.algo;
}

PlannedProduct plan(const Product& p, const void* bias, const Alignments& alignments, bool tf32) {
  check(!gpu::recording(),
        "[gemm] expected a plan from a step before the recorded one, got none for M={} N={} K={}", p.m, p.n,
        p.k);
  PlannedProduct planned{};
  const bool fast = p.input == DType::f32 && tf32;
  check_cublas(cublasLtMatmulDescInit(&planned.operation,
                                      fast ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUDA_R_32F),
               "describe a product");
  set(planned.operation, CUBLASLT_MATMUL_DESC_TRANSA, p.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(planned.operation, CUBLASLT_MATMUL_DESC_TRANSB, p.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N);
  if (bias) {
    set(planned.operation, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
    set(planned.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
  }
  describe(planned.a, p.input, p.transpose_a, p.m, p.k);
  describe(planned.b, p.input, p.transpose_b, p.k, p.n);
  describe(planned.c, p.output, false, p.m, p.n);
  choose_algorithm(planned, alignments);
  return planned;
}

PlannedProduct& planned_product(const Product& p, const void* a, const void* b, const void* c,
                                const void* bias) {
  using Key = std::array<std::int64_t, 14>;
  static std::map<Key, PlannedProduct> plans;
  const bool tf32 = library_options().tf32;
  const Alignments at{alignment(b), alignment(a), alignment(c), alignment(bias)};
  const Key key{
      p.transpose_a, p.transpose_b, p.m,   p.n,   p.k,   static_cast<int>(p.input), p.add, bias != nullptr,
      tf32,          at[0],         at[1], at[2], at[3], static_cast<int>(p.output)};
  const auto found = plans.find(key);
  if (found != plans.end()) return found->second;
  return plans.emplace(key, plan(p, bias, at, tf32)).first->second;
}

/// Product of all dimensions but the last.
std::int64_t rows(const Tensor& t) { return t.numel() / std::max<std::int64_t>(t.dim(-1), 1); }

}  // namespace

void library_product(const Product& p, const void* a, const void* b, void* c, const void* bias) {
  if (p.m == 0 || p.n == 0) return;
  check(p.k > 0, "[gemm] expected K > 0, got M={} N={} K={}", p.m, p.n, p.k);
  PlannedProduct& planned = planned_product(p, a, b, c, bias);
  if (bias) set(planned.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
  const float one = 1, beta = p.add ? 1 : 0;
  check_cublas(cublasLtMatmul(cublas_lt_handle(), &planned.operation, &one, b, &planned.b, a, &planned.a,
                              &beta, c, &planned.c, c, &planned.c, &planned.algorithm, library_workspace(),
                              kGemmWorkspace, stream()),
               "cannot run a product");
}

void library_linear_forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& b) {
  const Tensor bias = b.defined() && b.dtype() != y.dtype() ? b.to(y.dtype()) : b;
  library_product({.transpose_b = true,
                   .m = rows(x),
                   .n = w.dim(0),
                   .k = w.dim(1),
                   .input = x.dtype(),
                   .output = y.dtype()},
                  x.raw(), w.raw(), y.raw(), bias.defined() ? bias.raw() : nullptr);
}

void library_linear_backward_input(Tensor& dx, const Tensor& dy, const Tensor& w) {
  library_product({.m = rows(dy), .n = w.dim(1), .k = w.dim(0), .input = dy.dtype(), .output = dx.dtype()},
                  dy.raw(), w.raw(), dx.raw());
}

void library_linear_backward_weight(Tensor& dw, const Tensor& dy, const Tensor& x) {
  if (rows(x) == 0) return;  // an empty sum
  library_product({.transpose_a = true,
                   .m = dw.dim(0),
                   .n = dw.dim(1),
                   .k = rows(x),
                   .input = dy.dtype(),
                   .output = dw.dtype(),
                   .add = true},
                  dy.raw(), x.raw(), dw.raw());
}

namespace {

void matmul(Tensor& c, const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b) {
  const std::int64_t k = a.dim(transpose_a ? 0 : 1);
  if (k == 0) return c.fill(0);
  library_product({.transpose_a = transpose_a,
                   .transpose_b = transpose_b,
                   .m = c.dim(0),
                   .n = c.dim(1),
                   .k = k,
                   .input = a.dtype(),
                   .output = c.dtype()},
                  a.raw(), b.raw(), c.raw());
}

}  // namespace

void library_matmul_forward(Tensor& y, const Tensor& a, const Tensor& b) { matmul(y, a, false, b, false); }
void library_matmul_backward_a(Tensor& da, const Tensor& dy, const Tensor& b) {
  matmul(da, dy, false, b, true);
}
void library_matmul_backward_b(Tensor& db, const Tensor& dy, const Tensor& a) {
  matmul(db, a, true, dy, false);
}

}  // namespace salu::cuda
