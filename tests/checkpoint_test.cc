// SPDX-License-Identifier: MIT
#include "run/checkpoint.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "run/checkpoint_folder.h"
#include "tests/catch.h"
#include "tests/checkpoint_samples.h"
#include "tests/temp_folder.h"

namespace salu::test {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) { return read_text(path, ErrorCode::internal); }

/// A run with epochs 1 to `epochs`; epoch 1 is the best.
void make_run(const fs::path& run, int epochs) {
  CheckpointStore store(run, quick_files());
  for (int e = 1; e <= epochs; ++e) store.save(fmt::format("epoch-{:04}", e), sample_checkpoint(e), e == 1);
}

std::string load_error(const fs::path& run, const std::string& name = "last") {
  return error_of([&] { CheckpointStore(run).load(name); });
}

constexpr const char* kFiles[] = {"model.safetensors", "config.json", "state.safetensors", "COMMIT.json"};

TEST_CASE("a checkpoint comes back as it was saved") {
  TempFolder run;
  CheckpointStore store(run.path());
  CHECK(!store.newest());
  store.save("epoch-0001", sample_checkpoint(1), true);
  store.save("epoch-0002", sample_checkpoint(2), false);
  CHECK(store.newest() == "epoch-0002");
  CHECK(same_checkpoint(store.load(), sample_checkpoint(2)));
  CHECK(same_checkpoint(store.load("best"), sample_checkpoint(1)));
  CHECK(same_checkpoint(store.load("epoch-0001"), sample_checkpoint(1)));
  CHECK(!same_checkpoint(store.load("epoch-0001"), sample_checkpoint(2)));
  CHECK(fs::read_symlink(run / "last") == "checkpoints/epoch-0002");
  CHECK(fs::read_symlink(run / "best") == "checkpoints/epoch-0001");
  store.save("epoch-0002", sample_checkpoint(7), true);  // the same name again, as after a resume
  CHECK(same_checkpoint(store.load(), sample_checkpoint(7)));
  CHECK(same_checkpoint(store.load("best"), sample_checkpoint(7)));
}

TEST_CASE("the newest checkpoint is the one saved last, whatever its name") {
  TempFolder run;
  CheckpointStore store(run.path(), quick_files());
  store.save("epoch-0012", sample_checkpoint(12), false);
  store.save("step-00000007", sample_checkpoint(7), false);
  CHECK(store.newest() == "step-00000007");
  store.save("epoch-0003", sample_checkpoint(3), false);
  CHECK(store.newest() == "epoch-0003");
}

TEST_CASE("numbers of a checkpoint's progress come back exactly") {
  TempFolder run;
  CheckpointStore store(run.path(), quick_files());
  Checkpoint c = sample_checkpoint(1);
  c.progress = {{"seed", 18446744073709551615ull},
                {"step", -9007199254740993ll},
                {"loss", 0.1 + 0.2},
                {"tiny", 5e-324}};
  store.save("epoch-0001", c, false);
  CHECK(store.load().progress == c.progress);
}

TEST_CASE("a checkpoint without state, config or progress is one too") {
  TempFolder run;
  Checkpoint bare;
  bare.model = {{"w", Tensor::zeros({0})}};
  CheckpointStore(run.path(), quick_files()).save("epoch-0000", bare, false);
  const Checkpoint back = CheckpointStore(run.path()).load();
  CHECK(same_checkpoint(back, bare));
  CHECK(back.config.is_null());
  CHECK(back.state.empty());
}

TEST_CASE("prune keeps the newest ones, last and best") {
  TempFolder run;
  make_run(run.path(), 6);
  CheckpointStore store(run.path(), quick_files());
  store.prune(2);
  std::string names;
  for (const char* name :
       {"epoch-0001", "epoch-0002", "epoch-0003", "epoch-0004", "epoch-0005", "epoch-0006"}) {
    if (fs::exists(run / "checkpoints" / name)) names += name + 9;
  }
  CHECK(names == "156");
  store.prune(0);
  CHECK(same_checkpoint(store.load("last"), sample_checkpoint(6)));
  CHECK(same_checkpoint(store.load("best"), sample_checkpoint(1)));
  CHECK(contains(load_error(run.path(), "epoch-0005"), "no valid COMMIT.json"));
}

std::string names_in(const fs::path& run) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(run / "checkpoints"))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return fmt::format("{}", fmt::join(names, " "));
}

TEST_CASE("a checkpoint that is needed is not pruned, those inside an epoch do not count") {
  TempFolder run;
  make_run(run.path(), 5);
  CheckpointStore store(run.path(), quick_files());
  store.save("step-00000055", sample_checkpoint(55), false);
  store.save("step-00000056", sample_checkpoint(56), false);
  store.prune(2, "epoch-0003");
  CHECK(names_in(run.path()) == "epoch-0001 epoch-0003 epoch-0004 epoch-0005 step-00000056");
  store.prune(1);
  CHECK(names_in(run.path()) == "epoch-0001 epoch-0005 step-00000056");
}

TEST_CASE("links stand for names, and best only for a checkpoint that is there") {
  TempFolder run;
  make_run(run.path(), 3);
  CheckpointStore store(run.path(), quick_files());
  CHECK(store.name_of("last") == "epoch-0003");
  CHECK(store.name_of("best") == "epoch-0001");
  CHECK(store.name_of("epoch-0077") == "epoch-0077");
  CHECK((store.has("epoch-0002") && !store.has("epoch-0077") && !store.has("")));
  store.set_links("epoch-0003", "epoch-0002");
  CHECK(same_checkpoint(store.load("best"), sample_checkpoint(2)));
  for (const char* best : {"", "epoch-0009"}) {
    store.set_links("epoch-0003", "epoch-0002");
    store.set_links("epoch-0003", best);
    CHECK(!fs::is_symlink(run / "best"));
    CHECK(!store.name_of("best"));
    CHECK(contains(load_error(run.path(), "best"), "no best checkpoint; the newest is epoch-0003"));
    CHECK(contains(error_of([&] { load_checkpoint(run / "best"); }), "or its best epoch is gone"));
  }
}

/// As exFAT and many network disks.
class NoLinks : public FileOps {
  int sys_symlink(const Path&, const Path&) override { return -EPERM; }
};

TEST_CASE("without symbolic links, files name the checkpoints") {
  TempFolder run;
  NoLinks disk;
  CheckpointStore store(run.path(), disk);
  for (int epoch : {1, 2, 3})
    store.save(fmt::format("epoch-{:04}", epoch), sample_checkpoint(epoch), epoch == 2);
  CHECK(read_text(run / "last", ErrorCode::internal) == "checkpoints/epoch-0003\n");
  for (const auto& [link, epoch] : {std::pair("last", 3), std::pair("best", 2)}) {
    CHECK(same_checkpoint(store.load(link), sample_checkpoint(epoch)));
    CHECK(same_checkpoint(load_checkpoint(run / link), sample_checkpoint(epoch)));
  }
  store.prune(1);
  CHECK((store.has("epoch-0002") && !store.has("epoch-0001")));
  store.set_links("epoch-0003", "");
  CHECK(!fs::exists(run / "best"));
  CheckpointStore(run.path(), quick_files()).set_links("epoch-0003", "epoch-0002");  // another system
  CHECK(fs::read_symlink(run / "last") == "checkpoints/epoch-0003");
  CHECK(fs::read_symlink(run / "best") == "checkpoints/epoch-0002");
}

TEST_CASE("in a copy that followed the links, they are folders") {
  TempFolder root;
  make_run(root / "run", 3);
  fs::copy(root / "run", root / "copy", fs::copy_options::recursive);
  REQUIRE(!fs::is_symlink(root / "copy" / "best"));
  CheckpointStore store(root / "copy", quick_files());
  CHECK(store.name_of("last") == "epoch-0003");
  CHECK(store.name_of("best") == "epoch-0001");
  store.save("epoch-0004", sample_checkpoint(4), false);
  CHECK(fs::read_symlink(root / "copy" / "last") == "checkpoints/epoch-0004");
  CHECK(store.name_of("best") == "epoch-0001");
  store.set_links("epoch-0004", "epoch-0001");
  CHECK(fs::read_symlink(root / "copy" / "best") == "checkpoints/epoch-0001");
  CHECK(!fs::exists(root / "copy" / "checkpoints" / ".tmp-last"));
  // A folder that is no copy of a checkpoint is somebody's own.
  fs::remove(root / "copy" / "last");
  put(root / "copy" / "last" / "notes.txt", "x");
  CHECK(contains(error_of([&] { store.save("epoch-0005", sample_checkpoint(5), false); }),
                 "last: cannot rename"));
  CHECK(fs::exists(root / "copy" / "last" / "notes.txt"));
}

TEST_CASE("every changed byte of a checkpoint is noticed") {
  TempFolder run;
  make_run(run.path(), 2);
  int count = 0;
  for (const char* name : kFiles) {
    const fs::path path = run / "checkpoints" / "epoch-0002" / name;
    const std::string good = text_of(path);
    for (std::size_t i = 0; i < good.size(); ++i) {
      for (const int flip : {1, 0x80, 0xff}) {
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ flip);
        put(path, bad);
        const std::string error = load_error(run.path());
        INFO(name << " byte " << i << " ^ " << flip << ": " << error);
        REQUIRE(error.starts_with("4: "));
        REQUIRE(contains(error, name));
        REQUIRE(error.ends_with("Newest intact checkpoint: epoch-0001"));
        ++count;
      }
    }
    put(path, good);
  }
  CHECK(count > 2500);
  CHECK(load_error(run.path()) == "no error");
}

TEST_CASE("a checkpoint cut at any byte is noticed") {
  TempFolder run;
  make_run(run.path(), 2);
  for (const char* name : kFiles) {
    const fs::path path = run / "checkpoints" / "epoch-0002" / name;
    const std::string good = text_of(path);
    for (std::size_t size = 0; size < good.size(); ++size) {
      put(path, good.substr(0, size));
      const std::string error = load_error(run.path());
      INFO(name << " cut at " << size << ": " << error);
      REQUIRE(error.starts_with("4: "));
      const bool sealed = name != kFiles[3];
      REQUIRE(contains(error, sealed ? fmt::format("{}: truncated: {} of {} bytes", name, grouped(size),
                                                   grouped(good.size()))
                                     : "no valid COMMIT.json"));
      REQUIRE(error.ends_with("Newest intact checkpoint: epoch-0001"));
    }
    put(path, good + " ");
    CHECK(load_error(run.path()).starts_with("4: "));
    fs::remove(path);
    CHECK(contains(load_error(run.path()), name));
    CHECK(load_error(run.path()).starts_with("4: "));
    put(path, good);
  }
}

TEST_CASE("messages about damaged checkpoints say what and where, and what is left") {
  TempFolder run;
  make_run(run.path(), 3);
  const fs::path model = run / "checkpoints" / "epoch-0003" / "model.safetensors";
  std::string text = text_of(model);
  text[text.size() - 1] ^= 1;
  put(model, text);
  CHECK(contains(load_error(run.path()),
                 "model.safetensors: tensor conv1.weight: checksum differs (file damaged). "
                 "Newest intact checkpoint: epoch-0002"));
  fs::remove(run / "checkpoints" / "epoch-0002" / "config.json");
  CHECK(contains(load_error(run.path()), ". Newest intact checkpoint: epoch-0001"));
  fs::remove_all(run / "checkpoints" / "epoch-0001");
  CHECK(contains(load_error(run.path()), ". There is no other intact checkpoint"));
  CHECK(contains(load_error(run.path(), "epoch-0077"), "epoch-0077: no valid COMMIT.json"));
}

TEST_CASE("a run without a complete checkpoint says so") {
  TempFolder run;
  CHECK(load_error(run.path()) == "4: no complete checkpoint in " + run.path().string());
  CHECK(load_error(run / "absent").starts_with("4: no complete checkpoint in"));
  put(run / "checkpoints" / ".tmp-epoch-0013" / "model.safetensors", "half");
  CHECK(load_error(run.path()) ==
        fmt::format("4: no complete checkpoint in {} (1 unfinished: .tmp-epoch-0013)", run.path().string()));
  CHECK(load_error(run.path(), "best").starts_with("4: no complete checkpoint in"));
  make_run(run.path(), 1);  // the next save clears it away
  CHECK(!fs::exists(run / "checkpoints" / ".tmp-epoch-0013"));
  fs::remove(run / "best");
  CHECK(contains(load_error(run.path(), "best"), "no best checkpoint; the newest is epoch-0001"));
}

TEST_CASE("a crash before the first link is no loss") {
  TempFolder run;
  make_run(run.path(), 2);
  fs::remove(run / "last");
  CHECK(same_checkpoint(CheckpointStore(run.path()).load(), sample_checkpoint(2)));
}

TEST_CASE("newer formats are refused by number") {
  TempFolder run;
  make_run(run.path(), 1);
  const fs::path folder = run / "checkpoints" / "epoch-0001";
  const std::string newer = "written by a newer salutrain (format 3, this build reads 1-1)";
  Commit commit = *read_commit(folder);
  commit.format = 3;
  put(folder / "COMMIT.json", commit.text());
  CHECK(contains(load_error(run.path()), newer));

  write_safetensors(quick_files(), run / "x.safetensors", {}, {{"salu.format", "3"}});
  CHECK(contains(error_of([&] { load_checkpoint(run / "x.safetensors"); }), newer));
  write_safetensors(quick_files(), run / "x.safetensors", {}, {{"salu.format", "one"}});
  CHECK(contains(error_of([&] { load_checkpoint(run / "x.safetensors"); }),
                 "salu.format is 'one'; expected a number"));
}

TEST_CASE("the text of COMMIT.json") {
  const Commit commit{.sequence = 12,
                      .files = {{"config.json", {3, 0x1234}}, {"model.safetensors", {1048576, 0xe3069283}}}};
  // The last checksum was computed by an independent program.
  const std::string golden =
      "{\n\"format\": 1,\n\"sequence\": 12,\n\"files\": {\n"
      "\"config.json\": {\"size\": 3, \"crc32c\": \"00001234\"},\n"
      "\"model.safetensors\": {\"size\": 1048576, \"crc32c\": \"e3069283\"}\n},\n"
      "\"crc32c\": \"b58b2f66\"\n}\n";
  CHECK(commit.text() == golden);
  TempFolder folder;
  put(folder / "COMMIT.json", golden);
  const auto back = read_commit(folder.path());
  REQUIRE(back);
  CHECK(back->sequence == 12);
  CHECK(back->files == commit.files);
}

TEST_CASE("load_checkpoint takes a run, a checkpoint, a link, a published folder or a bare file") {
  TempFolder root;
  make_run(root / "run", 2);
  const fs::path folder = root / "run" / "checkpoints" / "epoch-0001";
  CHECK(same_checkpoint(load_checkpoint(root / "run"), sample_checkpoint(2)));
  CHECK(same_checkpoint(load_checkpoint(root / "run" / "last"), sample_checkpoint(2)));
  CHECK(same_checkpoint(load_checkpoint(root / "run" / "best"), sample_checkpoint(1)));
  CHECK(same_checkpoint(load_checkpoint(folder), sample_checkpoint(1)));
  fs::copy(folder, root / "copied");
  CHECK(same_checkpoint(load_checkpoint(root / "copied"), sample_checkpoint(1)));

  fs::create_directories(root / "timm");
  fs::copy(folder / "model.safetensors", root / "timm");
  Checkpoint plain = load_checkpoint(root / "timm");
  CHECK(same_tensors(plain.model, sample_checkpoint(1).model));
  CHECK(plain.config.is_null());
  put(root / "timm" / "config.json", R"({"architecture": "resnet18"})");
  CHECK(load_checkpoint(root / "timm").config["architecture"] == "resnet18");
  CHECK(load_checkpoint(root / "timm" / "model.safetensors").config["architecture"] == "resnet18");
  put(root / "cache" / "config.json", R"({"architecture": "resnet50"})");
  fs::create_symlink(folder / "model.safetensors", root / "cache" / "model.safetensors");
  CHECK(load_checkpoint(root / "cache" / "model.safetensors").config["architecture"] == "resnet50");
  fs::copy(folder / "model.safetensors", root / "bare.safetensors");
  plain = load_checkpoint(root / "bare.safetensors");
  CHECK(plain.config.is_null());
  CHECK(same_tensors(plain.model, sample_checkpoint(1).model));
  CHECK(plain.metadata.at("salu.epoch") == "1");
}

TEST_CASE("load_checkpoint refuses what is damaged, unfinished or something else") {
  TempFolder root;
  make_run(root / "run", 2);
  const auto error = [&](const std::string& path) { return error_of([&] { load_checkpoint(root / path); }); };
  CHECK(contains(error("absent"), "absent: cannot open: No such file"));
  fs::create_directories(root / "empty");
  CHECK(
      contains(error("empty"), "4: " + (root / "empty").string() + ": no checkpoint; expected a run folder"));
  put(root / "timm" / "model.safetensors", "PK\x03\x04 zip zip zip");
  CHECK(contains(error("timm"), "it is a zip archive"));
  fs::copy(root / "run" / "checkpoints" / "epoch-0001" / "model.safetensors", root / "timm",
           fs::copy_options::overwrite_existing);
  put(root / "timm" / "config.json", "{\"architecture\": ");
  CHECK(contains(error("timm"), "config.json: not valid JSON"));

  fs::remove(root / "run" / "checkpoints" / "epoch-0002" / "COMMIT.json");
  for (const char* path : {"run", "run/last", "run/checkpoints/epoch-0002"}) {
    CHECK(contains(error(path), "epoch-0002: no valid COMMIT.json"));
    CHECK(contains(error(path), "Newest intact checkpoint: epoch-0001"));
  }
  fs::rename(root / "run" / "checkpoints" / "epoch-0002", root / "alone");
  CHECK(contains(error("alone"), "alone: no valid COMMIT.json"));
  fs::create_symlink("loop", root / "loop");
  CHECK(contains(error("loop"), "Too many levels of symbolic links"));
}

/// No room for anything.
class FullDisk : public FileOps {
 protected:
  ssize_t sys_write(int, std::span<const std::byte>) override { return -ENOSPC; }
};

TEST_CASE("a save on a full disk names what is still there and leaves nothing behind") {
  TempFolder run;
  FullDisk full;
  const auto save = [&] {
    return error_of(
        [&] { CheckpointStore(run.path(), full).save("epoch-0002", sample_checkpoint(2), true); });
  };
  CHECK(contains(save(), "cannot write: No space left on device. There is no complete checkpoint in " +
                             run.path().string()));
  make_run(run.path(), 1);
  const std::string error = save();
  CHECK(error.starts_with("5: "));
  CHECK(error.ends_with("No space left on device. The newest complete checkpoint is epoch-0001"));
  CHECK(!fs::exists(run / "checkpoints" / ".tmp-epoch-0002"));
  CHECK(same_checkpoint(CheckpointStore(run.path()).load("best"), sample_checkpoint(1)));
}

TEST_CASE("names that are no checkpoint names") {
  TempFolder run;
  CheckpointStore store(run.path());
  for (const char* name : {"", "last", "best", ".tmp-x", "a/b", ".."}) {
    CHECK(error_of([&] { store.save(name, sample_checkpoint(1), false); }).starts_with("1: [checkpoint]"));
  }
}

}  // namespace
}  // namespace salu::test
