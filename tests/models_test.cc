// SPDX-License-Identifier: MIT
/// Networks: counts, shapes, names, and the numbers of the guide's table.
#include <map>

#include "core/choices.h"
#include "models/model.h"
#include "tests/catch.h"

namespace salu::test {
namespace {

struct Built {
  std::unique_ptr<Model> model;
  ModelConfig config;
  std::vector<LayerRecord> layers;

  std::int64_t kind(const std::string& name) const {
    return std::ranges::count_if(layers, [&](const LayerRecord& r) { return r.kind == name; });
  }
  double gmacs() const {
    double sum = 0;
    for (const LayerRecord& r : layers) sum += static_cast<double>(r.macs) * 1e-9;
    return sum;
  }
  std::int64_t scalars() const { return model->store().count(ParameterGroup::coefficients); }
  std::int64_t weights() const { return model->store().count() - scalars(); }
};

Built build(const std::string& name, std::int64_t classes = 10, std::int64_t size = 32) {
  Built b;
  b.config.name = name;
  b.config.num_classes = classes;
  b.config.img_size = size;
  b.model = make_model(b.config);
  b.layers = summarize(*b.model, b.config);
  return b;
}

TEST_CASE("counts of the large nets and their baselines") {
  const Built c18 = build("salunet_c18");
  CHECK(c18.weights() == 11164362);
  CHECK(c18.scalars() == 74);
  CHECK(c18.kind("SALU") == 20);
  CHECK(c18.kind("SWALU") == 17);
  CHECK(c18.gmacs() == Approx(0.556).margin(0.0006));
  CHECK(build("salunet_c18", 100).weights() == 11210532);
  const Built r18 = build("resnet18");
  CHECK(r18.weights() == 11173962);
  CHECK(r18.scalars() == 0);
  CHECK(r18.kind("BatchNorm") == 20);
  CHECK(build("resnet18", 100).weights() == 11220132);

  const Built c50 = build("salunet_c50", 1000, 224);
  CHECK(c50.weights() == 25503912);
  CHECK(c50.scalars() == 204);
  CHECK(c50.kind("SALU") == 53);
  CHECK(c50.kind("SWALU") == 49);
  CHECK(c50.gmacs() == Approx(4.09).margin(0.01));
  CHECK(build("resnet50", 1000, 224).weights() == 25557032);

  const Built t = build("salunet_t");
  CHECK(t.weights() == 6257290);
  CHECK(t.scalars() == 58);
  CHECK(t.kind("SALU") == 15);
  CHECK(t.kind("GALU") == 14);
  CHECK(t.gmacs() == Approx(0.4265).margin(0.001));
  CHECK(build("vit_cifar").weights() == 6268810);
  CHECK(build("vit_cifar").kind("LayerNorm") == 15);
}

/// He et al. 2016, section 4.2: 6n+2 layers of widths 16, 32, 64, here with 1x1 convolutions as shortcuts.
std::int64_t small_resnet_weights(std::int64_t n, std::int64_t classes) {
  std::int64_t weights = 3 * 9 * 16 + (64 + 1) * classes, in = 16;
  for (const std::int64_t width : {16, 32, 64}) {
    weights += in * width * 9 + (2 * n - 1) * width * width * 9 + (in != width ? in * width : 0);
    in = width;
  }
  return weights;
}

TEST_CASE("counts of the small nets follow from their definition") {
  for (const auto& [n, depth] : std::map<int, int>{{1, 8}, {3, 20}, {9, 56}}) {
    const Built c = build(fmt::format("salunet_c{}", depth)), r = build(fmt::format("resnet{}", depth));
    INFO(depth);
    CHECK(c.weights() == small_resnet_weights(n, 10));
    CHECK(c.kind("SALU") == 6 * n + 3);
    CHECK(c.kind("SWALU") == 6 * n + 1);
    CHECK(c.scalars() == 2 * (6 * n + 3) + 2 * (6 * n + 1));
    CHECK(c.kind("Conv2d") == 6 * n + 3);
    const std::int64_t norm_channels = 16 + 2 * n * (16 + 32 + 64) + 32 + 64;
    CHECK(r.weights() == small_resnet_weights(n, 10) + 2 * norm_channels);
  }
  const Built cnn = build("cnn4");
  CHECK(cnn.weights() == 27 * 32 + 32 * 9 * 64 + 64 * 64 * 128 + 128 + 128 * 10 + 10);
  CHECK(cnn.scalars() == 3 + 2 * 3);
}

TEST_CASE("parameter names are those of torchvision and timm") {
  const auto names = [](const Built& b) {
    std::map<std::string, Shape> out;
    for (const Parameter& p : b.model->store().parameters()) out[p.name] = p.shape;
    return out;
  };
  const auto r18 = names(build("resnet18"));
  CHECK(r18.at("conv1.weight") == Shape{64, 3, 3, 3});
  CHECK(r18.at("layer2.0.downsample.0.weight") == Shape{128, 1, 1, 64});
  CHECK(r18.at("layer2.0.downsample.1.bias") == Shape{128});
  CHECK(r18.at("layer4.1.bn2.weight") == Shape{512});
  CHECK(r18.at("fc.bias") == Shape{10});
  const auto vit = names(build("vit_cifar"));
  CHECK(vit.at("cls_token") == Shape{1, 1, 384});
  CHECK(vit.at("pos_embed") == Shape{1, 65, 384});
  CHECK(vit.at("blocks.6.attn.qkv.weight") == Shape{1152, 384});
  CHECK(vit.at("blocks.0.mlp.fc2.bias") == Shape{384});
  CHECK(vit.at("norm.weight") == Shape{384});
  const auto salunet = names(build("salunet_c8"));
  CHECK(salunet.at("layer1.0.norm1.alpha") == Shape{1});
  CHECK(salunet.at("layer3.0.downsample.1.beta") == Shape{1});
  CHECK(salunet.at("layer3.0.act2.alpha") == Shape{1});
}

TEST_CASE("every pair of norm and activation builds, runs and learns something") {
  for (const std::string& norm : choice_names(kNorms)) {
    for (const std::string& act : act_names()) {
      for (const char* name : {"salunet_c8", "salunet_t"}) {
        // The transformer takes seconds: each choice once.
        if (std::string(name) == "salunet_t" && std::string(norm) != "salu" && std::string(act) != "galu")
          continue;
        INFO(name << " " << norm << " " << act);
        ModelConfig config;
        config.name = name;
        config.img_size = 8;
        config.norm = norm;
        config.act = act;
        config.drop_path = 0.1;
        const auto model = make_model(config);
        Context context;
        context.training = true;
        Tensor x = Tensor::empty({2, 8, 8, 3});
        Rng rng({1, Purpose::test, 0, 0});
        for (std::int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] = static_cast<float>(rng.normal());
        const Variable y = model->forward(Variable(x), context);
        REQUIRE(y.shape() == Shape{2, 10});
        backward(cross_entropy(y, Tensor::full({2, 10}, 0.1)));
        for (const Parameter& p : model->store().parameters()) {
          const float* g = p.variable.grad().data<float>();
          if (!std::all_of(g, g + p.shape.numel(), [](float v) { return std::isfinite(v); })) FAIL(p.name);
        }
      }
    }
  }
}

TEST_CASE("the bias of the classifier starts where it is told, and nothing else changes") {
  for (const std::string name : {"resnet8", "salunet_t", "cnn4"}) {
    CAPTURE(name);
    ModelConfig config;
    config.name = name;
    const auto plain = make_model(config);
    config.head_bias = -2.5;
    const auto told = make_model(config);
    const std::string bias = std::string(told->head_name()) + ".bias";
    int found = 0;
    for (std::size_t i = 0; i < told->store().parameters().size(); ++i) {
      const Parameter& parameter = told->store().parameters()[i];
      const Tensor value = parameter.variable.value();
      const Tensor before = plain->store().parameters()[i].variable.value();
      const bool is_bias = parameter.name == bias;
      found += is_bias;
      bool same = true;
      for (std::int64_t k = 0; k < value.numel(); ++k) {
        same = same && value.data<float>()[k] == (is_bias ? -2.5f : before.data<float>()[k]);
      }
      CHECK(same);
    }
    CHECK(found == 1);
  }
}

TEST_CASE("networks that share a layer start from the same weights there") {
  ModelConfig a, b;
  a.name = "salunet_c8";
  b.name = "salunet_c8";
  b.norm = "batchnorm";
  const auto first = make_model(a), second = make_model(b);
  const auto weights = [](Model& m) {
    return m.store().parameters().front().variable.value().values<float>();
  };
  CHECK(first->store().parameters().front().name == "conv1.weight");
  CHECK(weights(*first) == weights(*second));
  a.seed = 43;
  CHECK(weights(*make_model(a)) != weights(*first));
}

TEST_CASE("a signal survives to the head of every SaluNet at the start") {
  // E[x^2] of the features must neither vanish nor explode: with a = b = 1 a bottleneck net of depth 50 is at
  // 2e-7.
  for (const char* name : {"salunet_c8", "salunet_c20", "salunet_c56", "salunet_c18", "salunet_c50"}) {
    ModelConfig config;
    config.name = name;
    config.num_classes = 100;
    const auto model = make_model(config);
    Tensor x = Tensor::empty({2, 32, 32, 3});
    Rng rng({7, Purpose::test, 0, 0});
    for (std::int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] = static_cast<float>(rng.normal());
    // The head's weights are U(+-1/sqrt(C)): the logit is about as large as a feature.
    Context context;
    double square = 0;
    const auto logits = model->forward(Variable(x), context).value().values<double>();
    for (const double v : logits) square += v * v / static_cast<double>(logits.size());
    const double logit = std::sqrt(square);
    INFO(name << " " << logit);
    CHECK(logit > 1e-3);
    CHECK(logit < 10);
  }
}

TEST_CASE("unknown names are answered with the known ones and the nearest") {
  ModelConfig config;
  config.name = "salunet_c81";
  CHECK_THAT(error_of([&] { make_model(config); }), Catch::Matchers::Contains("did you mean salunet_c8"));
  config.name = "salunet_c8";
  config.norm = "batch_norm";
  CHECK_THAT(error_of([&] { make_model(config); }),
             Catch::Matchers::Contains("--norm: unknown name 'batch_norm'"));
  config.norm = std::nullopt;
  config.name = "vit_cifar";
  config.img_size = 30;
  CHECK_THAT(error_of([&] { make_model(config); }),
             Catch::Matchers::Contains("--img-size: 30 is not a multiple"));
}

}  // namespace
}  // namespace salu::test
