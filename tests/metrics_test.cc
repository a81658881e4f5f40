// SPDX-License-Identifier: MIT
#include <limits>

#include "run/row_logs.h"
#include "tests/catch.h"
#include "tests/temp_folder.h"

namespace salu::test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::string text_of(const std::filesystem::path& path) { return read_text(path, ErrorCode::internal); }

const std::vector<std::string> kColumns = {"epoch", "train_loss", "eval_top1"};

TEST_CASE("csv: a header and a row per epoch, there at once") {
  TempFolder folder;
  CsvLog log(folder / "m.csv", kColumns, {}, quick_files());
  CHECK(text_of(folder / "m.csv") == "epoch,train_loss,eval_top1\n");
  log.row({0, 2.302585093, kNan});
  CHECK(text_of(folder / "m.csv") == "epoch,train_loss,eval_top1\n0,2.302585093,\n");
  log.row({1, 1e-7, 91.5});
  CHECK(text_of(folder / "m.csv") == "epoch,train_loss,eval_top1\n0,2.302585093,\n1,1e-07,91.5\n");
  CHECK(error_of([&] { log.row({1}); }) == "1: [metrics] expected 3 values, got 1");
}

TEST_CASE("csv: a resumed run cuts what lies beyond, and nothing else") {
  const std::string header = "epoch,train_loss,eval_top1\n", rows = "0,3,10\n1,2,20\n2,1,30\n";
  const auto resumed = [&](const std::string& text, std::int64_t epoch) {
    TempFolder folder;
    put(folder / "m.csv", text);
    CsvLog log(folder / "m.csv", kColumns, epoch, quick_files());
    log.row({100, 0, 0});
    return text_of(folder / "m.csv");
  };
  const std::string added = "100,0,0\n";
  CHECK(resumed(header + rows, 1) == header + "0,3,10\n1,2,20\n" + added);
  CHECK(resumed(header + rows, 2) == header + rows + added);
  CHECK(resumed(header + rows, 9) == header + rows + added);
  CHECK(resumed(header + rows, -1) == header + added);
  CHECK(resumed(header + rows + "3,0.", 9) == header + rows + added);  // a crash in the middle of a row
  CHECK(resumed(header + rows + "3x,1,1\n", 9) == header + rows + added);
  CHECK(resumed(header + rows + std::string(5, '\0') + "\n", 9) == header + rows + added);
  CHECK(resumed("", 9) == header + added);
  CHECK(resumed("epoch,tr", 9) == header + added);
}

TEST_CASE("csv: other columns, a missing file, a fresh start") {
  TempFolder folder;
  put(folder / "m.csv", "epoch,loss\n0,1\n");
  CHECK(contains(error_of([&] { CsvLog(folder / "m.csv", kColumns, 0); }),
                 "m.csv: columns are epoch,loss; expected epoch,train_loss,eval_top1"));
  CHECK(text_of(folder / "m.csv") == "epoch,loss\n0,1\n");
  CsvLog fresh(folder / "m.csv", kColumns);
  CsvLog absent(folder / "absent.csv", kColumns, 3);
  CHECK(text_of(folder / "m.csv") == "epoch,train_loss,eval_top1\n");
  CHECK(text_of(folder / "absent.csv") == "epoch,train_loss,eval_top1\n");
}

TEST_CASE("jsonl: an object per step, cut by step") {
  TempFolder folder;
  const auto path = folder / "m.jsonl";
  {
    JsonLog log(path, {}, quick_files());
    log.row({{"step", 10}, {"loss", 0.5}});
    log.row({{"step", 20}, {"loss", kNan}});
    log.row({{"step", 30}, {"name", "caf\xe9\n"}});
    CHECK(error_of([&] {
            log.row({{"loss", 1}});
          }).starts_with("1: [metrics] expected an object with a whole number"));
    CHECK(error_of([&] { log.row({{"step", 1.5}}); }).starts_with("1: "));
  }
  const std::string ten = "{\"loss\":0.5,\"step\":10}\n", twenty = "{\"loss\":null,\"step\":20}\n";
  CHECK(text_of(path) == ten + twenty + "{\"name\":\"caf\xef\xbf\xbd\\n\",\"step\":30}\n");
  JsonLog(path, 29).row({{"step", 25}});
  CHECK(text_of(path) == ten + twenty + "{\"step\":25}\n");
  put(path, ten + "{\"step\":1");
  JsonLog cut(path, 29);
  CHECK(text_of(path) == ten);
  JsonLog none(path, 9);
  CHECK(text_of(path) == "");
  put(path, ten);
  JsonLog fresh(path);
  CHECK(text_of(path) == "");
}

}  // namespace
}  // namespace salu::test
