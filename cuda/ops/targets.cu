// SPDX-License-Identifier: MIT
#include <cmath>

#include "core/ops/targets.h"
#include "cuda/kernels/places.cuh"

namespace salu::cuda {
namespace {

struct Target {
  float* targets;
  const std::int64_t* labels;
  std::int64_t classes;
  float right, wrong;
  __device__ void operator()(std::int64_t b, std::int64_t c) const {
    const std::int64_t label = labels[b];
    const bool known = label >= 0 && label < classes;
    targets[b * classes + c] = !known ? NAN : c == label ? right : wrong;
  }
};

void fill_targets(Tensor& targets, const Tensor& labels, float right, float wrong) {
  each_place(targets.dim(0), targets.dim(1),
             Target{targets.data<float>(), labels.data<std::int64_t>(), targets.dim(1), right, wrong});
}

}  // namespace

void register_targets() { targets_kernel.set(DeviceType::cuda, fill_targets); }

}  // namespace salu::cuda
