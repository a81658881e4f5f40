// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "train/ranks/communicator.h"

namespace salu::test {

/// A rank whose only companion always sends what it sends: a step of both is the step of one.
class MirrorRank : public Communicator {
 public:
  /// Notes in `log`, if there is one, when a sum starts.
  explicit MirrorRank(std::vector<std::string>* log = nullptr) : log_(log) {}
  int rank() const override { return 0; }
  int size() const override { return 2; }
  std::unique_ptr<Sum> start_sum(std::span<float> values) override {
    struct Doubled : Sum {
      explicit Doubled(std::span<float> v) : values(v) {}
      bool done() override { return false; }
      void wait() override {
        for (float& v : values) v *= 2;
      }
      std::span<float> values;
    };
    if (log_) log_->push_back("sum of " + std::to_string(values.size()));
    return std::make_unique<Doubled>(values);
  }
  void gather_bytes(std::span<const std::byte>, std::span<std::byte>) override {}

 private:
  std::vector<std::string>* log_;
};

}  // namespace salu::test
