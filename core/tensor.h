// SPDX-License-Identifier: MIT
/// A contiguous block of numbers with a shape. Copying a Tensor copies the handle, not the numbers.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <type_traits>
#include <vector>

#include "core/device.h"
#include "core/dtype.h"
#include "core/kernel.h"
#include "core/shape.h"

namespace salu {

/// Row-major, at most rank 4. A view shares storage with its source and is contiguous too: there are no
/// strides.
class Tensor {
 public:
  Tensor() = default;  ///< undefined: no storage
  /// Not initialised.
  static Tensor empty(Shape shape, DType dtype = DType::f32, Device device = {});
  static Tensor zeros(Shape shape, DType dtype = DType::f32, Device device = {});
  static Tensor full(Shape shape, double value, DType dtype = DType::f32, Device device = {});
  /// Copies `values`; throws when their count is not shape.numel().
  template <class T>
  static Tensor from(Shape shape, const std::vector<T>& values);

  bool defined() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  std::int64_t numel() const { return shape_.numel(); }
  std::int64_t dim(int i) const { return shape_[i]; }
  DType dtype() const { return dtype_; }
  Device device() const { return device_; }
  std::size_t bytes() const { return static_cast<std::size_t>(numel()) * dtype_bytes(dtype_); }

  /// Pointer to the first element; throws when T is not the dtype or the tensor is undefined.
  template <class T>
  T* data() {
    require_dtype(dtype_of<T>);
    return static_cast<T*>(raw());
  }
  template <class T>
  const T* data() const {
    require_dtype(dtype_of<T>);
    return static_cast<const T*>(raw());
  }
  void* raw() { return static_cast<char*>(storage_.get()) + offset_; }
  const void* raw() const { return static_cast<const char*>(storage_.get()) + offset_; }

  /// A view of the same elements under another shape; throws when the counts differ.
  Tensor view(Shape shape) const;
  /// Rows [begin, end) of the first dimension.
  Tensor slice(std::int64_t begin, std::int64_t end) const;
  /// `shape.numel()` elements from element `offset` on. A Parameter is such a view of the flat buffer.
  Tensor narrow(std::int64_t offset, Shape shape) const;

  Tensor clone() const;            ///< a deep copy
  Tensor to(DType dtype) const;    ///< a converted deep copy (round to nearest even for bf16)
  Tensor to(Device device) const;  ///< a deep copy on another device; the tensor itself if already there
  void copy_from(const Tensor& source);  ///< same shape; converts dtype and moves between devices as needed
  void fill(double value);
  double item() const;  ///< the only element; throws when there are more
  /// All elements, converted to T; for tests, tables and small results.
  template <class T>
  std::vector<T> values() const;

  /// True when no other Tensor shares the storage: it may then be overwritten in place.
  bool unique() const { return storage_.use_count() == 1; }
  bool shares_storage(const Tensor& other) const { return storage_ == other.storage_; }

 private:
  void require_dtype(DType expected) const;

  std::shared_ptr<void> storage_;
  std::size_t offset_ = 0;  // bytes
  Shape shape_{0};
  DType dtype_ = DType::f32;
  Device device_;
};

/// Throws unless a tensor of this shape has `count` elements.
void check_count(const Shape& shape, std::int64_t count);

template <class T>
Tensor Tensor::from(Shape shape, const std::vector<T>& values) {
  check_count(shape, static_cast<std::int64_t>(values.size()));
  Tensor t = empty(shape, dtype_of<T>);
  std::copy(values.begin(), values.end(), t.data<T>());
  return t;
}

template <class T>
std::vector<T> Tensor::values() const {
  if (device_.type != DeviceType::cpu) return to(Device{}).template values<T>();
  if (dtype_ != dtype_of<T>) return to(dtype_of<T>).template values<T>();
  const T* p = data<T>();
  return std::vector<T>(p, p + numel());
}

/// Number of rows of x seen as a matrix: the product of all dimensions but the last.
inline std::int64_t rows_of(const Tensor& x) {
  std::int64_t rows = 1;
  for (int i = 0; i + 1 < x.shape().rank(); ++i) rows *= x.dim(i);
  return rows;
}

/// Kernels of Tensor::fill and Tensor::copy_from. Not called for empty tensors.
struct TensorKernels {
  Kernel<void(Tensor& t, double value)> fill;
  Kernel<void(Tensor& to, const Tensor& from)> convert;  ///< same shape and device, another dtype
};
extern TensorKernels tensor_kernels;

/// Calls kernel(y, args...) for a new tensor y of this shape, with dtype and device of x, and returns y.
template <class... Args>
Tensor shaped(const Kernel<void(Tensor&, Args...)>& kernel, const Shape& shape, const Tensor& x,
              std::type_identity_t<Args>... args) {
  Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  kernel(x.device(), y, std::forward<Args>(args)...);
  return y;
}

/// shaped() with the shape of x.
template <class... Args>
Tensor like(const Kernel<void(Tensor&, Args...)>& kernel, const Tensor& x,
            std::type_identity_t<Args>... args) {
  return shaped(kernel, x.shape(), x, std::forward<Args>(args)...);
}

/// Throws `[op] expected … got …` unless both have the same shape, dtype and device.
void check_like(const char* op, const Tensor& expected, const Tensor& got);
/// Throws unless `t` is on the device of the activations `x` and has the dtype of their parameters.
void check_parameter(const char* op, const char* name, const Tensor& t, const Tensor& x);
/// Throws unless `t` is (C) for x (...,C), in the dtype of x's parameters.
void check_channels(const char* op, const char* name, const Tensor& t, const Tensor& x);
/// Throws unless `t` has exactly this shape.
void check_shape(const char* op, const char* name, const Tensor& t, const Shape& expected);

}  // namespace salu
