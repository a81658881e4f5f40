// SPDX-License-Identifier: MIT
#include "layers/parameter.h"

namespace salu {
namespace {

constexpr std::int64_t kSegment = 64;  // elements: 256 bytes of f32, what fast GPU paths ask for

/// FNV-1a: the same number for a name on every platform.
std::uint32_t hash(const std::string& name) {
  std::uint32_t h = 2166136261u;
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 16777619u;
  return h;
}

Initializer fill_with(std::function<double(Rng&)> draw) {
  return [draw = std::move(draw)](Tensor& t, Rng& rng) {
    dispatch_float("init", t.dtype(), [&]<class T>() {
      for (std::int64_t i = 0; i < t.numel(); ++i) t.data<T>()[i] = static_cast<T>(draw(rng));
    });
  };
}

}  // namespace

Initializer constant_init(double value) {
  return [value](Tensor& t, Rng&) { t.fill(value); };
}
Initializer normal_init(double sigma) {
  return fill_with([sigma](Rng& rng) { return sigma * rng.normal(); });
}
Initializer uniform_init(double bound) {
  return fill_with([bound](Rng& rng) { return rng.uniform(-bound, bound); });
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

void ParameterStore::allocate(std::uint64_t seed, DType dtype) {
  std::int64_t offset = 0;
  for (int g = 0; g < kParameterGroups; ++g) {
    const auto group = static_cast<ParameterGroup>(g);
    const std::int64_t begin = offset;
    for (Parameter& p : parameters_) {
      if (p.group != group) continue;
      p.offset = offset;
      // Coefficients are single numbers: packed side by side, the rest in whole segments.
      const std::int64_t step = group == ParameterGroup::coefficients ? 1 : kSegment;
      offset += (p.shape.numel() + step - 1) / step * step;
    }
    if (offset > begin) ranges_.push_back({group, begin, offset});
  }
  values_ = Tensor::zeros({offset}, dtype);
  gradients_ = Tensor::zeros({offset}, dtype);
  for (Parameter& p : parameters_) {
    Tensor value = values_.narrow(p.offset, p.shape);
    Rng rng({seed, Purpose::init, 0, hash(p.name)});
    p.init(value, rng);
    p.variable = Variable(value, true);
    p.variable.set_grad(gradients_.narrow(p.offset, p.shape));
  }
  for (Buffer& b : buffers_) b.value = b.value.to(dtype);
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
