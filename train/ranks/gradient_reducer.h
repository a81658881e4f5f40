// SPDX-License-Identifier: MIT
/// Sums the gradients of all ranks during the backward pass.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "core/backend.h"
#include "core/device_sums.h"
#include "layers/parameter.h"
#include "train/ranks/communicator.h"

namespace salu {

/// The flat gradient buffer is cut into buckets. Gradients become complete from the last layer to the first,
/// so the buckets begin at the end of the buffer's weights; the sum of a bucket starts when all of its
/// parameters are complete. The order of the buckets is fixed: all ranks must send the same one.
///
/// GPUs that can talk to each other do so (core/device_sums.h), and the host never waits. Otherwise, and
/// where two ranks share a GPU, a bucket is copied to pinned host memory and back, in the queue of the
/// kernels: the GPU computes on while the host exchanges.
class GradientReducer {
 public:
  /// Does nothing with a single rank.
  GradientReducer(ParameterStore& store, Communicator& ranks,
                  std::int64_t bucket_numbers = 1
                                                << 20);  // 4 MB: small beside a layer, large beside a message

  int ranks() const { return ranks_.size(); }
  std::size_t buckets() const { return buckets_.size(); }
  /// Who adds: "NCCL", or "MPI".
  std::string way() const { return sums_ ? device_sums_library()->name : "MPI"; }
  /// For backward(): the gradient of this parameter is complete.
  void complete(const Node& leaf);
  /// Sends the buckets that are left, and `loss` (1); returns when the gradients and the loss are sums over
  /// all ranks.
  void finish(Tensor& loss);

 private:
  struct Bucket {
    Tensor values;
    int parameters = 0, waiting = 0;    ///< waiting: for the gradients of so many of them
    std::shared_ptr<void> pinned;       ///< on a GPU, without sums_: its copy on the host …
    std::unique_ptr<QueueMark> copied;  ///< … which is complete at this mark
    std::unique_ptr<Communicator::Sum> sum;
  };
  void send(Bucket& bucket);
  void receive(Bucket& bucket);
  Bucket make_bucket(Tensor values) const;

  Communicator& ranks_;
  std::unique_ptr<DeviceSums> sums_;  ///< null: the sums go through the host
  std::vector<Bucket> buckets_;
  std::unique_ptr<Bucket> loss_;
  std::map<const Node*, std::size_t> bucket_of_;
  std::size_t next_ = 0;  ///< the sums of the buckets before this one have started
};

}  // namespace salu
