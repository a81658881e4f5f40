// SPDX-License-Identifier: MIT
/// The calls of the matrix products to cuBLASLt, without a GPU. Plain column-major loops in this file replace
/// the calls that need a GPU; they read the descriptions that cuBLASLt itself keeps.
#include <cublasLt.h>

#include <cstdlib>

#include "core/gpu.h"
#include "core/rng.h"
#include "cuda/library/gemm.h"
#include "cuda/runtime/runtime.h"
#include "tests/catch.h"

namespace salu {

bool recording_now = false;
bool gpu::recording() { return recording_now; }
void* gpu::allocate_raw(std::size_t bytes) { return std::malloc(bytes); }
cudaStream_t cuda::stream() { return nullptr; }

}  // namespace salu

namespace salu::test {
namespace {

/// The alignments that the last query promised: of A, B, C in cuBLASLt's order.
std::uint32_t promised[3];
int queries = 0;

template <class T>
T attribute(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t name) {
  T value{};
  std::size_t written = 0;
  cublasLtMatmulDescGetAttribute(operation, name, &value, sizeof value, &written);
  return value;
}

template <class T>
T attribute(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t name) {
  T value{};
  std::size_t written = 0;
  cublasLtMatrixLayoutGetAttribute(layout, name, &value, sizeof value, &written);
  return value;
}

/// One column-major matrix.
struct Matrix {
  Matrix(void* data, cublasLtMatrixLayout_t layout)
      : data_(data),
        is_f32(attribute<std::uint32_t>(layout, CUBLASLT_MATRIX_LAYOUT_TYPE) == CUDA_R_32F),
        rows(attribute<std::int64_t>(layout, CUBLASLT_MATRIX_LAYOUT_ROWS)),
        columns(attribute<std::int64_t>(layout, CUBLASLT_MATRIX_LAYOUT_COLS)),
        stride(attribute<std::int64_t>(layout, CUBLASLT_MATRIX_LAYOUT_LD)) {}

  double get(std::int64_t i, std::int64_t j, bool transposed = false) const {
    const std::int64_t at = transposed ? j + i * stride : i + j * stride;
    return is_f32 ? static_cast<float*>(data_)[at] : static_cast<bf16*>(data_)[at];
  }
  void put(std::int64_t i, std::int64_t j, double v) {
    const auto value = static_cast<float>(v);
    is_f32 ? void(static_cast<float*>(data_)[i + j * stride] = value)
           : void(static_cast<bf16*>(data_)[i + j * stride] = bf16(value));
  }

 private:
  void* data_;

 public:
  bool is_f32;
  std::int64_t rows, columns, stride;
};

}  // namespace
}  // namespace salu::test

extern "C" {

cublasStatus_t cublasLtCreate(cublasLtHandle_t*) { return CUBLAS_STATUS_SUCCESS; }

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                              cublasLtMatrixLayout_t, cublasLtMatmulPreference_t preference,
                                              int, cublasLtMatmulHeuristicResult_t*, int* found) {
  using salu::test::promised;
  constexpr cublasLtMatmulPreferenceAttributes_t names[] = {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
                                                            CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                                                            CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES};
  for (int i = 0; i < 3; ++i) {
    std::size_t written = 0;
    cublasLtMatmulPreferenceGetAttribute(preference, names[i], &promised[i], sizeof promised[i], &written);
  }
  ++salu::test::queries;
  *found = 1;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t operation, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                              cublasLtMatrixLayout_t, void* d, cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t*, void*, std::size_t, cudaStream_t) {
  using namespace salu;
  using test::attribute;
  const test::Matrix left(const_cast<void*>(a), a_layout), right(const_cast<void*>(b), b_layout);
  test::Matrix result(d, d_layout);
  const bool left_t = attribute<std::int32_t>(operation, CUBLASLT_MATMUL_DESC_TRANSA) == CUBLAS_OP_T;
  const bool right_t = attribute<std::int32_t>(operation, CUBLASLT_MATMUL_DESC_TRANSB) == CUBLAS_OP_T;
  const auto epilogue = attribute<std::uint32_t>(operation, CUBLASLT_MATMUL_DESC_EPILOGUE);
  const void* bias = attribute<const void*>(operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER);
  const std::int64_t k = left_t ? left.rows : left.columns;
  if (k != (right_t ? right.columns : right.rows) || c != d) return CUBLAS_STATUS_INVALID_VALUE;
  if ((left_t ? left.columns : left.rows) != result.rows) return CUBLAS_STATUS_INVALID_VALUE;
  if ((right_t ? right.rows : right.columns) != result.columns) return CUBLAS_STATUS_INVALID_VALUE;
  for (std::int64_t j = 0; j < result.columns; ++j) {
    for (std::int64_t i = 0; i < result.rows; ++i) {
      double sum = 0;
      for (std::int64_t p = 0; p < k; ++p) sum += left.get(i, p, left_t) * right.get(p, j, right_t);
      sum *= *static_cast<const float*>(alpha);
      if (const float scale = *static_cast<const float*>(beta); scale != 0) sum += scale * result.get(i, j);
      if (epilogue == CUBLASLT_EPILOGUE_BIAS) {
        sum += result.is_f32 ? static_cast<const float*>(bias)[i] : static_cast<const bf16*>(bias)[i];
      }
      result.put(i, j, sum);
    }
  }
  return CUBLAS_STATUS_SUCCESS;
}

}  // extern "C"

namespace salu::test {
namespace {

/// Small whole numbers: every product and sum below is exact in bf16 inputs and f32 sums.
Tensor whole_numbers(Shape shape, DType dtype, std::uint32_t seed) {
  Tensor t = Tensor::empty(shape);
  Rng rng({seed, Purpose::test, 0, 0});
  for (std::int64_t i = 0; i < t.numel(); ++i) {
    t.data<float>()[i] = static_cast<float>(rng.below(7)) - 3;
  }
  return t.to(dtype);
}

/// (row, column) of a tensor seen as a matrix.
double at(const std::vector<double>& values, std::int64_t columns, std::int64_t i, std::int64_t j) {
  return values[static_cast<std::size_t>(i * columns + j)];
}

using Element = std::function<double(std::int64_t, std::int64_t)>;

/// Every element of `t`, seen as (rows, columns), against the function.
void check_elements(const Tensor& t, std::int64_t rows, std::int64_t columns, const Element& expected) {
  const auto values = t.values<double>();
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      INFO(i << " " << j);
      CHECK(at(values, columns, i, j) == expected(i, j));
    }
  }
}

double sum_over(std::int64_t count, const std::function<double(std::int64_t)>& term) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += term(i);
  return sum;
}

TEST_CASE("a linear layer and its gradients, tokens of rank 3") {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const std::int64_t m = 6, c = 5, n = 4;
    const Tensor x = whole_numbers({2, 3, c}, dtype, 1), w = whole_numbers({n, c}, dtype, 2),
                 dy = whole_numbers({2, 3, n}, dtype, 3);
    const auto xv = x.values<double>(), wv = w.values<double>(), gv = dy.values<double>();
    const Tensor b = whole_numbers({n}, DType::f32, 4);  // f32 beside bf16 activations too
    const auto bv = b.values<double>();
    const auto y_at = [&](std::int64_t i, std::int64_t j) {
      return sum_over(c, [&](std::int64_t p) { return at(xv, c, i, p) * at(wv, c, j, p); });
    };
    Tensor y = Tensor::full({2, 3, n}, 99, dtype);
    cuda::library_linear_forward(y, x, w, b);
    check_elements(y, m, n, [&](auto i, auto j) { return y_at(i, j) + bv[static_cast<std::size_t>(j)]; });
    cuda::library_linear_forward(y, x, w, Tensor());
    check_elements(y, m, n, y_at);

    Tensor dx = Tensor::full({2, 3, c}, 99, dtype);
    cuda::library_linear_backward_input(dx, dy, w);
    check_elements(dx, m, c, [&](auto i, auto j) {
      return sum_over(n, [&](std::int64_t p) { return at(gv, n, i, p) * at(wv, c, p, j); });
    });

    Tensor dw = Tensor::full({n, c}, 1000);
    cuda::library_linear_backward_weight(dw, dy, x);
    check_elements(dw, n, c, [&](auto i, auto j) {
      return 1000 + sum_over(m, [&](std::int64_t p) { return at(gv, n, p, i) * at(xv, c, p, j); });
    });
  }
}

TEST_CASE("a product and its gradients") {
  const std::int64_t m = 3, k = 7, n = 2;
  const Tensor a = whole_numbers({m, k}, DType::f32, 1), b = whole_numbers({k, n}, DType::f32, 2),
               dy = whole_numbers({m, n}, DType::f32, 3);
  const auto av = a.values<double>(), bv = b.values<double>(), gv = dy.values<double>();
  Tensor y = Tensor::empty({m, n}), da = Tensor::empty({m, k}), db = Tensor::empty({k, n});
  cuda::library_matmul_forward(y, a, b);
  check_elements(y, m, n, [&](auto i, auto j) {
    return sum_over(k, [&](std::int64_t p) { return at(av, k, i, p) * at(bv, n, p, j); });
  });
  cuda::library_matmul_backward_a(da, dy, b);
  check_elements(da, m, k, [&](auto i, auto j) {
    return sum_over(n, [&](std::int64_t p) { return at(gv, n, i, p) * at(bv, n, j, p); });
  });
  cuda::library_matmul_backward_b(db, dy, a);
  check_elements(db, k, n, [&](auto i, auto j) {
    return sum_over(m, [&](std::int64_t p) { return at(av, k, p, i) * at(gv, n, p, j); });
  });
}

TEST_CASE("empty sums are zero, and empty results are left alone") {
  Tensor y = Tensor::full({4, 3}, 99);
  cuda::library_matmul_forward(y, Tensor::empty({4, 0}), Tensor::empty({0, 3}));
  check_elements(y, 4, 3, [](auto, auto) { return 0.0; });
  Tensor nothing = Tensor::empty({0, 3});
  cuda::library_linear_forward(nothing, Tensor::empty({0, 4}), Tensor::empty({3, 4}), Tensor());
  Tensor dw = Tensor::full({3, 4}, 5);
  cuda::library_linear_backward_weight(dw, Tensor::empty({0, 3}), Tensor::empty({0, 4}));
  check_elements(dw, 3, 4, [](auto, auto) { return 5.0; });
}

TEST_CASE("cuBLASLt is told how its pointers are aligned, once per alignment") {
  const Tensor a = Tensor::zeros({64, 8}), b = Tensor::zeros({8, 16});
  Tensor y = Tensor::empty({65, 16});
  const auto multiply = [&](const Tensor& left, const Tensor& right, std::int64_t result_offset) {
    Tensor result = y.narrow(result_offset, {8, 16});
    cuda::library_matmul_forward(result, left, right);
  };
  const int before = queries;
  multiply(a.narrow(0, {8, 8}), b, 0);
  CHECK(queries == before + 1);
  CHECK(promised[0] % 64 == 0);
  multiply(a.narrow(0, {8, 8}), b, 0);
  CHECK(queries == before + 1);
  multiply(a.narrow(3, {8, 8}), b, 2);  // 12 bytes in, and 8
  CHECK(queries == before + 2);
  CHECK(promised[0] % 64 == 0);
  CHECK(promised[1] == 4);
  CHECK(promised[2] == 8);
}

TEST_CASE("a new shape while a graph is recorded is an error, a known one is not") {
  const Tensor a = Tensor::zeros({2, 11}), b = Tensor::zeros({11, 2});
  Tensor y = Tensor::empty({2, 2});
  const auto multiply = [&] { cuda::library_matmul_forward(y, a, b); };
  recording_now = true;
  CHECK_THAT(error_of(multiply), Catch::Matchers::StartsWith("1: [gemm] expected a plan from a step before"));
  recording_now = false;
  CHECK(error_of(multiply) == "no error");
  recording_now = true;
  CHECK(error_of(multiply) == "no error");
  recording_now = false;
  const Tensor wrong = Tensor::zeros({2, 2}, DType::f64);
  CHECK(error_of([&] { cuda::library_matmul_forward(y, wrong, wrong); }) ==
        "1: [gemm] expected dtype f32 or bf16, got f64");
}

}  // namespace
}  // namespace salu::test
