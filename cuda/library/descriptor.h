// SPDX-License-Identifier: MIT
/// cuDNN's backend API is one idea: a descriptor is created, given attributes, finalized, and then read or
/// run.
#pragma once

#include <cudnn.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace salu::cuda {

/// Throws ErrorCode::environment with cuDNN's name for the failure, and its explanation when it has one.
void check_cudnn(cudnnStatus_t status, const char* what);

/// C++ type -> type of an attribute.
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

/// Owns one descriptor.
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
  /// At most `most` values.
  template <class T>
  std::vector<T> get_all(Name name, std::int64_t most) const {
    std::vector<T> values(static_cast<std::size_t>(most));
    values.resize(static_cast<std::size_t>(get_raw(name, attribute_type<T>, most, values.data())));
    return values;
  }
  std::string get_text(Name name) const;
  /// The parts of this descriptor that have the given type.
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

}  // namespace salu::cuda
