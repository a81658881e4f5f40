// SPDX-License-Identifier: MIT
#include "run/report/image_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>

#include "core/file_ops.h"
#include "data/codecs.h"
#include "data/resize.h"

namespace salu {
namespace {

ScoredImage score_row(const float* row, std::int64_t classes, std::int64_t truth) {
  ScoredImage out;
  out.truth = static_cast<int>(truth);
  const RowSoftmax softmax = softmax_of(row, classes);
  if (std::isnan(softmax.sum)) {
    out.loss = INFINITY;
    return out;
  }
  out.predicted = static_cast<int>(softmax.best);
  out.loss = softmax.loss(row[truth]);
  out.truth_probability = softmax.probability(row[truth]);
  out.predicted_probability = softmax.probability(row[softmax.best]);
  return out;
}

Image image_of(const Tensor& images, std::int64_t i) {
  Image image(static_cast<int>(images.dim(1)), static_cast<int>(images.dim(2)));
  const std::size_t bytes = image.pixels.size();
  std::memcpy(image.pixels.data(), images.data<std::uint8_t>() + static_cast<std::size_t>(i) * bytes, bytes);
  return image;
}

bool is_worse(const ScoredImage& a, const ScoredImage& b) {
  return a.loss != b.loss ? a.loss > b.loss : a.index < b.index;
}

}  // namespace

void keep_worst(std::vector<ScoredImage>& worst, std::size_t most, const Batch& batch, const Tensor& logits) {
  if (most == 0) return;
  const std::int64_t classes = logits.dim(1);
  for (std::int64_t i = 0; i < logits.dim(0); ++i) {
    ScoredImage image =
        score_row(logits.data<float>() + i * classes, classes, batch.labels.data<std::int64_t>()[i]);
    image.index = batch.indices[static_cast<std::size_t>(i)];
    if (worst.size() == most && !is_worse(image, worst.back())) continue;
    image.image = image_of(batch.images, i);
    if (worst.size() == most) worst.pop_back();
    worst.insert(std::ranges::upper_bound(worst, image, is_worse), std::move(image));
  }
}

ImageScores score_images(const Model& model, const DataSplits& data, const TransformOptions& transform,
                         const ImageScoring& options) {
  ImageScores scores;
  scores.class_names = data.eval->class_names();
  LoaderOptions loader_options;
  loader_options.batch_size = options.batch_size;
  loader_options.workers = options.workers;
  loader_options.bad_images = options.bad_images;
  loader_options.max_bad_percent = options.max_bad_percent;
  loader_options.report = options.report;
  Loader loader(
      data.eval, [transform](ImageSource& source, RandomKey) { return eval_transform(source, transform); },
      loader_options);
  scores.result =
      evaluate(model, loader, {data.mean, data.std}, static_cast<std::int64_t>(scores.class_names.size()),
               options.stop, [&](const Batch& batch, const Tensor& logits) {
                 keep_worst(scores.worst, options.worst, batch, logits);
               });
  for (ScoredImage& image : scores.worst) image.place = data.eval->place(image.index);
  return scores;
}

namespace {

constexpr std::size_t kCountedClasses = 20, kNamedClasses = 60, kDrawnClasses = 100, kShownPairs = 12,
                      kListedClasses = 500;
constexpr int kThumbnail = 96;

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

double share(std::int64_t part, std::int64_t all) {
  return all ? static_cast<double>(part) / static_cast<double>(all) : 0;
}

/// The start of a long name, cut between UTF-8 characters.
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

/// The pairs that occur, by truth and prediction. A full matrix of 20,000 classes would take gigabytes.
std::vector<Pair> all_pairs(const EvalResult& result) {
  std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t> counts;
  for (const auto& [truth, prediction] : result.outcomes) ++counts[{truth, prediction}];
  std::vector<Pair> pairs;
  for (const auto& [pair, count] : counts) {
    pairs.push_back({static_cast<std::size_t>(pair.first), static_cast<std::size_t>(pair.second), count});
  }
  return pairs;
}

/// Sizes and positions of the matrix, in pixels.
struct MatrixLayout {
  std::size_t classes;
  bool names, counts;
  double cell, margin;  // the margin on the left and above holds the names

  explicit MatrixLayout(std::size_t count)
      : classes(count),
        names(count <= kNamedClasses),
        counts(count <= kCountedClasses),
        cell(std::clamp(600.0 / static_cast<double>(std::max<std::size_t>(count, 1)), 1.0, 36.0)),
        margin(names ? 110 : 20) {}
  double side() const { return margin + cell * static_cast<double>(classes) + 8; }
};

void draw_names(Markup& svg, const std::vector<std::string>& names, const MatrixLayout& at) {
  svg.element("text", at.names ? "true class" : "true",
              {{"class", "tick"}, {"x", "4"}, {"y", coordinate(at.margin - 6)}});
  svg.element("text", "predicted", {{"class", "tick"}, {"x", coordinate(at.margin)}, {"y", "11"}});
  if (!at.names) return;
  for (std::size_t k = 0; k < at.classes; ++k) {
    const std::string name = shortened(names[k], 14);
    const double middle = at.margin + (static_cast<double>(k) + 0.5) * at.cell;
    svg.element(
        "text", name,
        {{"class", "end"}, {"x", coordinate(at.margin - 6)}, {"y", coordinate(middle)}, {"dy", "0.35em"}});
    const std::string x = coordinate(middle + 4), y = coordinate(at.margin - 6);
    svg.element("text", name, {{"x", x}, {"y", y}, {"transform", fmt::format("rotate(-45 {} {})", x, y)}});
  }
}

void draw_cell(Markup& svg, const EvalResult& result, const std::vector<std::string>& names,
               const MatrixLayout& at, const Pair& pair) {
  const auto group = svg.in("g");
  const std::int64_t all = result.class_samples[pair.truth];
  svg.element("title", fmt::format("{} taken for {}: {} of {}", names[pair.truth], names[pair.prediction],
                                   pair.count, all));
  const double x = at.margin + static_cast<double>(pair.prediction) * at.cell,
               y = at.margin + static_cast<double>(pair.truth) * at.cell;
  // The square root makes rare confusions visible; below 0.6 the counts stay readable.
  const double opacity = 0.6 * std::sqrt(share(pair.count, all));
  const std::string side = coordinate(at.cell > 3 ? at.cell - 1 : at.cell);
  svg.empty("rect", {{"x", coordinate(x)},
                     {"y", coordinate(y)},
                     {"width", side},
                     {"height", side},
                     {"style", fmt::format("fill:var(--{});fill-opacity:{:.3f}",
                                           pair.truth == pair.prediction ? "c0" : "c1", opacity)}});
  if (!at.counts) return;
  svg.element("text", std::to_string(pair.count),
              {{"class", "middle"},
               {"x", coordinate(x + at.cell / 2 - 0.5)},
               {"y", coordinate(y + at.cell / 2)},
               {"dy", "0.33em"}});
}

void draw_matrix(Markup& svg, const EvalResult& result, const std::vector<std::string>& names,
                 const MatrixLayout& at) {
  draw_names(svg, names, at);
  for (const Pair& pair : all_pairs(result)) draw_cell(svg, result, names, at, pair);
}

/// The most frequent confusions; ties keep their order.
std::vector<Pair> confused_pairs(const ImageScores& scores) {
  std::vector<Pair> pairs = all_pairs(scores.result);
  std::erase_if(pairs, [](const Pair& p) { return p.truth == p.prediction; });
  std::ranges::stable_sort(pairs, std::greater<>(), &Pair::count);
  pairs.resize(std::min(pairs.size(), kShownPairs));
  return pairs;
}

/// Writes a class name so that its writing direction does not turn the text after it.
void write_name(Markup& page, const std::string& name) { page.element("bdi", name); }

void write_pairs(Markup& page, const ImageScores& scores) {
  const std::vector<Pair> pairs = confused_pairs(scores);
  if (pairs.empty()) return;
  page.element("h3", "Most frequent confusions");
  const auto card = page.in("div", {{"class", "card scroll"}});
  const auto table = page.in("table");
  page.header_row({"true class", "taken for", "images", "of its class"});
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

std::string data_uri(const Image& image) {
  const int side = std::max(image.height, image.width);
  const int height = image.height * kThumbnail / side, width = image.width * kThumbnail / side;
  const Image small = side > kThumbnail
                          ? resize(image, std::max(1, height), std::max(1, width), Interpolation::bicubic)
                          : image;
  return "data:image/png;base64," + base64(encode_png(small));
}

void write_image(Markup& page, const ScoredImage& p, const std::vector<std::string>& names) {
  const auto card = page.in("figure", {{"class", "card"}});
  const std::string &truth = names[static_cast<std::size_t>(p.truth)],
                    &prediction = names[static_cast<std::size_t>(p.predicted)];
  page.empty("img", {{"class", std::max(p.image.height, p.image.width) < kThumbnail ? "small" : "large"},
                     {"alt", fmt::format("{} taken for {}", truth, prediction)},
                     {"src", data_uri(p.image)}});
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

void write_confusion(Markup& page, const ImageScores& scores) {
  page.element("h2", "Confusion matrix");
  page.element("p",
               "A row holds the images of a class, a column what they were taken for. Blue is right; the "
               "stronger the colour, the larger the share of the row.");
  if (scores.class_names.size() <= kDrawnClasses) {
    const MatrixLayout at(scores.class_names.size());
    const auto card = page.in("div", {{"class", "card scroll"}});
    const auto svg = page.in("svg", {{"role", "img"},
                                     {"aria-label", "confusion matrix"},
                                     {"width", coordinate(at.side())},
                                     {"height", coordinate(at.side())},
                                     {"viewBox", fmt::format("0 0 {0} {0}", coordinate(at.side()))}});
    draw_matrix(page, scores.result, scores.class_names, at);
  }
  write_pairs(page, scores);
}

void write_worst_images(Markup& page, const ImageScores& scores) {
  if (scores.worst.empty()) return;
  page.element("h2", "Where it is most wrong");
  page.element("p",
               "The images with the highest loss: what the network takes them for, and what they are "
               "labelled as, each with its probability. Wrong labels show up here first.");
  const auto images = page.in("div", {{"class", "images"}});
  for (const ScoredImage& image : scores.worst) write_image(page, image, scores.class_names);
}

void write_classes(Markup& page, const ImageScores& scores) {
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
          "Hardest first{}. Precision is the share of the images predicted as the class that belong to it.",
          order.size() > kListedClasses ? fmt::format(", {} of {}", kListedClasses, order.size()) : ""));
  order.resize(std::min(order.size(), kListedClasses));
  const auto card = page.in("div", {{"class", "card scroll"}});
  const auto table = page.in("table");
  page.header_row({"class", "images", "correct", "precision", "accuracy"});
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

}  // namespace

void write_image_scores(Markup& page, const ImageScores& scores) {
  write_confusion(page, scores);
  write_worst_images(page, scores);
  write_classes(page, scores);
}

std::string confusion_svg(const EvalResult& result, const std::vector<std::string>& class_names,
                          const std::string& title) {
  constexpr double kHeading = 30, kLeastWidth = 520;
  const MatrixLayout at(class_names.size());
  return svg_file(std::max(at.side(), kLeastWidth), kHeading + at.side(), [&](Markup& svg) {
    svg.element("text", fmt::format("{}: rows are the truth, columns the prediction", title),
                {{"class", "title"}, {"x", "10"}, {"y", "20"}});
    const auto matrix = svg.in("g", {{"transform", fmt::format("translate(0 {})", kHeading)}});
    draw_matrix(svg, result, class_names, at);
  });
}

}  // namespace salu
