// SPDX-License-Identifier: MIT
/// The ranks of one mpirun. Only the main thread calls MPI.
#define OMPI_SKIP_MPICXX 1  // its C++ bindings left the standard in 2012
#include <fmt/format.h>
#include <mpi.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "core/error.h"
#include "train/ranks/communicator.h"
#include "train/ranks/deadline.h"
#include "train/ranks/rank_watch.h"

namespace salu {
namespace {

/// Ends the process from any thread: MPI may be waiting for a rank that will never answer.
[[noreturn]] void leave(const std::string& message) {
  fmt::print(stderr, "salutrain: error: {}\n", message);
  std::fflush(stderr);
  ::_exit(static_cast<int>(ErrorCode::distributed));
}

void check_mpi(int result, const char* call) {
  if (result == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(result, text, &length);
  fail(ErrorCode::distributed, "{}: {}", call, text);
}

class MpiRanks : public Communicator {
 public:
  explicit MpiRanks(const RankOptions& options) : timeout_(options.timeout_seconds) {
    const Deadline deadline(timeout_, [this] {
      leave(fmt::format("ranks: not all have started after {} s; expected them (--rank-timeout)", timeout_));
    });
    int provided = 0;
    check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
    check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &size_), "MPI_Comm_size");
    MPI_Comm here = MPI_COMM_NULL;
    check_mpi(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here),
              "MPI_Comm_split_type");
    check_mpi(MPI_Comm_rank(here, &local_rank_), "MPI_Comm_rank");
    check_mpi(MPI_Comm_size(here, &local_size_), "MPI_Comm_size");
    check_mpi(MPI_Comm_free(&here), "MPI_Comm_free");
    const auto lost = [this](const std::string& what) { leave(what + whereabouts().text(size_)); };
    if (size_ > 1) watch_ = std::make_unique<RankWatch>(*this, timeout_, lost);
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int local_rank() const override { return local_rank_; }
  int local_size() const override { return local_size_; }

  std::unique_ptr<Sum> start_sum(std::span<float> values) override {
    count_call();
    auto sum = std::make_unique<MpiSum>(*this);
    check_mpi(MPI_Iallreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_FLOAT, MPI_SUM,
                             MPI_COMM_WORLD, &sum->request),
              "MPI_Iallreduce");
    return sum;
  }

  void gather_bytes(std::span<const std::byte> mine, std::span<std::byte> all) override {
    count_call();
    check(all.size() == mine.size() * static_cast<std::size_t>(size_),
          "[gather] expected {} x {} bytes, got {}", size_, mine.size(), all.size());
    MpiSum transfer(*this);
    const int bytes = static_cast<int>(mine.size());
    check_mpi(MPI_Iallgather(mine.data(), bytes, MPI_BYTE, all.data(), bytes, MPI_BYTE, MPI_COMM_WORLD,
                             &transfer.request),
              "MPI_Iallgather");
    transfer.wait();
  }

  void finish() override {
    gather(std::int64_t{0});
    if (watch_) watch_->stop_reporting();
    gather(std::int64_t{0});  // nobody closes a connection before all have stopped to mind
    const Deadline deadline(timeout_, [this] {
      leave(fmt::format("ranks: not all have ended after {} s{}", timeout_, whereabouts().text(size_)));
    });
    MPI_Finalize();
    watch_.reset();
  }

 private:
  struct MpiSum : Sum {
    explicit MpiSum(MpiRanks& all) : ranks(all) {}
    bool done() override {
      int flag = 0;
      check_mpi(MPI_Test(&request, &flag, MPI_STATUS_IGNORE), "MPI_Test");
      return flag != 0;
    }
    void wait() override {
      AwakeClock waited;
      for (std::int64_t tries = 0; !done(); ++tries) {
        if (waited.seconds() > ranks.timeout_) ranks.give_up();
        // Sleeping leaves the core to a rank, or a loader, that shares it; the answer is often there at once.
        if (tries > 100) ::usleep(50);
      }
    }
    MpiRanks& ranks;
    MPI_Request request = MPI_REQUEST_NULL;
  };

  void count_call() {
    if (watch_) watch_->count_call();
  }

  [[noreturn]] void give_up() {
    watch_->stop_reporting();
    fail(ErrorCode::distributed, "rank {}: did not come to an exchange with the others within {} s{}",
         watch_->slowest(), timeout_, whereabouts().text(size_));
  }

  const double timeout_;
  int rank_ = 0, size_ = 1, local_rank_ = 0, local_size_ = 1;
  std::unique_ptr<RankWatch> watch_;
};

}  // namespace

std::unique_ptr<Communicator> connect_ranks(const RankOptions& options) {
  if (launched_ranks() == 0) return std::make_unique<SingleRank>();
  return std::make_unique<MpiRanks>(options);
}

}  // namespace salu
