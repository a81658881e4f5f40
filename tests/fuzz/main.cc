// SPDX-License-Identifier: MIT
/// Feeds a reader with damaged files.
///
///   fuzz TARGET [--count N] [--seed N] [--corpus DIR] [--save DIR] [FILE...]
///
/// With files: reads these only. Else: the seeds of the target, the files of DIR/TARGET, and N inputs made
/// from them. An input that takes a new branch of the reader becomes one to begin with.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>

#include "core/allocator.h"
#include "core/file_ops.h"
#include "core/parallel.h"
#include "tests/fuzz/mutator.h"
#include "tests/fuzz/watch.h"

namespace salu::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostMemory = 64 << 20;  // beside twice the input
constexpr std::int64_t kMostKept = 1 << 20;     // by all inputs of the second half together

struct Options {
  std::string target;
  std::int64_t count = 0;
  std::uint64_t seed = 1;
  std::string corpus, save;
  std::vector<std::string> files;
};

class Loop {
 public:
  Loop(const Target& target, const Options& options) : target_(target), mutator_(options.seed, target) {
    set_save_prefix((fs::path(options.save) / fmt::format("fuzz-{}", target.name)).string());
  }

  void add(Bytes input) {
    run(input);
    pool_.push_back(std::move(input));
  }

  void mutate(std::int64_t count) {
    if (pool_.empty()) stop_with("no input to begin with");
    const std::size_t seeds = pool_.size();
    for (std::int64_t i = 0; i < count; ++i) {
      if (i == count / 2) kept_ = 0;
      Bytes input = mutator_.next(pool_);
      if (run(input)) pool_.push_back(std::move(input));
    }
    if (kept_ > kMostKept) stop_with(fmt::format("{} bytes are kept by {} inputs", kept_, count / 2));
    if (count > 0 && (accepted_ == 0 || accepted_ == inputs_ || pool_.size() == seeds)) {
      stop_with(fmt::format("{} of {} inputs are accepted, {} take new branches: nothing is tested",
                            accepted_, inputs_, pool_.size() - seeds));
    }
  }

  std::string summary() const {
    return fmt::format(
        "{}: {} inputs, {} accepted, {} branches, {} inputs with new ones, {:.0f} inputs/s, slowest {:.1f} "
        "ms, "
        "most memory {:.1f} MB",
        target_.name, inputs_, accepted_, branches_seen(), pool_.size(),
        static_cast<double>(inputs_) / seconds_, slowest_ * 1e3, static_cast<double>(peak_) / (1 << 20));
  }

 private:
  /// True when the input takes a new branch.
  bool run(const Bytes& input) {
    begin_watch(input, inputs_++);
    try {
      target_.run(input);
      ++accepted_;
    } catch (const Error& e) {
      const auto& codes = target_.codes;
      if (std::find(codes.begin(), codes.end(), e.code()) == codes.end()) {
        stop_with(fmt::format("error with exit code {}: {}", static_cast<int>(e.code()), e.what()));
      }
      if (std::string_view(e.what()).find('\n') != std::string_view::npos) {
        stop_with(fmt::format("a message of more than one line: {}", e.what()));
      }
    } catch (const std::exception& e) {
      stop_with(fmt::format("another exception: {}", e.what()));
    }
    release_cached_host();  // its blocks would hide what is read after it was freed
    const Measured m = end_watch();
    const auto limit = 2 * static_cast<std::int64_t>(input.size()) + kMostMemory;
    if (m.peak_bytes > limit) stop_with(fmt::format("{} bytes of memory; limit {}", m.peak_bytes, limit));
    forget_input();
    kept_ += m.kept_bytes;
    seconds_ += m.seconds;
    slowest_ = std::max(slowest_, m.seconds);
    peak_ = std::max(peak_, m.peak_bytes);
    return m.new_branch;
  }

  const Target& target_;
  Mutator mutator_;
  std::vector<Bytes> pool_;
  std::int64_t inputs_ = 0, accepted_ = 0, kept_ = 0, peak_ = 0;
  double seconds_ = 0, slowest_ = 0;
};

Bytes read(const fs::path& path) { return bytes_of(read_text(path, ErrorCode::data)); }

/// In the order of their names: the pool decides what comes out.
std::vector<fs::path> corpus_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    files.push_back(it->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Options parse(std::span<char*> arguments) {
  Options o;
  const auto number = [](const std::string& text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || *end) fail(ErrorCode::usage, "'{}' is not a number", text);
    return value;
  };
  std::map<std::string, std::string*> texts = {{"--corpus", &o.corpus}, {"--save", &o.save}};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string word = arguments[i];
    if (!word.starts_with("--")) {
      if (o.target.empty()) {
        o.target = word;
      } else {
        o.files.push_back(word);
      }
      continue;
    }
    if (i + 1 == arguments.size()) fail(ErrorCode::usage, "{}: expected a value", word);
    const std::string value = arguments[++i];
    if (word == "--count") {
      o.count = number(value);
    } else if (word == "--seed") {
      o.seed = static_cast<std::uint64_t>(number(value));
    } else if (texts.contains(word)) {
      *texts[word] = value;
    } else {
      fail(ErrorCode::usage, "{}: unknown option", word);
    }
  }
  return o;
}

int run(const Options& options) {
  const std::vector<Target> all = targets();
  const auto target = std::find_if(all.begin(), all.end(), [&](auto& t) { return options.target == t.name; });
  if (target == all.end()) fail(ErrorCode::usage, "'{}': no such target", options.target);
  set_num_threads(1);
  Loop loop(*target, options);
  if (!options.files.empty()) {
    for (const std::string& file : options.files) loop.add(read(file));
  } else {
    if (target->seeds) {
      for (Bytes& seed : target->seeds()) loop.add(std::move(seed));
    }
    for (const fs::path& file : corpus_files(fs::path(options.corpus) / target->name)) loop.add(read(file));
    loop.mutate(options.count);
  }
  fmt::print("{}\n", loop.summary());
  return 0;
}

}  // namespace

void require(bool ok, const char* what) {
  if (!ok) stop_with(what);
}

std::vector<Target> targets() {
  std::vector<Target> all;
  for (const auto& group :
       {image_targets(), data_targets(), checkpoint_targets(), option_targets(), planted_targets()}) {
    all.insert(all.end(), group.begin(), group.end());
  }
  return all;
}

}  // namespace salu::fuzz

int main(int argc, char** argv) {
  try {
    return salu::fuzz::run(salu::fuzz::parse({argv + 1, argv + argc}));
  } catch (const salu::Error& e) {
    fmt::print(stderr, "fuzz: error: {}\n", e.what());
    return static_cast<int>(e.code());
  }
}
