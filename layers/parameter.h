// SPDX-License-Identifier: MIT
/// All parameters of a network in one flat buffer; a Parameter is a named view of it.
///
/// One kernel updates everything, one all-reduce slice is a bucket, and a checkpoint is a list of views.
/// Groups are contiguous, so that weight decay and learning-rate multipliers apply to ranges.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "autograd/variable.h"
#include "core/rng.h"

namespace salu {

enum class ParameterGroup {
  weights,       ///< matrices and filters: weight decay
  no_decay,      ///< biases, affine parameters of norms, tokens, positions
  coefficients,  ///< SALU, SWALU and GALU pairs, PReLU slopes, alpha of DyT, alpha and shift of Derf: own
                 ///< learning rate, no decay
};
inline constexpr int kParameterGroups = 3;

/// Fills a fresh parameter (f32 or f64) from its own random stream: element i depends on (key, i) only.
using Initializer = std::function<void(Tensor&, RandomKey)>;
Initializer constant_init(double value);
Initializer normal_init(double sigma);
Initializer uniform_init(double bound);  ///< U(-bound, bound)

struct Parameter {
  std::string name;  ///< PyTorch's: "layer1.0.conv1.weight"
  Shape shape;
  ParameterGroup group = ParameterGroup::weights;
  Initializer init;
  std::int64_t offset = 0;  ///< position in the flat buffers, in elements
  Variable variable;        ///< value and gradient are views of the flat buffers
};

/// State that is saved but not learned: running statistics. A view of statistics().
struct Buffer {
  std::string name;
  Tensor value;
};

struct ParameterRange {
  ParameterGroup group;
  std::int64_t begin, end;  ///< in elements, padding between parameters included
};

/// The device of a network and the types it computes in.
struct Placement {
  Device device;
  DType dtype = DType::f32;        ///< of the parameters; f64 for tests
  DType activations = DType::f32;  ///< f32, bf16, or f64 with f64 parameters
};

class ParameterStore {
 public:
  /// Returns a reference that stays valid. Throws unless the name is new.
  Parameter& add(std::string name, Shape shape, ParameterGroup group, Initializer init);
  Buffer& add_buffer(std::string name, Shape shape, double value);

  /// Lays out the parameters, allocates the flat buffers and initializes them. A parameter's name keys its
  /// random stream: networks that share a layer get the same initial weights there, with the same bits on
  /// every device. With bf16 activations, ops read matrices and filters from a bf16 copy. Call once, after
  /// the last add().
  void allocate(std::uint64_t seed, Placement placement = {});
  /// Updates the bf16 copy. Call after anything but the optimizer writes to values().
  void refresh_shadow();

  Tensor& values() { return values_; }
  const Tensor& values() const { return values_; }
  Tensor& gradients() { return gradients_; }
  Tensor& shadow() { return shadow_; }  ///< undefined unless activations are bf16
  DType activations() const { return shadow_.defined() ? DType::bf16 : values_.dtype(); }
  const std::vector<ParameterRange>& ranges() const { return ranges_; }  ///< one per non-empty group
  std::deque<Parameter>& parameters() { return parameters_; }            ///< in order of creation
  const std::deque<Parameter>& parameters() const { return parameters_; }
  Tensor& statistics() { return statistics_; }  ///< all buffers in one; undefined when there are none
  std::deque<Buffer>& buffers() { return buffers_; }
  const std::deque<Buffer>& buffers() const { return buffers_; }
  std::int64_t count() const;                      ///< number of learned values, without padding
  std::int64_t count(ParameterGroup group) const;  ///< number of learned values in one group

 private:
  std::deque<Parameter> parameters_;
  std::deque<Buffer> buffers_;
  void place(Parameter& parameter);
  void allocate_buffers(Placement placement);
  Tensor values_, gradients_, shadow_, statistics_;
  std::vector<ParameterRange> ranges_;
};

/// A position in the tree of names: `scope / "conv1"` adds a level.
struct Scope {
  ParameterStore& store;
  std::string prefix;

  Scope operator/(const std::string& name) const {
    return {store, prefix.empty() ? name : prefix + "." + name};
  }
  Parameter& parameter(const std::string& name, Shape shape, ParameterGroup group, Initializer init) const {
    return store.add((*this / name).prefix, shape, group, std::move(init));
  }
  Buffer& buffer(const std::string& name, Shape shape, double value) const {
    return store.add_buffer((*this / name).prefix, shape, value);
  }
};

}  // namespace salu
