// SPDX-License-Identifier: MIT
#include "cuda/library/graph.h"

#include <fmt/format.h>

#include <algorithm>

namespace salu::cuda {
namespace {

cudnnDataType_t data_type(DType dtype) {
  if (dtype == DType::f32) return CUDNN_DATA_FLOAT;
  if (dtype == DType::bf16) return CUDNN_DATA_BFLOAT16;
  fail_dtype("cudnn", "f32 or bf16", dtype);
}

}  // namespace

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
  // Includes the terminating zero, which belongs to the attribute.
  set_raw(name, CUDNN_TYPE_CHAR, static_cast<std::int64_t>(text.size()) + 1, text.c_str());
}

std::string Descriptor::get_text(Name name) const {
  std::int64_t size = 0;
  check_cudnn(cudnnBackendGetAttribute(handle_, name, CUDNN_TYPE_CHAR, 0, &size, nullptr),
              "cannot read the size of a text");
  std::string text(static_cast<std::size_t>(size), '\0');
  get_raw(name, CUDNN_TYPE_CHAR, size, text.data());
  return text.c_str();  // drops the terminating zero
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

/// The attributes of one of the three convolution passes.
struct OperationGraph::ConvolutionNames {
  const char* text;
  cudnnBackendDescriptorType_t type;
  Descriptor::Name convolution, x, w, y, alpha, beta;
};

GraphTensor OperationGraph::add_tensor(const Shape& shape, DType dtype, bool in_memory) {
  check(shape.rank() == 4, "[cudnn] expected rank 4, got {}", shape.str());
  const GraphTensor t{static_cast<std::int64_t>(tensors_.size()) + 1, shape};
  const std::int64_t n = shape[0], h = shape[1], w = shape[2], c = shape[3];
  Descriptor& d = tensors_.emplace_back(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  d.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, t.id);
  d.set(CUDNN_ATTR_TENSOR_DATA_TYPE, data_type(dtype));
  d.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, std::int64_t{16});
  // cuDNN lists channels second; the strides make them contiguous.
  d.set(CUDNN_ATTR_TENSOR_DIMENSIONS, std::vector<std::int64_t>{n, c, h, w});
  d.set(CUDNN_ATTR_TENSOR_STRIDES, std::vector<std::int64_t>{h * w * c, 1, w * c, c});
  d.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, !in_memory);
  d.finalize("cannot describe a tensor");
  text_ += fmt::format("{}={}{}{};", t.id, in_memory ? "" : "value ", dtype_name(dtype), shape.str());
  return t;
}

GraphTensor OperationGraph::tensor(const Shape& shape, DType dtype) {
  return memory_tensors_.emplace_back(MemoryTensor{add_tensor(shape, dtype, true), dtype}).tensor;
}
GraphTensor OperationGraph::value(const Shape& shape) { return add_tensor(shape, DType::f32, false); }

void OperationGraph::convolution(const ConvolutionNames& names, const GraphTensor& x, const GraphTensor& w,
                                 const GraphTensor& y, Conv2dOptions options, float beta) {
  Descriptor& c = parts_.emplace_back(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  const std::vector<std::int64_t> padding(2, options.padding);
  c.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
  c.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION);
  c.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::int64_t{2});
  c.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, padding);
  c.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, padding);
  c.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, std::vector<std::int64_t>(2, 1));
  c.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, std::vector<std::int64_t>(2, options.stride));
  c.finalize("cannot describe a convolution");
  Descriptor& operation = operations_.emplace_back(names.type);
  operation.set(names.convolution, c);
  operation.set(names.x, at(x));
  operation.set(names.w, at(w));
  operation.set(names.y, at(y));
  operation.set(names.alpha, 1.0f);
  operation.set(names.beta, beta);
  operation.finalize(names.text);
  text_ += fmt::format("{}({},{},{},stride {},padding {},beta {});", names.text, x.id, w.id, y.id,
                       options.stride, options.padding, beta);
}

void OperationGraph::conv2d_forward(const GraphTensor& y, const GraphTensor& x, const GraphTensor& w,
                                    Conv2dOptions options) {
  constexpr ConvolutionNames names{"conv2d_forward",
                                   CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
  convolution(names, x, w, y, options, 0);
}

void OperationGraph::conv2d_backward_data(const GraphTensor& dx, const GraphTensor& dy, const GraphTensor& w,
                                          Conv2dOptions options) {
  constexpr ConvolutionNames names{"conv2d_backward_data",
                                   CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
  convolution(names, dx, w, dy, options, 0);
}

void OperationGraph::conv2d_backward_weight(const GraphTensor& dw, const GraphTensor& dy,
                                            const GraphTensor& x, Conv2dOptions options, bool add) {
  constexpr ConvolutionNames names{"conv2d_backward_weight",
                                   CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
  convolution(names, x, dw, dy, options, add ? 1.0f : 0.0f);
}

GraphTensor OperationGraph::pointwise(cudnnPointwiseMode_t mode, const GraphTensor& a, const GraphTensor* b,
                                      const Out& out) {
  const bool a_is_larger = !b || a.shape.numel() >= b->shape.numel();
  const GraphTensor y = out ? *out : value(a_is_larger ? a.shape : b->shape);
  Descriptor& p = parts_.emplace_back(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  p.set(CUDNN_ATTR_POINTWISE_MODE, mode);
  p.set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
  p.finalize("cannot describe a pointwise operation");
  Descriptor& operation = operations_.emplace_back(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  operation.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, p);
  operation.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, at(a));
  if (b) operation.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, at(*b));
  operation.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, at(y));
  operation.finalize("cannot add a pointwise operation");
  text_ += fmt::format("{}=pointwise {}({},{});", y.id, static_cast<int>(mode), a.id, b ? b->id : 0);
  return y;
}

GraphTensor OperationGraph::mul(const GraphTensor& a, const GraphTensor& b, const Out& out) {
  return pointwise(CUDNN_POINTWISE_MUL, a, &b, out);
}
GraphTensor OperationGraph::add(const GraphTensor& a, const GraphTensor& b, const Out& out) {
  return pointwise(CUDNN_POINTWISE_ADD, a, &b, out);
}
GraphTensor OperationGraph::rsqrt(const GraphTensor& a) {
  return pointwise(CUDNN_POINTWISE_RSQRT, a, nullptr, {});
}

void OperationGraph::sum(const GraphTensor& total, const GraphTensor& a) {
  Descriptor& r = parts_.emplace_back(CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
  r.set(CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_REDUCE_TENSOR_ADD);
  r.set(CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_DATA_FLOAT);
  r.set(CUDNN_ATTR_REDUCTION_IS_DETERMINISTIC, true);
  r.finalize("cannot describe a sum");
  Descriptor& operation = operations_.emplace_back(CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
  operation.set(CUDNN_ATTR_OPERATION_REDUCTION_XDESC, at(a));
  operation.set(CUDNN_ATTR_OPERATION_REDUCTION_YDESC, at(total));
  operation.set(CUDNN_ATTR_OPERATION_REDUCTION_DESC, r);
  operation.finalize("cannot add a sum");
  text_ += fmt::format("{}=sum({});", total.id, a.id);
}

void OperationGraph::finish() {
  std::vector<cudnnBackendDescriptor_t> operations;
  for (const Descriptor& operation : operations_) operations.push_back(operation.raw());
  graph_.emplace(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  graph_->set_all(CUDNN_ATTR_OPERATIONGRAPH_OPS, operations);
  graph_->finalize("cannot build the graph");
}

}  // namespace salu::cuda
