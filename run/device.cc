// SPDX-License-Identifier: MIT
#include "run/device.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "autograd/functions.h"
#include "core/choices.h"
#include "core/error.h"
#include "core/gpu.h"
#include "core/parallel.h"
#include "core/simd/instruction_set.h"
#include "data/decode.h"
#include "models/model.h"

namespace salu {
namespace {

/// The index in "cuda:1"; without one, the GPU of this rank.
int device_index(const std::string& name, int local_rank) {
  const std::size_t colon = name.find(':');
  if (colon == std::string::npos) return local_rank % std::max(gpu::device_count(), 1);
  int index = 0;
  const auto [end, error] = std::from_chars(name.data() + colon + 1, name.data() + name.size(), index);
  if (error != std::errc() || end != name.data() + name.size() || index < 0) {
    fail(ErrorCode::usage, "--device '{}': no device number after the colon; expected cuda:0 or the like",
         name);
  }
  return index;
}

/// One step of a small network: loss and norm of all gradients.
std::pair<double, double> small_step(const Placement& placement) {
  ModelConfig config;
  config.name = "salunet_c8";
  config.placement = placement;
  const auto model = make_model(config);
  Tensor images = Tensor::empty({4, 32, 32, 3});
  Rng rng({1, Purpose::test, 0, 0});
  for (std::int64_t i = 0; i < images.numel(); ++i)
    images.data<float>()[i] = static_cast<float>(rng.normal());
  const Tensor targets = Tensor::full({4, 10}, 0.1).to(placement.device);
  Context context;
  context.training = true;
  const Variable x(images.to(model->store().activations()).to(placement.device));
  const Variable loss = cross_entropy(model->forward(x, context), targets);
  backward(loss);
  double squares = 0;
  for (const double g : model->store().gradients().values<double>()) squares += g * g;
  return {loss.value().item(), std::sqrt(squares)};
}

bool uses_gpu(const std::string& name) {
  const std::string backend = gpu::backend_name();
  if (name == "auto") return backend == "cuda" && gpu::device_count() > 0;
  return name == "cuda" || name.starts_with("cuda:") || (!backend.empty() && name == backend);
}

bool close(double a, double b, double tolerance) { return std::abs(a - b) <= tolerance * std::abs(b); }

}  // namespace

Placement open_device(const DeviceOptions& o, int local_rank) {
  Placement placement;
  if (uses_gpu(o.device)) {
    placement.device = {DeviceType::cuda, 0};
    gpu::open({device_index(o.device, local_rank), o.handwritten, o.tf32, o.deterministic});
  } else if (o.device != "auto" && o.device != "cpu") {
    fail(ErrorCode::usage, "--device '{}': no such device; expected auto, cpu, cuda or cuda:N", o.device);
  } else {
    static_cast<void>(best_instruction_set());  // an unknown name in SALU_MAX_CPU_ISA ends the program here
  }
  placement.activations = precision_of(o);
  return placement;
}

DType precision_of(const DeviceOptions& o) {
  if (o.activations) return *o.activations;
  return uses_gpu(o.device) || matrix_unit() ? DType::bf16 : DType::f32;
}

std::string precision_note(const Placement& placement) {
  const bool is_bf16 = placement.activations == DType::bf16;
  if (placement.device.type != DeviceType::cpu || is_bf16 == matrix_unit()) return "";
  return is_bf16
             ? "--precision bf16: this processor has no matrix unit (AMX); the numbers are right, but f32 is "
               "faster"
             : "this processor has a matrix unit (AMX): --precision bf16 is several times faster";
}

std::string describe_placement(const Placement& placement, const DeviceOptions& o) {
  const bool is_bf16 = placement.activations == DType::bf16;
  if (placement.device.type == DeviceType::cpu) {
    return fmt::format("cpu, {}{} threads", is_bf16 ? "bf16, " : "", num_threads());
  }
  return fmt::format("{}, {}{}, {} kernels{}", gpu::backend_name(), dtype_name(placement.activations),
                     o.tf32 ? " with tf32" : "", choice_name(kKernelSources, o.handwritten),
                     o.deterministic ? "" : ", any order of sums");
}

std::string describe_system() {
  std::string text = fmt::format("CPU: {} threads, {} loops; JPEG by {}\n", num_threads(), instruction_set(),
                                 jpeg_decoder());
  for (const std::string& line : gpu::describe()) text += line + '\n';
  return text;
}

SelfTest test_device(const DeviceOptions& options) {
  const Placement placement = open_device(options);
  const auto [loss, norm] = small_step({});
  const auto [device_loss, device_norm] = small_step(placement);
  // f32 results differ by rounding; bf16 keeps 8 bits, and errors of 20 layers add up.
  const double tolerance = placement.activations == DType::bf16 ? 0.05 : 1e-4;
  const bool good = close(device_loss, loss, tolerance) && close(device_norm, norm, tolerance);
  return {fmt::format(
              "self-test on {}: loss {:.6f}, gradient norm {:.6f}; in f32 on the CPU {:.6f}, {:.6f}: {}\n",
              describe_placement(placement, options), device_loss, device_norm, loss, norm,
              good ? "ok" : "FAILED"),
          good};
}

}  // namespace salu
