// SPDX-License-Identifier: MIT
#include "cuda/library/descriptor.h"

#include <algorithm>

#include "core/error.h"

namespace salu::cuda {

void check_cudnn(cudnnStatus_t status, const char* what) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  char reason[512] = "";
  cudnnGetLastErrorString(reason, sizeof reason);
  fail(ErrorCode::environment, "[cudnn] {}: {}{}{}", what, cudnnGetErrorString(status), *reason ? ": " : "",
       escaped(reason));
}

void Descriptor::set_raw(Name name, cudnnBackendAttributeType_t type, std::int64_t count,
                         const void* values) {
  check_cudnn(cudnnBackendSetAttribute(handle_, name, type, count, values), "cannot set an attribute");
}

std::int64_t Descriptor::get_raw(Name name, cudnnBackendAttributeType_t type, std::int64_t most,
                                 void* values) const {
  std::int64_t count = 0;
  check_cudnn(cudnnBackendGetAttribute(handle_, name, type, most, &count, values),
              "cannot read an attribute");
  return std::min(count, most);
}

void Descriptor::set(Name name, const std::string& text) {
  // The terminating zero belongs to the attribute.
  set_raw(name, CUDNN_TYPE_CHAR, static_cast<std::int64_t>(text.size()) + 1, text.c_str());
}

std::string Descriptor::get_text(Name name) const {
  std::int64_t size = 0;
  check_cudnn(cudnnBackendGetAttribute(handle_, name, CUDNN_TYPE_CHAR, 0, &size, nullptr),
              "cannot read the size of a text");
  std::string text(static_cast<std::size_t>(size), '\0');
  get_raw(name, CUDNN_TYPE_CHAR, size, text.data());
  return text.c_str();  // cut at the terminating zero
}

std::vector<Descriptor> Descriptor::get_parts(Name name, cudnnBackendDescriptorType_t type) const {
  std::int64_t count = 0;
  check_cudnn(cudnnBackendGetAttribute(handle_, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, nullptr),
              "cannot count the parts of a descriptor");
  std::vector<Descriptor> parts;
  std::vector<cudnnBackendDescriptor_t> handles;
  for (std::int64_t i = 0; i < count; ++i) handles.push_back(parts.emplace_back(type).handle_);
  const std::int64_t filled = get_raw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, count, handles.data());
  parts.erase(parts.begin() + filled, parts.end());
  return parts;
}

Descriptor Descriptor::get_part(Name name, cudnnBackendDescriptorType_t type) const {
  Descriptor part(type);
  get_raw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &part.handle_);
  return part;
}

}  // namespace salu::cuda
