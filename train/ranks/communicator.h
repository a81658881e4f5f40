// SPDX-License-Identifier: MIT
/// Messages between the ranks of a run. A rank is one process; several share every batch.
///
/// All ranks make the same calls in the same order. A call that another rank leaves unanswered ends in
/// ErrorCode::distributed after a time-out. A rank that dies is mpirun's business: it ends the job.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/gpu.h"

namespace salu {

class Communicator {
 public:
  /// An all-reduce in progress.
  class Sum {
   public:
    virtual ~Sum() = default;
    virtual bool done() = 0;  ///< true when complete; must be polled, because it also advances all sums
    virtual void wait() = 0;
  };

  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Rank among the processes of this machine, and their number.
  virtual int local_rank() const { return 0; }
  virtual int local_size() const { return 1; }

  /// Starts an in-place all-reduce (sum). Every rank, and every run with the same number of ranks, gets the
  /// same bits. `values` must not be touched until the sum is done.
  virtual std::unique_ptr<Sum> start_sum(std::span<float> values) = 0;
  /// `all` receives the bytes of every rank, in rank order; `mine` has the same size on every rank.
  virtual void gather_bytes(std::span<const std::byte> mine, std::span<std::byte> all) = 0;
  /// Waits for the other ranks and disconnects. A rank that exits without it fails the job.
  virtual void finish() {}

  /// The library with which the ranks' GPUs communicate directly; null: none.
  virtual const gpu::DeviceSumsLibrary* device_sums_library() const { return gpu::device_sums_library(); }

  bool is_root() const { return rank() == 0; }

  std::vector<std::int64_t> gather(std::int64_t mine);
  std::vector<std::string> gather(const std::string& mine);
  void broadcast(std::span<std::byte> bytes);  ///< sends rank 0's bytes to all ranks
};

/// The only rank of a run.
class SingleRank : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  std::unique_ptr<Sum> start_sum(std::span<float> values) override;
  void gather_bytes(std::span<const std::byte> mine, std::span<std::byte> all) override;
};

Communicator& single_rank();

struct RankOptions {
  double timeout_seconds = 60;  ///< longest wait for the other ranks in one exchange
};

/// The ranks started by one mpirun; a single one without mpirun. Programs link either mpi.cc or
/// without_mpi.cc. Throws ErrorCode::usage under mpirun in a build without MPI.
std::unique_ptr<Communicator> connect_ranks(const RankOptions& options);

/// Number of processes started by mpirun (or srun, mpiexec); 0 when this one was started by hand.
int launched_ranks();

}  // namespace salu
