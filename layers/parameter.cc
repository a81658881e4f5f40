// SPDX-License-Identifier: MIT
#include "layers/parameter.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/parallel.h"

namespace salu {
namespace {

constexpr std::int64_t kSegment = 64;  // elements: 256 bytes of f32, the alignment for fast GPU loads

std::int64_t whole_segments(std::int64_t n) { return (n + kSegment - 1) / kSegment * kSegment; }

/// FNV-1a: the same number for a name on every platform.
std::uint32_t hash(const std::string& name) {
  std::uint32_t h = 2166136261u;
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 16777619u;
  return h;
}

/// Calls `block(four random numbers, four results)` for every four elements.
template <class Block>
Initializer fill_with(Block block) {
  return [block](Tensor& t, RandomKey key) {
    dispatch_float("init", t.dtype(), [&]<class T>() {
      T* out = t.data<T>();
      const std::int64_t n = t.numel();
      parallel_for((n + 3) / 4, kElementwiseGrain, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b) {
          double values[4];
          block(key.block(static_cast<std::uint32_t>(b)), values);
          for (std::int64_t i = 4 * b; i < std::min(4 * b + 4, n); ++i)
            out[i] = static_cast<T>(values[i - 4 * b]);
        }
      });
    });
  };
}

}  // namespace

Initializer constant_init(double value) {
  return [value](Tensor& t, RandomKey) { t.fill(value); };
}

Initializer normal_init(double sigma) {
  return fill_with([sigma](const PhiloxBlock& bits,
                           double* out) {  // Box-Muller turns two uniform numbers into two normal ones
    for (std::size_t pair = 0; pair < 4; pair += 2) {
      const double radius = sigma * std::sqrt(-2 * std::log((static_cast<double>(bits[pair]) + 1) * 0x1p-32));
      const double angle = 2 * std::numbers::pi * static_cast<double>(bits[pair + 1]) * 0x1p-32;
      out[pair] = radius * std::cos(angle);
      out[pair + 1] = radius * std::sin(angle);
    }
  });
}

Initializer uniform_init(double bound) {
  return fill_with([bound](const PhiloxBlock& bits, double* out) {
    for (std::size_t i = 0; i < 4; ++i) out[i] = bound * (2 * static_cast<double>(to_uniform(bits[i])) - 1);
  });
}

Parameter& ParameterStore::add(std::string name, Shape shape, ParameterGroup group, Initializer init) {
  check(!values_.defined(), "[parameters] expected add() before allocate(), got {}", name);
  for (const Parameter& p : parameters_)
    check(p.name != name, "[parameters] expected new names, got {} twice", name);
  return parameters_.emplace_back(Parameter{std::move(name), shape, group, std::move(init), 0, {}});
}

Buffer& ParameterStore::add_buffer(std::string name, Shape shape, double value) {
  return buffers_.emplace_back(Buffer{std::move(name), Tensor::full(shape, value)});
}

void ParameterStore::allocate(std::uint64_t seed, Placement placement) {
  std::int64_t offset = 0;
  for (int g = 0; g < kParameterGroups; ++g) {
    const auto group = static_cast<ParameterGroup>(g);
    const std::int64_t begin = offset;
    for (Parameter& p : parameters_) {
      if (p.group != group) continue;
      p.offset = offset;
      // Coefficients are single numbers and packed; other parameters take whole segments.
      const std::int64_t n = p.shape.numel();
      offset += group == ParameterGroup::coefficients ? n : whole_segments(n);
    }
    if (offset > begin) ranges_.push_back({group, begin, offset});
  }
  Tensor initial = Tensor::zeros({offset}, placement.dtype);
  for (Parameter& p : parameters_) {
    Tensor value = initial.narrow(p.offset, p.shape);
    p.init(value, {seed, Purpose::init, 0, hash(p.name)});
  }
  values_ = initial.to(placement.device);
  gradients_ = Tensor::zeros({offset}, placement.dtype, placement.device);
  if (placement.activations == DType::bf16) shadow_ = values_.to(DType::bf16);
  for (Parameter& p : parameters_) place(p);
  allocate_buffers(placement);
}

void ParameterStore::allocate_buffers(Placement placement) {
  if (buffers_.empty()) return;
  std::vector<std::int64_t> offsets;
  std::int64_t size = 0;
  for (const Buffer& b : buffers_) {
    offsets.push_back(size);
    size += whole_segments(b.value.shape().numel());
  }
  statistics_ = Tensor::zeros({size}, placement.dtype, placement.device);
  auto offset = offsets.begin();
  for (Buffer& b : buffers_) {
    Tensor view = statistics_.narrow(*offset++, b.value.shape());
    view.copy_from(b.value.to(placement.dtype));
    b.value = view;
  }
}

void ParameterStore::place(Parameter& p) {
  const bool reads_shadow = shadow_.defined() && p.group == ParameterGroup::weights;
  p.variable = Variable((reads_shadow ? shadow_ : values_).narrow(p.offset, p.shape), true);
  p.variable.set_grad(gradients_.narrow(p.offset, p.shape));
}

void ParameterStore::refresh_shadow() {
  if (shadow_.defined()) shadow_.copy_from(values_);
}

std::int64_t ParameterStore::count() const {
  std::int64_t n = 0;
  for (const Parameter& p : parameters_) n += p.shape.numel();
  return n;
}

std::int64_t ParameterStore::count(ParameterGroup group) const {
  std::int64_t n = 0;
  for (const Parameter& p : parameters_) n += p.group == group ? p.shape.numel() : 0;
  return n;
}

}  // namespace salu
