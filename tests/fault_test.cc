// SPDX-License-Identifier: MIT
/// Every operation of a save, made to fail or to be the last one before the power goes.
#include "tests/catch.h"
#include "tests/checkpoint_samples.h"
#include "tests/fault_disk.h"
#include "tests/temp_folder.h"

namespace salu::test {
namespace {

namespace fs = std::filesystem;

constexpr Loss kLosses[] = {{false, false}, {true, false}, {false, true}, {true, true}};

/// What happens to a run that holds the checkpoints `before`, oldest first: `act` changes `last` from the
/// newest of them to `after`.
struct Scenario {
  const char* name;
  std::vector<int> before;
  int after;
  void (*act)(CheckpointStore&);
};

const Scenario kScenarios[] = {
    {"first save", {}, 1, [](CheckpointStore& s) { s.save("epoch-0001", sample_checkpoint(1), true); }},
    {"next save", {1}, 2, [](CheckpointStore& s) { s.save("epoch-0002", sample_checkpoint(2), true); }},
    {"the same name again",
     {1},
     9,
     [](CheckpointStore& s) { s.save("epoch-0001", sample_checkpoint(9), false); }},
    {"save and prune",
     {1, 2, 3},
     4,
     [](CheckpointStore& s) {
       s.save("epoch-0004", sample_checkpoint(4), true);
       s.prune(1);
     }},
    {"save under the name of an earlier one, and prune",
     {1, 2, 3, 4},
     9,
     [](CheckpointStore& s) {
       s.save("epoch-0003", sample_checkpoint(9), true);
       s.prune(3);
     }},
};

void prepare(const fs::path& run, const Scenario& scenario) {
  CheckpointStore store(run, quick_files());
  for (int epoch : scenario.before) {
    store.save(fmt::format("epoch-{:04}", epoch), sample_checkpoint(epoch), epoch == scenario.before.front());
  }
}

bool loads(const fs::path& run, const char* link, int epoch) {
  return same_checkpoint(CheckpointStore(run).load(link), sample_checkpoint(epoch));
}

/// "old", "new", "none" or what is wrong.
std::string outcome(const fs::path& run, const Scenario& scenario) {
  try {
    if (loads(run, "last", scenario.after)) return "new";
    if (!scenario.before.empty() && loads(run, "last", scenario.before.back())) return "old";
    return "a mix";
  } catch (const Error& error) {
    const bool none = contains(error.what(), "no complete checkpoint");
    return none && scenario.before.empty() ? "none" : error.what();
  }
}

/// `best` names the first checkpoint of before or the new one; the link may be missing only when it always
/// was.
bool best_is_sound(const fs::path& run, const Scenario& scenario) {
  if (!fs::is_symlink(run / "best")) return scenario.before.empty();
  return loads(run, "best", scenario.after) || loads(run, "best", scenario.before.front());
}

int leftovers(const fs::path& run) {
  int count = fs::is_symlink(run / ".tmp-last") + fs::is_symlink(run / ".tmp-best");
  if (!fs::exists(run / "checkpoints")) return count;
  for (const auto& entry : fs::directory_iterator(run / "checkpoints")) {
    count += entry.path().filename().string().front() == '.';
  }
  return count;
}

/// A later save on a healthy disk must work and leave nothing behind.
void check_recovery(const fs::path& run) {
  CheckpointStore(run, quick_files()).save("epoch-0100", sample_checkpoint(100), true);
  CHECK(loads(run, "last", 100));
  CHECK(loads(run, "best", 100));
  CHECK(leftovers(run) == 0);
}

/// Runs the scenario with one fault; returns false when it has no operation of this number.
bool run_case(const fs::path& pristine, const Scenario& scenario, int operation, Fault fault, Loss loss) {
  TempFolder folder;
  const fs::path run = folder / "run";
  fs::copy(pristine, run, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  FaultDisk disk(run);
  CheckpointStore store(run, disk);
  std::string error;
  bool crashed = false;
  disk.arm(operation, fault);
  try {
    scenario.act(store);
  } catch (const Error& e) {
    CHECK(e.code() == ErrorCode::environment);
    error = e.what();
  } catch (const Crash&) {
    crashed = true;
  }
  if (disk.operations() <= operation) return false;

  const bool is_crash = fault == Fault::crash_before || fault == Fault::crash_after;
  CHECK(crashed == is_crash);
  if (fault == Fault::short_write || fault == Fault::interrupted) CHECK(error == "");
  if (!error.empty() && fault != Fault::broken && !contains(scenario.name, "prune"))
    CHECK(leftovers(run) == 0);
  disk.power_off(loss);
  const std::string found = outcome(run, scenario);
  CAPTURE(error, found);
  CHECK((found == "old" || found == "new" || found == "none"));
  if (!crashed && error.empty()) CHECK(found == "new");
  CHECK(best_is_sound(run, scenario));
  check_recovery(run);
  return true;
}

TEST_CASE("a fault at any operation of a save leaves the old or the new checkpoint") {
  constexpr Fault kFaults[] = {Fault::error_before, Fault::error_after,  Fault::no_space,
                               Fault::broken,       Fault::crash_before, Fault::crash_after,
                               Fault::short_write,  Fault::interrupted};
  int cases = 0;
  for (const Scenario& scenario : kScenarios) {
    const int before = cases;
    TempFolder folder;
    prepare(folder / "run", scenario);
    fs::create_directories(folder / "run");
    for (Fault fault : kFaults) {
      for (const Loss& loss : kLosses) {
        for (int operation = 0;; ++operation) {
          INFO(scenario.name << ", operation " << operation << ", fault " << static_cast<int>(fault)
                             << ", loss of data " << loss.data << ", of names " << loss.names);
          if (!run_case(folder / "run", scenario, operation, fault, loss)) break;
          ++cases;
        }
      }
    }
    WARN(scenario.name << ": " << cases - before << " cases");
  }
  WARN(cases << " cases");
  CHECK(cases > 3000);
}

TEST_CASE("a second crash, while what the first one left is cleared away, loses nothing") {
  for (const Scenario& scenario : {kScenarios[1], kScenarios[2], kScenarios[4]}) {
    TempFolder folder;
    prepare(folder / "run", scenario);
    for (int first = 0;; ++first) {
      bool first_happened = true;
      for (int second = 0; first_happened; ++second) {
        TempFolder copy;
        fs::copy(folder / "run", copy / "run", fs::copy_options::recursive | fs::copy_options::copy_symlinks);
        FaultDisk disk(copy / "run");
        CheckpointStore store(copy / "run", disk);
        disk.arm(first, Fault::crash_after);
        try {
          scenario.act(store);
        } catch (const Crash&) {
        }
        first_happened = disk.operations() > first;
        disk.restart();  // the process died, the power stayed
        disk.arm(second, Fault::crash_after);
        try {
          scenario.act(store);
        } catch (const Crash&) {
        }
        const bool second_happened = disk.operations() > second;
        disk.power_off({true, true});
        INFO(scenario.name << ", crashes at " << first << " and " << second);
        const std::string found = outcome(copy / "run", scenario);
        CAPTURE(found);
        REQUIRE((found == "old" || found == "new"));
        if (!second_happened) break;
      }
      if (!first_happened) break;
    }
  }
}

}  // namespace
}  // namespace salu::test
