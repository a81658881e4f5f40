// SPDX-License-Identifier: MIT
#include "cuda/library/fused.h"

#include "core/ops/conv2d.h"

namespace salu::cuda {
namespace {

/// Writes the formulas of core/ops/salu_math.h as graph operations.
class Formulas {
 public:
  explicit Formulas(FusedGraph& f) : f_(f), g_(f.graph) {}

  GraphTensor salu(const GraphTensor& x, const CurveTensors& curve, const OperationGraph::Out& out = {}) {
    const GraphTensor z = scaled(x, curve.inv_w);
    return g_.mul(scaled(z, curve.s), inverse_root(z), out);
  }

  /// (x/2)(1 + s(x)), as x/2 + x/2 s(x).
  GraphTensor swalu(const GraphTensor& x, const CurveTensors& curve, const OperationGraph::Out& out) {
    const GraphTensor half = scaled(x, f_.half);
    return g_.add(half, g_.mul(half, salu(x, curve)), out);
  }

  GraphTensor salu_gradient(const GraphTensor& dy, const GraphTensor& x, const CurveTensors& curve,
                            const OperationGraph::Out& out = {}) {
    const Point at = point(x, curve);
    add_sums(g_.mul(dy, at.y), at, curve);
    const GraphTensor slope = scaled(scaled(g_.mul(at.r, at.r2), curve.s), curve.inv_w);
    return g_.mul(dy, slope, out);
  }

  GraphTensor swalu_gradient(const GraphTensor& dy, const GraphTensor& x, const CurveTensors& curve) {
    const Point at = point(x, curve);
    const GraphTensor half = scaled(dy, f_.half);
    add_sums(g_.mul(g_.mul(half, x), at.y), at, curve);
    const GraphTensor one_plus_r2 = g_.add(at.r2, f_.one);
    return g_.mul(half, g_.add(g_.mul(at.y, one_plus_r2), f_.one));
  }

 private:
  struct Point {
    GraphTensor y, r, r2, p;
  };

  GraphTensor scaled(const GraphTensor& x, const GraphTensor& scalar) { return g_.mul(x, scalar); }
  GraphTensor inverse_root(const GraphTensor& z) { return g_.rsqrt(g_.add(g_.mul(z, z), f_.one)); }

  Point point(const GraphTensor& x, const CurveTensors& curve) {
    const GraphTensor z = scaled(x, curve.inv_w), z2 = g_.mul(z, z);
    const GraphTensor r = g_.rsqrt(g_.add(z2, f_.one)), r2 = g_.mul(r, r);
    return {g_.mul(scaled(z, curve.s), r), r, r2, g_.mul(z2, r2)};
  }

  void add_sums(const GraphTensor& upstream_times_s, const Point& at, const CurveTensors& curve) {
    g_.sum(curve.p, upstream_times_s);
    g_.sum(curve.d, g_.mul(upstream_times_s, at.p));
  }

  FusedGraph& f_;
  OperationGraph& g_;
};

bool is_backward(Fusion f) { return f == Fusion::salu_backward || f == Fusion::salu_swalu_backward; }

CurveTensors curve_tensors(OperationGraph& g, bool backward) {
  CurveTensors curve{g.scalar(), g.scalar(), {}, {}};
  if (backward) {
    curve.p = g.scalar();
    curve.d = g.scalar();
  }
  return curve;
}

void add_forward(FusedGraph& f, const FusedCandidate& candidate) {
  const Shape shape = conv2d_output_shape(candidate.x, candidate.w, candidate.options);
  f.x = f.graph.tensor(candidate.x, DType::bf16);
  f.c = f.graph.tensor(shape, DType::bf16);
  f.result = f.graph.tensor(shape, DType::bf16);
  f.graph.conv2d_forward(f.c, f.x, f.w, candidate.options);
  Formulas formulas(f);
  if (candidate.fusion == Fusion::salu) {
    formulas.salu(f.c, f.stabilizer, f.result);
    return;
  }
  GraphTensor h = formulas.salu(f.c, f.stabilizer);
  if (candidate.fusion == Fusion::salu_add_swalu) {
    f.residual = f.graph.tensor(shape, DType::bf16);
    h = f.graph.add(h, f.residual);
  }
  formulas.swalu(h, f.gate, f.result);
}

void add_backward(FusedGraph& f, const FusedCandidate& candidate) {
  f.dy = f.graph.tensor(conv2d_output_shape(candidate.x, candidate.w, candidate.options), DType::bf16);
  f.c = f.graph.tensor(candidate.x, DType::bf16);
  f.result = f.graph.tensor(candidate.x, DType::bf16);
  f.x = f.graph.value(candidate.x);
  f.graph.conv2d_backward_data(f.x, f.dy, f.w, candidate.options);
  Formulas formulas(f);
  GraphTensor g = f.x;
  if (candidate.fusion == Fusion::salu_swalu_backward) {
    g = formulas.swalu_gradient(g, formulas.salu(f.c, f.stabilizer), f.gate);
  }
  formulas.salu_gradient(g, f.c, f.stabilizer, f.result);
}

}  // namespace

FusedGraph fused_graph(const FusedCandidate& candidate) {
  const bool backward = is_backward(candidate.fusion);
  const bool gated = candidate.fusion != Fusion::salu && candidate.fusion != Fusion::salu_backward;
  FusedGraph f;
  f.w = f.graph.tensor(candidate.w, DType::bf16);
  f.one = f.graph.scalar();
  f.stabilizer = curve_tensors(f.graph, backward);
  if (gated) {
    f.half = f.graph.scalar();
    f.gate = curve_tensors(f.graph, backward);
  }
  backward ? add_backward(f, candidate) : add_forward(f, candidate);
  f.graph.finish();
  return f;
}

ConvolutionGraph convolution_alone(const FusedCandidate& candidate) {
  const auto pass = is_backward(candidate.fusion) ? ConvolutionPass::backward_data : ConvolutionPass::forward;
  return convolution_graph({pass, DType::bf16, candidate.x, candidate.w, candidate.options});
}

std::vector<FusedCandidate> fused_candidates() {
  struct Layer {
    const char* name;
    Shape x, w;
    std::int64_t stride;
  };
  const Layer layers[] = {{"3x3 64@32 b512", {512, 32, 32, 64}, {64, 3, 3, 64}, 1},
                          {"3x3 512@4 b512", {512, 4, 4, 512}, {512, 3, 3, 512}, 1},
                          {"3x3 64-128@32 stride 2 b512", {512, 32, 32, 64}, {128, 3, 3, 64}, 2},
                          {"1x1 256-64@56 b256", {256, 56, 56, 256}, {64, 1, 1, 256}, 1},
                          {"1x1 64-256@56 b256", {256, 56, 56, 64}, {256, 1, 1, 64}, 1},
                          {"3x3 128@28 b256", {256, 28, 28, 128}, {128, 3, 3, 128}, 1}};
  struct Named {
    const char* name;
    Fusion fusion;
  };
  const Named fusions[] = {{"SALU", Fusion::salu},
                           {"SALU, SWALU", Fusion::salu_swalu},
                           {"SALU, add, SWALU", Fusion::salu_add_swalu},
                           {"SALU backward", Fusion::salu_backward},
                           {"SALU, SWALU backward", Fusion::salu_swalu_backward}};
  std::vector<FusedCandidate> all;
  for (const Layer& layer : layers) {
    for (const Named& f : fusions) {
      if (is_backward(f.fusion) && layer.stride > 1) continue;
      all.push_back({std::string(layer.name) + ", " + f.name,
                     f.fusion,
                     layer.x,
                     layer.w,
                     {layer.stride, layer.w[1] / 2}});
    }
  }
  return all;
}

}  // namespace salu::cuda
