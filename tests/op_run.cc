// SPDX-License-Identifier: MIT
#include "tests/op_run.h"

#include <algorithm>

namespace salu::test {
namespace {

bool listed(const std::vector<std::size_t>& indices, std::size_t i) {
  return std::ranges::find(indices, i) != indices.end();
}

DType input_dtype(const OpSample& sample, std::size_t i, DType dtype) {
  if (sample.inputs[i].dtype() != DType::f64) return sample.inputs[i].dtype();
  return listed(sample.parameters, i) ? parameter_dtype(dtype) : dtype;
}

}  // namespace

std::vector<Variable> op_inputs(const OpSample& sample, DType dtype, Device device, std::int64_t start) {
  std::vector<Variable> inputs;
  for (std::size_t i = 0; i < sample.inputs.size(); ++i) {
    const Tensor& t = sample.inputs[i];
    Tensor storage = Tensor::empty({t.numel() + start}, input_dtype(sample, i, dtype), device);
    Tensor shifted = storage.narrow(start, t.shape());
    shifted.copy_from(t);
    inputs.emplace_back(shifted, t.dtype() == DType::f64 && !listed(sample.constant, i));
  }
  return inputs;
}

OpRun run_op(const OpSample& sample, DType dtype, Device device, std::int64_t start) {
  const std::vector<Variable> inputs = op_inputs(sample, dtype, device, start);
  const Variable y = sample.function(inputs);
  OpRun result{y.value(), {}};
  backward(y, random_tensor(y.shape(), 99).to(y.value().dtype()).to(device));
  for (const Variable& v : inputs) {
    if (v.requires_grad()) result.gradients.push_back(v.grad());
  }
  return result;
}

OpSample rounded(const OpSample& sample, DType dtype) {
  OpSample out = sample;
  for (std::size_t i = 0; i < out.inputs.size(); ++i) {
    if (out.inputs[i].dtype() == DType::f64) {
      out.inputs[i] = out.inputs[i].to(input_dtype(sample, i, dtype)).to(DType::f64);
    }
  }
  return out;
}

}  // namespace salu::test
