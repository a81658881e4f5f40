// SPDX-License-Identifier: MIT
#include "train/ranks/rank_checks.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/crc32c.h"
#include "core/error.h"

namespace salu {
namespace {

/// "rank 1", "ranks 1, 3"
std::string names_of(const std::vector<int>& ranks) {
  return fmt::format("{} {}", ranks.size() == 1 ? "rank" : "ranks", fmt::join(ranks, ", "));
}

int first_not_in(const std::vector<int>& odd) {
  int rank = 0;
  while (std::find(odd.begin(), odd.end(), rank) != odd.end()) ++rank;
  return rank;
}

}  // namespace

std::vector<int> odd_ranks(const std::vector<std::string>& values) {
  std::map<std::string, int> frequency;
  for (const std::string& value : values) ++frequency[value];
  std::string usual = values.front();
  for (const auto& [value, times] : frequency) {
    if (times > frequency[usual]) usual = value;
  }
  std::vector<int> odd;
  for (std::size_t r = 0; r < values.size(); ++r) {
    if (values[r] != usual) odd.push_back(static_cast<int>(r));
  }
  return odd;
}

void check_agreement(Communicator& ranks, const std::string& lines) {
  const std::vector<std::string> all = ranks.gather(lines);
  const std::vector<int> odd = odd_ranks(all);
  if (odd.empty()) return;
  const int reference = first_not_in(odd);
  std::istringstream theirs(all[static_cast<std::size_t>(odd.front())]),
      ours(all[static_cast<std::size_t>(reference)]);
  std::string their_line, our_line;
  while (std::getline(theirs, their_line) && std::getline(ours, our_line) && their_line == our_line) {
  }
  fail(
      ErrorCode::distributed,
      "{}: {}, on rank {} {}; expected the same on all ranks. Start all of them with the same program, flags "
      "and data",
      names_of(odd), their_line, reference, our_line);
}

void check_weights(Communicator& ranks, const Tensor& values, std::int64_t step) {
  if (ranks.size() == 1) return;
  const Tensor host = values.to(Device{});
  const std::uint32_t mine = crc32c({static_cast<const std::byte*>(host.raw()), host.bytes()});
  std::vector<std::string> all;
  for (const std::int64_t crc : ranks.gather(std::int64_t{mine})) all.push_back(fmt::format("{:08x}", crc));
  const std::vector<int> odd = odd_ranks(all);
  if (odd.empty()) return;
  fail(
      ErrorCode::distributed,
      "{}: the weights differ from those of rank {} (CRC-32C {} and {}){}. Their memory or their network may "
      "be damaged",
      names_of(odd), first_not_in(odd), all[static_cast<std::size_t>(odd.front())],
      all[static_cast<std::size_t>(first_not_in(odd))],
      step == 0 ? " at the start" : fmt::format(" at step {}", step));
}

std::string program_checksum() {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  std::vector<char> block(1 << 20);
  std::uint32_t crc = 0;
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())), file.gcount() > 0) {
    crc = crc32c(std::as_bytes(std::span(block).first(static_cast<std::size_t>(file.gcount()))), crc);
  }
  return fmt::format("{:08x}", crc);
}

void share_buffers(Communicator& ranks, ParameterStore& store, Ema* ema) {
  if (ranks.size() == 1) return;
  const auto share = [&](Tensor& value) {
    Tensor host = value.to(Device{});
    ranks.broadcast({static_cast<std::byte*>(host.raw()), host.bytes()});
    if (!host.shares_storage(value)) value.copy_from(host);
  };
  for (Buffer& buffer : store.buffers()) share(buffer.value);
  if (!ema) return;
  for (Tensor& average : ema->buffers()) share(average);
}

EvalResult merge_results(Communicator& ranks, const EvalResult& mine) {
  if (ranks.size() == 1) return mine;
  using nlohmann::json;
  std::vector<std::array<std::int64_t, 2>> outcomes, bins;
  std::vector<double> confidences;
  for (const auto& [truth, prediction] : mine.outcomes) outcomes.push_back({truth, prediction});
  for (const CalibrationBin& bin : mine.calibration) {
    bins.push_back({bin.samples, bin.correct});
    confidences.push_back(bin.confidence_sum);
  }
  const json record{mine.samples,       mine.correct1, mine.correct5, mine.loss_sum, mine.class_samples,
                    mine.class_correct, outcomes,      bins,          confidences,   mine.seconds};
  const std::vector<std::uint8_t> packed = json::to_cbor(record);  // CBOR can hold NaN, unlike JSON text
  EvalResult sum;
  sum.class_samples.resize(mine.class_samples.size());
  sum.class_correct.resize(mine.class_correct.size());
  for (const std::string& text : ranks.gather(std::string(packed.begin(), packed.end()))) {
    const json part = json::from_cbor(text);
    sum.samples += part[0].get<std::int64_t>();
    sum.correct1 += part[1].get<std::int64_t>();
    sum.correct5 += part[2].get<std::int64_t>();
    sum.loss_sum += part[3].get<double>();
    for (std::size_t k = 0; k < sum.class_samples.size(); ++k) {
      sum.class_samples[k] += part[4][k].get<std::int64_t>();
      sum.class_correct[k] += part[5][k].get<std::int64_t>();
    }
    for (const json& o : part[6]) sum.outcomes.push_back({o[0], o[1]});
    for (std::size_t k = 0; k < kCalibrationBins; ++k) {
      sum.calibration[k].samples += part[7][k][0].get<std::int64_t>();
      sum.calibration[k].correct += part[7][k][1].get<std::int64_t>();
      sum.calibration[k].confidence_sum += part[8][k].get<double>();
    }
    sum.seconds = std::max(sum.seconds, part[9].get<double>());
  }
  return sum;
}

}  // namespace salu
