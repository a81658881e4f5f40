// SPDX-License-Identifier: MIT
#include "run/environment.h"

#include <fmt/chrono.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <oneapi/dnnl/dnnl.hpp>
#include <thread>

#include "core/parallel.h"
#include "core/simd/instruction_set.h"
#include "data/decode.h"
#include "run/revision.h"

namespace salu {
namespace {

using nlohmann::json;

#if defined(__clang__)
constexpr const char* kCompiler = __VERSION__;  // "Clang 14.0.6"
#else
constexpr const char* kCompiler = "gcc " __VERSION__;
#endif

/// "model name : X" of the first processor; "" when unknown.
std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != line.npos) return line.substr(colon + 2);
  }
  return "";
}

json library_versions() {
  const dnnl_version_t* dnnl = dnnl_version();
  return {{"oneDNN", fmt::format("{}.{}.{}", dnnl->major, dnnl->minor, dnnl->patch)},
          {"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
          {"nlohmann_json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                                        NLOHMANN_JSON_VERSION_PATCH)},
          {"jpeg", jpeg_decoder()}};
}

}  // namespace

std::string describe_build() { return fmt::format("salunet {} (compiled by {})", SALU_VERSION, kCompiler); }

json describe_machine() {
  utsname system{};
  ::uname(&system);
  const auto pages = static_cast<double>(::sysconf(_SC_PHYS_PAGES)),
             page = static_cast<double>(::sysconf(_SC_PAGESIZE));
#if defined(NDEBUG)
  const char* build = "release";
#else
  const char* build = "debug";
#endif
  return {{"salunet", SALU_VERSION},
          {"revision", kRevision},
          {"build", build},
          {"compiler", kCompiler},
          {"libraries", library_versions()},
          {"system", fmt::format("{} {} {}", system.sysname, system.release, system.machine)},
          {"cpu", processor_name()},
          {"cpu_threads", std::thread::hardware_concurrency()},
          {"threads", num_threads()},
          {"loops", instruction_set()},
          {"memory_gib", std::round(10 * pages * page / (1 << 30)) / 10}};
}

std::string utc_time(std::time_t time) { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(time)); }

json starts_of(const std::string& text) {
  const json all = json::parse(text, nullptr, false);
  const bool fits = all.is_object() && all.contains("starts") && all.at("starts").is_array();
  return fits ? all.at("starts") : json::array();
}

void add_start(const std::filesystem::path& file, json start, bool resumed, FileOps& ops) {
  std::error_code error;
  const bool goes_on = resumed && std::filesystem::exists(file, error);
  json starts = goes_on ? starts_of(read_text(file, ErrorCode::environment)) : json::array();
  starts.push_back(std::move(start));
  const json all{{"starts", std::move(starts)}};
  replace_file(ops, file, all.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

}  // namespace salu
