// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/file_ops.h"
#include "data/resize.h"
#include "data/stb.h"
#include "run/report/sections.h"

namespace salu {
namespace {

constexpr std::size_t kCountedClasses = 20, kDrawnClasses = 100, kShownPairs = 12, kListedClasses = 500;
constexpr int kThumbnail = 96;

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

double share(std::int64_t part, std::int64_t all) {
  return all ? static_cast<double>(part) / static_cast<double>(all) : 0;
}

/// The start of a long name; whole UTF-8 characters.
std::string shortened(const std::string& name, std::size_t bytes) {
  if (name.size() <= bytes) return name;
  std::size_t end = bytes;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
  return name.substr(0, end) + "…";
}

struct Pair {
  std::size_t truth, prediction;
  std::int64_t count;
};

/// Those that occur, by truth and prediction: a full matrix of 20,000 classes would fill gigabytes.
std::vector<Pair> all_pairs(const EvalResult& result) {
  std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t> counts;
  for (const auto& [truth, prediction] : result.outcomes) ++counts[{truth, prediction}];
  std::vector<Pair> pairs;
  for (const auto& [pair, count] : counts) {
    pairs.push_back({static_cast<std::size_t>(pair.first), static_cast<std::size_t>(pair.second), count});
  }
  return pairs;
}

struct MatrixLayout {
  std::size_t classes;
  bool counted;  ///< names and counts, not only colours
  double cell = counted ? 34 : 6, left = counted ? 110 : 20, top = counted ? 96 : 20;
  double width = left + cell * static_cast<double>(classes) + 8,
         height = top + cell * static_cast<double>(classes) + 8;
};

void draw_names(Markup& svg, const PictureScores& scores, const MatrixLayout& at) {
  svg.element("text", at.counted ? "true class" : "true",
              {{"class", "tick"}, {"x", "4"}, {"y", coordinate(at.top - 6)}});
  svg.element("text", "predicted", {{"class", "tick"}, {"x", coordinate(at.left)}, {"y", "11"}});
  if (!at.counted) return;
  for (std::size_t k = 0; k < at.classes; ++k) {
    const std::string name = shortened(scores.class_names[k], 14);
    const double middle = (static_cast<double>(k) + 0.5) * at.cell;
    svg.element("text", name,
                {{"class", "end"},
                 {"x", coordinate(at.left - 6)},
                 {"y", coordinate(at.top + middle)},
                 {"dy", "0.35em"}});
    const std::string x = coordinate(at.left + middle + 4), y = coordinate(at.top - 6);
    svg.element("text", name, {{"x", x}, {"y", y}, {"transform", fmt::format("rotate(-45 {} {})", x, y)}});
  }
}

void draw_cell(Markup& svg, const PictureScores& scores, const MatrixLayout& at, const Pair& pair) {
  const auto group = svg.in("g");
  const std::int64_t all = scores.result.class_samples[pair.truth];
  svg.element("title", fmt::format("{} as {}: {} of {}", scores.class_names[pair.truth],
                                   scores.class_names[pair.prediction], pair.count, all));
  const double x = at.left + static_cast<double>(pair.prediction) * at.cell,
               y = at.top + static_cast<double>(pair.truth) * at.cell;
  // The root makes rare confusions visible; below 0.6 the counts are readable on it.
  const double opacity = 0.6 * std::sqrt(share(pair.count, all));
  const std::string side = coordinate(at.cell - 1);
  svg.empty("rect", {{"x", coordinate(x)},
                     {"y", coordinate(y)},
                     {"width", side},
                     {"height", side},
                     {"style", fmt::format("fill:var(--{});fill-opacity:{:.3f}",
                                           pair.truth == pair.prediction ? "c0" : "c1", opacity)}});
  if (!at.counted) return;
  svg.element("text", std::to_string(pair.count),
              {{"class", "middle"},
               {"x", coordinate(x + at.cell / 2 - 0.5)},
               {"y", coordinate(y + at.cell / 2)},
               {"dy", "0.33em"}});
}

void draw_matrix(Markup& page, const PictureScores& scores) {
  const MatrixLayout at{scores.class_names.size(), scores.class_names.size() <= kCountedClasses};
  const auto card = page.in("div", {{"class", "card scroll"}});
  const auto svg = page.in("svg", {{"role", "img"},
                                   {"aria-label", "confusion matrix"},
                                   {"width", coordinate(at.width)},
                                   {"height", coordinate(at.height)},
                                   {"viewBox", fmt::format("0 0 {} {}", at.width, at.height)}});
  draw_names(page, scores, at);
  for (const Pair& pair : all_pairs(scores.result)) draw_cell(page, scores, at, pair);
}

/// The most frequent confusions, the first of equals first.
std::vector<Pair> confused_pairs(const PictureScores& scores) {
  std::vector<Pair> pairs = all_pairs(scores.result);
  std::erase_if(pairs, [](const Pair& p) { return p.truth == p.prediction; });
  std::ranges::stable_sort(pairs, std::greater<>(), &Pair::count);
  pairs.resize(std::min(pairs.size(), kShownPairs));
  return pairs;
}

void write_header(Markup& page, std::initializer_list<const char*> names) {
  const auto row = page.in("tr");
  for (const char* name : names) page.element("th", name);
}

/// A class name: its writing direction must not turn what stands behind it.
void write_name(Markup& page, const std::string& name) { page.element("bdi", name); }

void write_pairs(Markup& page, const PictureScores& scores) {
  const std::vector<Pair> pairs = confused_pairs(scores);
  if (pairs.empty()) return;
  page.element("h3", "Most frequent confusions");
  const auto card = page.in("div", {{"class", "card scroll"}});
  const auto table = page.in("table");
  write_header(page, {"true class", "taken for", "pictures", "of its class"});
  for (const Pair& pair : pairs) {
    const auto row = page.in("tr");
    for (const std::size_t k : {pair.truth, pair.prediction}) {
      const auto cell = page.in("td");
      write_name(page, scores.class_names[k]);
    }
    page.element("td", std::to_string(pair.count));
    page.element("td", percent(share(pair.count, scores.result.class_samples[pair.truth])));
  }
}

std::string data_uri(const Image& picture) {
  const int side = std::max(picture.height, picture.width);
  const int height = picture.height * kThumbnail / side, width = picture.width * kThumbnail / side;
  const Image small = side > kThumbnail
                          ? resize(picture, std::max(1, height), std::max(1, width), Interpolation::bicubic)
                          : picture;
  return "data:image/png;base64," + base64(stb::encode_png(small));
}

void write_picture(Markup& page, const ScoredPicture& p, const std::vector<std::string>& names) {
  const auto card = page.in("figure", {{"class", "card"}});
  const std::string &truth = names[static_cast<std::size_t>(p.truth)],
                    &prediction = names[static_cast<std::size_t>(p.predicted)];
  page.empty("img", {{"class", std::max(p.picture.height, p.picture.width) < kThumbnail ? "small" : "large"},
                     {"alt", fmt::format("{} taken for {}", truth, prediction)},
                     {"src", data_uri(p.picture)}});
  const auto caption = page.in("figcaption");
  {
    const auto line = page.in("div", {{"class", p.truth == p.predicted ? "true" : "wrong"}});
    write_name(page, prediction);
    page.text(fmt::format(" {}", percent(p.predicted_probability)));
  }
  {
    const auto line = page.in("div");
    page.text("is ");
    write_name(page, truth);
    page.text(fmt::format(" {}", percent(p.truth_probability)));
  }
  page.element("div", fmt::format("loss {:.2f}", p.loss), {{"class", "soft"}});
  page.element("div", p.place, {{"class", "soft"}});
}

}  // namespace

void write_confusion(Markup& page, const PictureScores& scores) {
  page.element("h2", "Confusion matrix");
  page.element("p",
               "A row holds the pictures of a class, a column what they were taken for. Blue is right; the "
               "stronger the colour, the larger the share of the row.");
  if (scores.class_names.size() <= kDrawnClasses) draw_matrix(page, scores);
  write_pairs(page, scores);
}

void write_worst_pictures(Markup& page, const PictureScores& scores) {
  if (scores.worst.empty()) return;
  page.element("h2", "Where it is most wrong");
  page.element("p",
               "The pictures with the highest loss: what the network takes them for, and what they are "
               "labelled as, each with its probability. Wrong labels show up here first.");
  const auto pictures = page.in("div", {{"class", "pictures"}});
  for (const ScoredPicture& picture : scores.worst) write_picture(page, picture, scores.class_names);
}

void write_classes(Markup& page, const PictureScores& scores) {
  const EvalResult& result = scores.result;
  std::vector<std::int64_t> predicted(scores.class_names.size());
  for (const auto& outcome : result.outcomes) ++predicted[static_cast<std::size_t>(outcome.prediction)];
  std::vector<std::size_t> order(scores.class_names.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto accuracy = [&](std::size_t k) {
    return share(result.class_correct[k], result.class_samples[k]);
  };
  std::ranges::stable_sort(order, {}, accuracy);
  page.element("h2", "Classes");
  page.element(
      "p",
      fmt::format(
          "Hardest first{}. Precision is the share of the pictures predicted as the class that belong to it.",
          order.size() > kListedClasses ? fmt::format(", {} of {}", kListedClasses, order.size()) : ""));
  order.resize(std::min(order.size(), kListedClasses));
  const auto card = page.in("div", {{"class", "card scroll"}});
  const auto table = page.in("table");
  write_header(page, {"class", "pictures", "correct", "precision", "accuracy"});
  for (const std::size_t k : order) {
    const auto row = page.in("tr");
    {
      const auto cell = page.in("td");
      write_name(page, scores.class_names[k]);
    }
    page.element("td", std::to_string(result.class_samples[k]));
    page.element("td", std::to_string(result.class_correct[k]));
    page.element("td", predicted[k] ? percent(share(result.class_correct[k], predicted[k])) : "-");
    const auto cell = page.in("td");
    page.text(result.class_samples[k] ? percent(accuracy(k)) : "-");
    const auto bar = page.in("span", {{"class", "bar"}});
    page.element("i", "", {{"style", fmt::format("width:{:.1f}%", 100 * accuracy(k))}});
  }
}

}  // namespace salu
