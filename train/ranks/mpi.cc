// SPDX-License-Identifier: MIT
/// The ranks of one mpirun. Only the main thread calls MPI.
#define OMPI_SKIP_MPICXX 1  // skips the C++ bindings, which left the standard in 2012
#include <mpi.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/error.h"
#include "train/ranks/communicator.h"

namespace salu {
namespace {

void check_mpi(int result, const char* call) {
  if (result == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(result, text, &length);
  fail(ErrorCode::distributed, "{}: {}", call, text);
}

/// Watchdog for MPI calls that wait for all ranks and have no time-out: ends the process when it lives too
/// long.
class Alarm {
 public:
  explicit Alarm(double seconds) {
    struct sigaction action {};
    action.sa_handler = [](int) {
      constexpr char kText[] =
          "salutrain: error: ranks: not all of them started or ended within --rank-timeout; expected all\n";
      [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kText, sizeof kText - 1);
      ::_exit(static_cast<int>(ErrorCode::distributed));
    };
    sigaction(SIGALRM, &action, nullptr);
    ::alarm(static_cast<unsigned>(std::clamp(std::ceil(seconds), 1.0, 1e9)));
  }
  ~Alarm() { ::alarm(0); }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
};

class MpiSum : public Communicator::Sum {
 public:
  explicit MpiSum(double timeout) : timeout_(timeout) {}
  MPI_Request& request() { return request_; }

  bool done() override {
    int flag = 0;
    check_mpi(MPI_Test(&request_, &flag, MPI_STATUS_IGNORE), "MPI_Test");
    return flag != 0;
  }

  void wait() override {
    using Clock = std::chrono::steady_clock;
    Clock::time_point last = Clock::now();
    double waited = 0;
    for (std::int64_t tries = 0; !done(); ++tries) {
      const Clock::time_point now = Clock::now();
      // A suspended job wakes with a jump of the clock, which must not count as waiting.
      waited += std::min(std::chrono::duration<double>(now - last).count(), 1.0);
      last = now;
      if (waited > timeout_) {
        fail(ErrorCode::distributed,
             "ranks: not all of them came to an exchange within {} s (--rank-timeout); expected all",
             timeout_);
      }
      // Sleeping frees the core for a rank or loader that shares it. The first tries skip it, because the
      // answer often arrives at once.
      if (tries > 100) ::usleep(50);
    }
  }

 private:
  const double timeout_;
  MPI_Request request_ = MPI_REQUEST_NULL;
};

class MpiRanks : public Communicator {
 public:
  explicit MpiRanks(const RankOptions& options) : timeout_(options.timeout_seconds) {
    const Alarm alarm(timeout_);
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
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int local_rank() const override { return local_rank_; }
  int local_size() const override { return local_size_; }

  std::unique_ptr<Sum> start_sum(std::span<float> values) override {
    auto sum = std::make_unique<MpiSum>(timeout_);
    check_mpi(MPI_Iallreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_FLOAT, MPI_SUM,
                             MPI_COMM_WORLD, &sum->request()),
              "MPI_Iallreduce");
    return sum;
  }

  void gather_bytes(std::span<const std::byte> mine, std::span<std::byte> all) override {
    check(all.size() == mine.size() * static_cast<std::size_t>(size_),
          "[gather] expected {} x {} bytes, got {}", size_, mine.size(), all.size());
    MpiSum transfer(timeout_);
    const int bytes = static_cast<int>(mine.size());
    check_mpi(MPI_Iallgather(mine.data(), bytes, MPI_BYTE, all.data(), bytes, MPI_BYTE, MPI_COMM_WORLD,
                             &transfer.request()),
              "MPI_Iallgather");
    transfer.wait();
  }

  void finish() override {
    gather(std::int64_t{0});
    const Alarm alarm(timeout_);
    MPI_Finalize();
  }

 private:
  const double timeout_;
  int rank_ = 0, size_ = 1, local_rank_ = 0, local_size_ = 1;
};

}  // namespace

std::unique_ptr<Communicator> connect_ranks(const RankOptions& options) {
  if (launched_ranks() == 0) return std::make_unique<SingleRank>();
  return std::make_unique<MpiRanks>(options);
}

}  // namespace salu
