// SPDX-License-Identifier: MIT
#include "core/tensor.h"

#include <algorithm>
#include <cstring>

#include "core/gpu.h"
#include "core/profile.h"

namespace salu {

Tensor Tensor::empty(Shape shape, DType dtype, Device device) {
  std::int64_t bytes = 0;
  check(!__builtin_mul_overflow(shape.numel(), static_cast<std::int64_t>(dtype_bytes(dtype)), &bytes),
        "[tensor] {} {} has more bytes than 2^63", shape.str(), dtype_name(dtype));
  Tensor t;
  t.shape_ = shape;
  t.dtype_ = dtype;
  t.device_ = device;
  t.storage_ = device.type == DeviceType::cpu ? allocate_host(t.bytes()) : gpu::allocate(t.bytes());
  return t;
}

Tensor Tensor::zeros(Shape shape, DType dtype, Device device) { return full(shape, 0, dtype, device); }

Tensor Tensor::full(Shape shape, double value, DType dtype, Device device) {
  Tensor t = empty(shape, dtype, device);
  t.fill(value);
  return t;
}

void Tensor::require_dtype(DType expected) const {
  check(defined(), "[tensor] expected a defined tensor, got an undefined one");
  check(dtype_ == expected, "[tensor] expected dtype {}, got {} {}", dtype_name(expected), dtype_name(dtype_),
        shape_.str());
}

Tensor Tensor::view(Shape shape) const {
  check(shape.numel() == numel(), "[view] expected a shape of {} elements for {}, got {}", numel(),
        shape_.str(), shape.str());
  Tensor t = *this;
  t.shape_ = shape;
  return t;
}

Tensor Tensor::slice(std::int64_t begin, std::int64_t end) const {
  check(begin >= 0 && begin <= end && end <= dim(0),
        "[slice] expected 0 <= begin <= end <= {}, got {}..{} of {}", dim(0), begin, end, shape_.str());
  const std::int64_t row = dim(0) == 0 ? 0 : numel() / dim(0);
  return narrow(begin * row, shape_.with(0, end - begin));
}

Tensor Tensor::narrow(std::int64_t offset, Shape shape) const {
  check(offset >= 0 && offset <= numel() - shape.numel(),
        "[narrow] expected a range inside {} elements, got {} from {}", numel(), shape.numel(), offset);
  Tensor t = *this;
  t.shape_ = shape;
  t.offset_ += static_cast<std::size_t>(offset) * dtype_bytes(dtype_);
  return t;
}

Tensor Tensor::clone() const { return to(dtype_); }

Tensor Tensor::to(DType dtype) const {
  Tensor t = empty(shape_, dtype, device_);
  t.copy_from(*this);
  return t;
}

namespace {

/// bf16 converts only from float; all other types convert directly.
template <class To, class From>
To convert(From value) {
  if constexpr (std::is_same_v<To, bf16>) {
    return bf16(static_cast<float>(value));
  } else if constexpr (std::is_same_v<From, bf16>) {
    return static_cast<To>(static_cast<float>(value));
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace

Tensor Tensor::to(Device device) const {
  if (device == device_) return *this;
  Tensor t = empty(shape_, dtype_, device);
  t.copy_from(*this);
  return t;
}

namespace {

void copy_bytes(Tensor& to, const Tensor& from) {
  const bool to_host = to.device().type == DeviceType::cpu, from_host = from.device().type == DeviceType::cpu;
  if (to_host && from_host) {
    std::memmove(to.raw(), from.raw(), from.bytes());
  } else {
    (to_host     ? gpu::copy_to_host
     : from_host ? gpu::copy_to_device
                 : gpu::copy_on_device)(to.raw(), from.raw(), from.bytes());
  }
}

void fill_on_cpu(Tensor& t, double value) {
  dispatch_any(t.dtype(), [&]<class T>() { std::fill_n(t.data<T>(), t.numel(), convert<T, double>(value)); });
}

void convert_on_cpu(Tensor& to, const Tensor& from) {
  dispatch_any(to.dtype(), [&]<class To>() {
    dispatch_any(from.dtype(), [&]<class From>() {
      const From* values = from.data<From>();
      std::transform(values, values + from.numel(), to.data<To>(), convert<To, From>);
    });
  });
}

}  // namespace

// The profile counts a conversion as a copy.
TensorKernels tensor_kernels{{"fill", fill_on_cpu}, {"copy", convert_on_cpu}};

void fail_dtype(const char* op, const char* expected, DType got) {
  fail(ErrorCode::internal, "[{}] expected dtype {}, got {}", op, expected, dtype_name(got));
}

void Tensor::copy_from(const Tensor& source) {
  check(shape_ == source.shape_, "[copy] expected shape {}, got {}", shape_.str(), source.shape_.str());
  if (numel() == 0) return;
  if (dtype_ != source.dtype_) {
    if (device_ == source.device_) return tensor_kernels.convert(device_, *this, source);
    return copy_from(source.to(dtype_));
  }
  const ProfileScope scope("copy");
  copy_bytes(*this, source);
}

void Tensor::fill(double value) {
  if (numel() > 0) tensor_kernels.fill(device_, *this, value);
}

double Tensor::item() const {
  check(numel() == 1, "[item] expected one element, got {}", shape_.str());
  return values<double>()[0];
}

void check_like(const char* op, const Tensor& expected, const Tensor& got) {
  check(got.defined(), "[{}] expected a tensor of shape {}, got an undefined one", op,
        expected.shape().str());
  check(expected.shape() == got.shape(), "[{}] expected shape {}, got {}", op, expected.shape().str(),
        got.shape().str());
  check(expected.dtype() == got.dtype(), "[{}] expected dtype {}, got {}", op, dtype_name(expected.dtype()),
        dtype_name(got.dtype()));
  check(expected.device() == got.device(), "[{}] expected a tensor on {}, got {}", op,
        expected.device().str(), got.device().str());
}

void check_count(const Shape& shape, std::int64_t count) {
  check(count == shape.numel(), "[tensor] expected {} values for {}, got {}", shape.numel(), shape.str(),
        count);
}

void check_parameter(const char* op, const char* name, const Tensor& t, const Tensor& x) {
  const DType expected = parameter_dtype(x.dtype());
  check(t.dtype() == expected, "[{}] expected {} {}, got {}", op, name, dtype_name(expected),
        dtype_name(t.dtype()));
  check(t.device() == x.device(), "[{}] expected {} on {}, got {}", op, name, x.device().str(),
        t.device().str());
}

void check_channels(const char* op, const char* name, const Tensor& t, const Tensor& x) {
  check_shape(op, name, t, {x.dim(-1)});
  check_parameter(op, name, t, x);
}

void check_shape(const char* op, const char* name, const Tensor& t, const Shape& expected) {
  check(t.defined() && t.shape() == expected, "[{}] expected {} of shape {}, got {}", op, name,
        expected.str(), t.defined() ? t.shape().str() : "an undefined tensor");
}

}  // namespace salu
