// SPDX-License-Identifier: MIT
/// Every kind of op test, generated from the sample table.
#include "autograd/gradcheck.h"
#include "core/parallel.h"
#include "tests/catch.h"
#include "tests/compare.h"
#include "tests/device_check.h"

namespace salu::test {
namespace {

/// Calls `body(op, sample)` for every sample, with the label in the report.
template <class Body>
void each_sample(Body&& body) {
  for (const OpEntry& entry : op_table()) {
    for (const OpSample& sample : entry.samples) {
      INFO(entry.op << " " << sample.label);
      body(entry, sample);
    }
  }
}

Tolerance tolerance(const OpSample& sample, DType dtype, const Tensor& expected) {
  return sample.has_sum ? sum_tolerance(dtype, expected) : elementwise_tolerance(dtype);
}

TEST_CASE("every op has samples and a misuse") {
  for (const OpEntry& entry : op_table()) {
    INFO(entry.op);
    CHECK(entry.samples.size() >= 3);
    CHECK(!entry.bad_calls.empty());
  }
}

TEST_CASE("gradients: full Jacobian in f64 against central differences") {
  int checks = 0;
  each_sample([&](const OpEntry&, const OpSample& sample) {
    CHECK(check_gradients(sample.function, sample.inputs, {.constant = sample.constant}) == "");
    ++checks;
  });
  WARN("gradient checks: " << checks);
}

TEST_CASE("f64 and f32 forward agree with the oracle") {
  each_sample([](const OpEntry&, const OpSample& sample) {
    const Tensor expected = sample.oracle(sample.inputs);
    for (const DType dtype : {DType::f64, DType::f32}) {
      const NoGrad guard;
      const Tensor y = sample.function(op_inputs(sample, dtype)).value();
      CHECK(y.dtype() == dtype);
      CHECK(compare(y, expected, tolerance(sample, dtype, expected)) == "");
    }
  });
}

TEST_CASE("f32 gradients agree with f64 gradients") {
  each_sample([](const OpEntry&, const OpSample& sample) {
    const OpRun want = run_op(sample, DType::f64), got = run_op(sample, DType::f32);
    REQUIRE(want.gradients.size() == got.gradients.size());
    for (std::size_t i = 0; i < want.gradients.size(); ++i) {
      if (!want.gradients[i].defined()) continue;
      INFO("gradient " << i);
      CHECK(compare(got.gradients[i], want.gradients[i], sum_tolerance(DType::f32, want.gradients[i])) == "");
    }
  });
}

TEST_CASE("bf16 results agree with f64 on the same rounded inputs; parameter gradients are f32") {
  each_sample([](const OpEntry&, const OpSample& sample) { check_bf16(sample, {}); });
  for (const OpEntry& entry : op_table()) {
    for (const OpSample& sample : entry.large) {
      INFO(entry.op << " " << sample.label);
      check_bf16(sample, {});
    }
  }
}

void check_same_bits(const OpSample& sample, DType dtype) {
  INFO(dtype_name(dtype));
  set_num_threads(1);
  const OpRun first = run_op(sample, dtype);
  for (const int threads : {1, 2, 3, 2}) {
    set_num_threads(threads);
    const OpRun again = run_op(sample, dtype);
    CHECK(compare_bits(again.y, first.y) == "");
    for (std::size_t i = 0; i < first.gradients.size(); ++i) {
      if (first.gradients[i].defined()) CHECK(compare_bits(again.gradients[i], first.gradients[i]) == "");
    }
  }
  set_num_threads(0);
}

TEST_CASE("results are the same bits on every run and with 1, 2 and 3 threads") {
  each_sample([](const OpEntry&, const OpSample& sample) {
    for (const DType dtype : {DType::f32, DType::bf16}) check_same_bits(sample, dtype);
  });
  for (const OpEntry& entry : op_table()) {  // of several slices and chunks
    for (const OpSample& sample : entry.large) {
      INFO(entry.op << " " << sample.label);
      for (const DType dtype : {DType::f32, DType::bf16}) check_same_bits(sample, dtype);
    }
  }
}

TEST_CASE("a second backward is refused") {
  each_sample([](const OpEntry&, const OpSample& sample) {
    const Variable y = sample.function(op_inputs(sample, DType::f64));
    const Tensor upstream = Tensor::zeros(y.shape(), DType::f64);
    backward(y, upstream);
    CHECK(contains(error_of([&] { backward(y, upstream); }), "double backward is not supported"));
  });
}

TEST_CASE("misuse is answered with a message") {
  for (const OpEntry& entry : op_table()) {
    for (const BadCall& bad : entry.bad_calls) {
      INFO(entry.op << ": " << bad.label);
      CHECK_THAT(error_of(bad.call), Catch::Matchers::Contains(bad.message));
    }
  }
}

}  // namespace
}  // namespace salu::test
