// SPDX-License-Identifier: MIT
/// The layers with weights, Conv2d and Linear, their initialisation, and the context of a forward pass.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "autograd/functions.h"
#include "core/rng.h"
#include "core/shape.h"
#include "layers/parameter.h"

namespace salu {

/// One line of `--summary`.
struct LayerRecord {
  std::string name, kind;
  Shape output;
  std::int64_t parameters = 0;
  std::int64_t macs = 0;  ///< multiply-adds of matrix products and convolutions, for the batch that ran
};

/// The state of a forward pass besides its input.
struct Context {
  bool training = false;
  std::uint64_t seed = 0;
  std::uint32_t step = 0;                       ///< optimizer step: keys the masks of dropout and drop path
  std::uint32_t rank = 0;                       ///< distinguishes the masks of ranks that share a batch
  std::uint32_t draws = 0;                      ///< masks drawn so far in this pass
  std::vector<LayerRecord>* records = nullptr;  ///< filled unless null

  /// The key of the next mask.
  RandomKey next_key(Purpose purpose) { return {seed, purpose, step, draws++, rank}; }
  void record(LayerRecord r) {
    if (records) records->push_back(std::move(r));
  }
};

/// Initial values of a convolution's filters.
enum class WeightInit {
  he_fan_in,   ///< N(0, 2/(R S C)): SaluNet's default; fan-out or smaller gains let a deep SaluNet start dead
  he_fan_out,  ///< N(0, 2/(R S K)): torchvision's ResNets
  lecun,       ///< N(0, 1/(R S C))
  framework,   ///< U(+-1/sqrt(R S C)): PyTorch's default
};

/// Initial values of a linear layer.
enum class LinearInit {
  framework,     ///< weight and bias U(+-1/sqrt(C)): PyTorch's default
  small_normal,  ///< weight N(0, 0.01^2), bias 0: classifier heads of normalization-free nets
  transformer,   ///< weight N(0, 0.02^2), bias 0: timm's ViTs
};

inline constexpr std::pair<const char*, WeightInit> kWeightInits[] = {{"he_fan_in", WeightInit::he_fan_in},
                                                                      {"he_fan_out", WeightInit::he_fan_out},
                                                                      {"lecun", WeightInit::lecun},
                                                                      {"framework", WeightInit::framework}};
WeightInit weight_init_of(const std::string& name);  ///< throws ErrorCode::usage naming the known ones

/// Convolution without bias (a stabilizer or norm follows). x (N,H,W,C) -> (N,P,Q,K).
class Conv2d {
 public:
  /// Parameter `weight` (K,R,S,C), R = S = kernel.
  Conv2d(const Scope& scope, std::int64_t in, std::int64_t out, std::int64_t kernel, Conv2dOptions options,
         WeightInit init);
  Variable operator()(const Variable& x, Context& context) const;

 private:
  std::string name_;
  Conv2dOptions options_;
  Parameter& weight_;
};

/// y = x w^T + b. x (...,C) -> (...,N).
class Linear {
 public:
  /// Parameters `weight` (N,C) and `bias` (N).
  Linear(const Scope& scope, std::int64_t in, std::int64_t out, LinearInit init);
  Variable operator()(const Variable& x, Context& context) const;

 private:
  std::string name_;
  Parameter &weight_, &bias_;
};

}  // namespace salu
