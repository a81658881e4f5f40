// SPDX-License-Identifier: MIT
/// Cases that are bound by arithmetic: products and convolutions, hand-written and of the libraries.
#include <fmt/format.h>

#include "bench/gpu_cases.h"
#include "bench/gpu_shapes.h"
#include "core/gpu.h"
#include "core/ops/products.h"
#include "cuda/kernels/gemm.h"

namespace salu::bench {
namespace {

using cuda::GemmRung;

/// The code that runs a product or a convolution.
struct Way {
  const char* name;
  bool library;
  GemmRung rung;

  void choose() const {
    gpu::use_libraries(library);
    cuda::set_gemm_rung(rung);
  }
};
constexpr Way kLibrary{"library", true, GemmRung::automatic};
constexpr Way kLadder[] = {{"naive", false, GemmRung::naive},
                           {"shared tiles", false, GemmRung::shared_tiles},
                           {"reg. tiles", false, GemmRung::register_tiles},
                           {"tensor cores", false, GemmRung::tensor_cores}};
constexpr Way kConvolutionWays[] = {{"direct", false, GemmRung::naive},
                                    {"implicit", false, GemmRung::automatic}};

template <std::size_t n>
std::vector<Way> available(const Way (&ways)[n], const CaseOptions& options) {
  std::vector<Way> out(std::begin(ways), std::end(ways));
  if (options.library) out.push_back(kLibrary);
  return out;
}

KernelCase product_case(const char* family, ProductShape s, DType dtype, const Way& way) {
  const double bytes = s.bytes() / 2 * static_cast<double>(dtype_bytes(dtype));
  return {
      family, fmt::format("{} {}x{}x{}", dtype_name(dtype), s.m, s.n, s.k), way.name, bytes, s.flops(), [=] {
        return [y = device_empty({s.m, s.n}, dtype), a = noise({s.m, s.k}, dtype),
                b = noise({s.k, s.n}, dtype), way]() mutable {
          way.choose();
          matmul_kernels.forward(kGpu, y, a, b);
        };
      }};
}

/// x, w, y and their gradients; each has a set of its own, as in a network.
struct ConvolutionSet {
  ConvolutionShape shape;
  Tensor x, w, y, dy, dx, dw;

  explicit ConvolutionSet(const ConvolutionShape& s)
      : shape(s),
        x(noise(s.x, DType::bf16)),
        w(noise(s.w, DType::bf16)),
        y(device_empty(s.y(), DType::bf16)),
        dy(noise(s.y(), DType::bf16)),
        dx(device_empty(s.x, DType::bf16)),
        dw(Tensor::zeros(s.w, DType::f32, kGpu)) {}
  void forward() { conv2d_kernels.forward(kGpu, y, x, w, shape.options); }
  void backward_data() { conv2d_kernels.backward_data(kGpu, dx, dy, w, shape.options); }
  void backward_weight() { conv2d_kernels.backward_weight(kGpu, dw, dy, x, shape.options); }
};

/// y, dx and dw of a linear layer.
struct LinearSet {
  Tensor x, w, y, dy, dx, dw;

  explicit LinearSet(const ProductShape& s)
      : x(noise({s.m, s.k}, DType::bf16)),
        w(noise({s.n, s.k}, DType::bf16)),
        y(device_empty({s.m, s.n}, DType::bf16)),
        dy(noise({s.m, s.n}, DType::bf16)),
        dx(device_empty({s.m, s.k}, DType::bf16)),
        dw(Tensor::zeros({s.n, s.k}, DType::f32, kGpu)) {}
  void all(bool first) {
    linear_kernels.forward(kGpu, y, x, w, Tensor());
    linear_kernels.backward_weight(kGpu, dw, dy, x);
    if (!first) linear_kernels.backward_input(kGpu, dx, dy, w);
  }
};

KernelCase resnet_floor(const char* name, bool bottleneck, std::int64_t batch, std::int64_t size) {
  KernelCase out{"floor", fmt::format("{} b={}", name, batch), "library", 0, 0, {}};
  const std::vector<ConvolutionShape> shapes = resnet_convolutions(bottleneck, batch, size);
  for (const ConvolutionShape& s : shapes) {
    const int passes = s.is_stem() ? 2 : 3;
    out.bytes += passes * s.bytes();
    out.flops += passes * s.flops();
  }
  out.make = [shapes] {
    auto sets = std::make_shared<std::vector<ConvolutionSet>>();
    for (const ConvolutionShape& s : shapes) sets->emplace_back(s);
    return [sets] {
      kLibrary.choose();
      for (ConvolutionSet& s : *sets) s.forward();
      for (auto s = sets->rbegin(); s != sets->rend(); ++s) {
        s->backward_weight();
        if (!s->shape.is_stem()) s->backward_data();
      }
    };
  };
  return out;
}

KernelCase vit_floor(std::int64_t batch) {
  KernelCase out{"floor", fmt::format("salunet_t b={}", batch), "library", 0, 0, {}};
  const std::vector<ProductShape> shapes = vit_products(batch);
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const int passes = i == 0 ? 2 : 3;
    out.bytes += passes * shapes[i].bytes();
    out.flops += passes * shapes[i].flops();
  }
  out.make = [shapes] {
    auto sets = std::make_shared<std::vector<LinearSet>>();
    for (const ProductShape& s : shapes) sets->emplace_back(s);
    return [sets] {
      kLibrary.choose();
      for (std::size_t i = 0; i < sets->size(); ++i) (*sets)[i].all(i == 0);
    };
  };
  return out;
}

}  // namespace

CaseList ceiling_product_cases(const CaseOptions& options) {
  if (!options.library) return {};
  const std::int64_t n = options.smoke ? 64 : 8192;
  return {product_case("ceiling", {n, n, n}, DType::bf16, kLibrary)};
}

CaseList product_cases(const CaseOptions& options) {
  CaseList cases;
  const std::vector<ProductShape> sizes =
      options.smoke ? std::vector<ProductShape>{{33, 17, 40}}
                    : std::vector<ProductShape>{{4096, 4096, 4096}, {1024 * 65, 1152, 384}};
  for (const ProductShape& s : sizes) {
    for (const DType dtype : {DType::f32, DType::bf16}) {
      for (const Way& way : available(kLadder, options)) {
        if (dtype == DType::f32 && way.rung == GemmRung::tensor_cores) continue;  // the rung below
        cases.push_back(product_case("product", s, dtype, way));
      }
    }
  }
  return cases;
}

CaseList convolution_cases(const CaseOptions& options) {
  CaseList cases;
  const std::vector<ConvolutionShape> shapes =
      options.smoke ? std::vector<ConvolutionShape>{{{2, 5, 6, 3}, {4, 3, 3, 3}, {1, 1}},
                                                    {{1, 6, 4, 4}, {8, 3, 3, 4}, {2, 1}}}
                    : without_repeats(resnet_convolutions(false, 128, 32));
  struct Pass {
    const char* name;
    void (ConvolutionSet::*run)();
  };
  constexpr Pass kPasses[] = {{"forward", &ConvolutionSet::forward},
                              {"backward data", &ConvolutionSet::backward_data},
                              {"backward weight", &ConvolutionSet::backward_weight}};
  for (const ConvolutionShape& s : shapes) {
    for (const Pass& pass : kPasses) {
      if (s.is_stem() && pass.run == &ConvolutionSet::backward_data) continue;
      for (const Way& way : available(kConvolutionWays, options)) {
        cases.push_back({"conv", s.name() + ", " + pass.name, way.name, s.bytes(), s.flops(), [=] {
                           return [way, run = pass.run, set = std::make_shared<ConvolutionSet>(s)] {
                             way.choose();
                             ((*set).*run)();
                           };
                         }});
      }
    }
  }
  return cases;
}

CaseList floor_cases(const CaseOptions& options) {
  if (!options.library) return {};
  if (options.smoke) return {resnet_floor("salunet_c18", false, 2, 32)};
  return {resnet_floor("salunet_c18", false, 128, 32), resnet_floor("salunet_c18", false, 512, 32),
          resnet_floor("salunet_c50", true, 256, 224), vit_floor(128), vit_floor(1024)};
}

}  // namespace salu::bench
