// SPDX-License-Identifier: MIT
/// Operation graphs: descriptions of work that cuDNN does in one go. plan.h finds code for them.
#pragma once

#include <cudnn.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/dtype.h"
#include "core/ops/options.h"
#include "core/shape.h"
#include "cuda/library/handles.h"

namespace salu::cuda {

/// C++ type -> attribute type.
template <class T>
inline constexpr cudnnBackendAttributeType_t attribute_type;
template <>
inline constexpr auto attribute_type<void*> = CUDNN_TYPE_VOID_PTR;
template <>
inline constexpr auto attribute_type<bool> = CUDNN_TYPE_BOOLEAN;
template <>
inline constexpr auto attribute_type<char> = CUDNN_TYPE_CHAR;
template <>
inline constexpr auto attribute_type<std::int32_t> = CUDNN_TYPE_INT32;
template <>
inline constexpr auto attribute_type<std::int64_t> = CUDNN_TYPE_INT64;
template <>
inline constexpr auto attribute_type<float> = CUDNN_TYPE_FLOAT;
template <>
inline constexpr auto attribute_type<cudnnDataType_t> = CUDNN_TYPE_DATA_TYPE;
template <>
inline constexpr auto attribute_type<cudnnConvolutionMode_t> = CUDNN_TYPE_CONVOLUTION_MODE;
template <>
inline constexpr auto attribute_type<cudnnPointwiseMode_t> = CUDNN_TYPE_POINTWISE_MODE;
template <>
inline constexpr auto attribute_type<cudnnReduceTensorOp_t> = CUDNN_TYPE_REDUCTION_OPERATOR_TYPE;
template <>
inline constexpr auto attribute_type<cudnnBackendHeurMode_t> = CUDNN_TYPE_HEUR_MODE;
template <>
inline constexpr auto attribute_type<cudnnBackendNumericalNote_t> = CUDNN_TYPE_NUMERICAL_NOTE;

/// One descriptor of cuDNN's backend API. It is created, given attributes, finalized, and then read or run.
class Descriptor {
 public:
  using Name = cudnnBackendAttributeName_t;

  explicit Descriptor(cudnnBackendDescriptorType_t type) {
    check_cudnn(cudnnBackendCreateDescriptor(type, &handle_), "cannot create a descriptor");
  }
  ~Descriptor() {
    if (handle_) cudnnBackendDestroyDescriptor(handle_);
  }
  Descriptor(Descriptor&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }

  template <class T>
  void set(Name name, T value) {
    set_raw(name, attribute_type<T>, 1, &value);
  }
  template <class T>
  void set(Name name, const std::vector<T>& values) {
    set_raw(name, attribute_type<T>, static_cast<std::int64_t>(values.size()), values.data());
  }
  void set(Name name, const std::string& text);  ///< JSON texts
  void set(Name name, const Descriptor& other) { set_all(name, {other.handle_}); }
  void set_all(Name name, const std::vector<cudnnBackendDescriptor_t>& others) {
    set_raw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, static_cast<std::int64_t>(others.size()), others.data());
  }

  template <class T>
  T get(Name name) const {
    T value{};
    get_raw(name, attribute_type<T>, 1, &value);
    return value;
  }
  /// Returns at most `most` values.
  template <class T>
  std::vector<T> get_all(Name name, std::int64_t most) const {
    std::vector<T> values(static_cast<std::size_t>(most));
    values.resize(static_cast<std::size_t>(get_raw(name, attribute_type<T>, most, values.data())));
    return values;
  }
  std::string get_text(Name name) const;
  /// The parts of this descriptor with the given type.
  std::vector<Descriptor> get_parts(Name name, cudnnBackendDescriptorType_t type) const;
  Descriptor get_part(Name name, cudnnBackendDescriptorType_t type) const;

  void finalize(const char* what) { check_cudnn(try_finalize(), what); }
  cudnnStatus_t try_finalize() { return cudnnBackendFinalize(handle_); }
  cudnnBackendDescriptor_t raw() const { return handle_; }

 private:
  void set_raw(Name name, cudnnBackendAttributeType_t type, std::int64_t count, const void* values);
  std::int64_t get_raw(Name name, cudnnBackendAttributeType_t type, std::int64_t most, void* values) const;

  cudnnBackendDescriptor_t handle_ = nullptr;
};

/// A tensor of a graph, bound to memory by its id when a plan runs.
struct GraphTensor {
  std::int64_t id = 0;
  Shape shape;  ///< rank 4, last dimension contiguous: (N,H,W,C), (K,R,S,C)
};

/// A tensor that execution must bind to memory.
struct MemoryTensor {
  GraphTensor tensor;
  DType dtype;
  std::size_t bytes() const { return static_cast<std::size_t>(tensor.shape.numel()) * dtype_bytes(dtype); }
};

/// Tensors and the operations between them, in order. Convolutions and all intermediate values are f32.
class OperationGraph {
 public:
  /// A tensor in memory, 16-byte aligned.
  GraphTensor tensor(const Shape& shape, DType dtype);
  /// One f32 number in device memory.
  GraphTensor scalar() { return tensor({1, 1, 1, 1}, DType::f32); }
  /// An intermediate value, never written to memory.
  GraphTensor value(const Shape& shape);

  /// The passes of core/ops/conv2d.h. dx is assigned; so is dw, unless `add` (f32 only).
  void conv2d_forward(const GraphTensor& y, const GraphTensor& x, const GraphTensor& w,
                      Conv2dOptions options);
  void conv2d_backward_data(const GraphTensor& dx, const GraphTensor& dy, const GraphTensor& w,
                            Conv2dOptions options);
  void conv2d_backward_weight(const GraphTensor& dw, const GraphTensor& dy, const GraphTensor& x,
                              Conv2dOptions options, bool add);

  /// Elementwise; one of a and b may be a scalar. The result is written to `out`, or is an intermediate
  /// value.
  using Out = std::optional<GraphTensor>;
  GraphTensor mul(const GraphTensor& a, const GraphTensor& b, const Out& out = {});
  GraphTensor add(const GraphTensor& a, const GraphTensor& b, const Out& out = {});
  GraphTensor rsqrt(const GraphTensor& a);
  /// The sum of all elements, added in a fixed order.
  void sum(const GraphTensor& total, const GraphTensor& a);

  /// Call once, after the last operation.
  void finish();
  const Descriptor& descriptor() const { return *graph_; }
  /// Tensors and operations as text, equal for equal graphs: the key of caches.
  const std::string& text() const { return text_; }
  const std::vector<MemoryTensor>& memory_tensors() const { return memory_tensors_; }

 private:
  struct ConvolutionNames;
  GraphTensor add_tensor(const Shape& shape, DType dtype, bool in_memory);
  void convolution(const ConvolutionNames& names, const GraphTensor& x, const GraphTensor& w,
                   const GraphTensor& y, Conv2dOptions options, float beta);
  GraphTensor pointwise(cudnnPointwiseMode_t mode, const GraphTensor& a, const GraphTensor* b,
                        const Out& out);
  const Descriptor& at(const GraphTensor& t) const { return tensors_[static_cast<std::size_t>(t.id - 1)]; }

  std::vector<MemoryTensor> memory_tensors_;
  std::vector<Descriptor> tensors_;
  std::vector<Descriptor> parts_;  // keeps alive what the operations refer to
  std::vector<Descriptor> operations_;
  std::optional<Descriptor> graph_;
  std::string text_;
};

}  // namespace salu::cuda
