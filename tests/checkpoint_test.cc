// SPDX-License-Identifier: MIT
#include "train/checkpoint.h"

#include "tests/catch.h"
#include "tests/compare.h"
#include "tests/temp_folder.h"
#include "train/checkpoint_files.h"

namespace salu::test {
namespace {

namespace fs = std::filesystem;

Checkpoint sample(int epoch) {
  const auto e = static_cast<float>(epoch);
  Checkpoint c;
  c.model = {{"conv1.weight", Tensor::from<float>({2, 1, 3}, {e, 1, 2, 3, 4, 5})},
             {"bn1.num_batches_tracked", Tensor::from<std::int64_t>({}, {epoch})}};
  c.state = {{"optim.momentum.conv1.weight", Tensor::full({2, 1, 3}, e / 3)}};
  c.metadata = {{"salu.model", "resnet8"}, {"salu.epoch", std::to_string(epoch)}};
  c.config = {{"architecture", "resnet8"}, {"num_classes", 10}};
  c.progress = {{"epoch", epoch}, {"best_top1", 0.1 * epoch}};
  return c;
}

void check_same(const Checkpoint& got, const Checkpoint& want) {
  const auto same = [](const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
    REQUIRE(a.size() == b.size());
    for (const NamedTensor& t : b) {
      const auto it = std::find_if(a.begin(), a.end(), [&](auto& u) { return u.name == t.name; });
      REQUIRE(it != a.end());
      CHECK(compare_bits(it->tensor, t.tensor) == "");
    }
  };
  same(got.model, want.model);
  same(got.state, want.state);
  for (const auto& [key, value] : want.metadata) CHECK(got.metadata.at(key) == value);
  CHECK(got.config == want.config);
  CHECK(got.progress == want.progress);
}

TEST_CASE("a checkpoint comes back as it was saved") {
  TempFolder run;
  CheckpointStore store(run.path());
  CHECK(!store.newest());
  store.save("epoch-0001", sample(1), true);
  store.save("epoch-0002", sample(2), false);
  CHECK(store.newest() == "epoch-0002");
  check_same(store.load(), sample(2));
  check_same(store.load("best"), sample(1));
  check_same(store.load("epoch-0001"), sample(1));
  CHECK(fs::read_symlink(run / "last") == "checkpoints/epoch-0002");
  CHECK(fs::read_symlink(run / "best") == "checkpoints/epoch-0001");
  store.save("epoch-0002", sample(7), true);  // the same name again, as after a resume
  check_same(store.load(), sample(7));
  check_same(store.load("best"), sample(7));
}

}  // namespace
}  // namespace salu::test
