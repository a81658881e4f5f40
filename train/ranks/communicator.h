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

namespace salu {

class Communicator {
 public:
  /// A sum in progress.
  class Sum {
   public:
    virtual ~Sum() = default;
    virtual bool done() = 0;  ///< also what moves all sums forward: call it now and then
    virtual void wait() = 0;
  };

  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Position among the ranks of this machine, and their number.
  virtual int local_rank() const { return 0; }
  virtual int local_size() const { return 1; }

  /// Replaces `values` on every rank by their sum over the ranks: the same bits on all of them, and in every
  /// run with so many ranks. They must not be touched until the sum is done.
  virtual std::unique_ptr<Sum> start_sum(std::span<float> values) = 0;
  /// `all` gets the bytes of every rank, in the order of the ranks; `mine` is of one size on all.
  virtual void gather_bytes(std::span<const std::byte> mine, std::span<std::byte> all) = 0;
  /// Waits for the others and ends the connection. A rank that exits without it fails the job.
  virtual void finish() {}

  bool is_root() const { return rank() == 0; }

  std::vector<std::int64_t> gather(std::int64_t mine);
  std::vector<std::string> gather(const std::string& mine);
  void broadcast(std::span<std::byte> bytes);  ///< rank 0's to all
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
  double timeout_seconds = 60;  ///< to wait for the other ranks in one exchange
};

/// The ranks that one mpirun started; a single one without mpirun. Programs link one of two versions: mpi.cc
/// or without_mpi.cc. Throws ErrorCode::usage under mpirun in a build without MPI.
std::unique_ptr<Communicator> connect_ranks(const RankOptions& options);

/// The number of processes that mpirun (or srun, mpiexec) started; 0 when this one was started by hand.
int launched_ranks();

}  // namespace salu
