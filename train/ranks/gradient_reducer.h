// SPDX-License-Identifier: MIT
/// Sums the gradients of all ranks during the backward pass.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/gpu.h"
#include "layers/parameter.h"
#include "train/ranks/communicator.h"

namespace salu {

/// Sums the gradients over the ranks while the backward pass runs. The flat gradient buffer is cut into
/// buckets. Gradients become complete from the last layer to the first, so the first bucket is at the end of
/// the buffer's weights. The sum of a bucket starts when all of its parameters are complete. The order of the
/// buckets is fixed, because all ranks must send the same one.
///
/// GPUs that can communicate directly do so (gpu::DeviceSums), and the host never waits. Otherwise, also when
/// two ranks share a GPU, a bucket is copied to pinned host memory and back in stream order: the GPU keeps
/// computing while the host exchanges.
class GradientReducer {
 public:
  /// Does nothing with a single rank.
  GradientReducer(ParameterStore& store, Communicator& ranks,
                  std::int64_t bucket_numbers =
                      1 << 20);  // 4 MB: small compared with a layer, large compared with a message

  int ranks() const { return ranks_.size(); }
  std::size_t buckets() const { return buckets_.size(); }
  /// The library that adds: "NCCL" or "MPI".
  std::string way() const { return sums_ ? ranks_.device_sums_library()->name : "MPI"; }
  /// Called during backward(): the gradient of this parameter is complete.
  void complete(const Node& leaf);
  /// Sends the remaining buckets and `loss` (1). Returns when gradients and loss are sums over all ranks.
  void finish(Tensor& loss);

 private:
  struct Bucket {
    Tensor values;
    int parameters = 0,
        waiting = 0;  ///< parameters in the bucket, and those whose gradients are not complete yet
    std::shared_ptr<void> pinned;      ///< host copy of a bucket on a GPU, used without sums_
    std::optional<gpu::Event> copied;  ///< passed when `pinned` is complete
    std::unique_ptr<Communicator::Sum> sum;
  };
  void send(Bucket& bucket);
  void receive(Bucket& bucket);
  Bucket make_bucket(Tensor values) const;

  Communicator& ranks_;
  std::unique_ptr<gpu::DeviceSums> sums_;  ///< null: the sums go through the host
  std::vector<Bucket> buckets_;
  std::unique_ptr<Bucket> loss_;
  std::map<const Node*, std::size_t> bucket_of_;
  std::size_t next_ = 0;  ///< first bucket whose sum has not started
};

}  // namespace salu
