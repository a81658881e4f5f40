// SPDX-License-Identifier: MIT
#include "run/snapshot.h"

#include <fmt/ranges.h>

#include <cmath>
#include <map>
#include <set>

namespace salu {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;

/// (K,R,S,C) <-> (O,I,H,W) = (K,C,R,S); `to_file` gives the direction.
Tensor permuted(const Tensor& t, const Shape& krsc, bool to_file) {
  const std::int64_t k = krsc[0], r = krsc[1], s = krsc[2], c = krsc[3];
  Tensor out = Tensor::empty(to_file ? Shape{k, c, r, s} : krsc, t.dtype());
  const float* from = t.data<float>();
  float* to = out.data<float>();
  for (std::int64_t i = 0; i < k; ++i) {
    for (std::int64_t j = 0; j < r * s; ++j) {
      for (std::int64_t ch = 0; ch < c; ++ch) {
        const std::int64_t ours = (i * r * s + j) * c + ch, file = (i * c + ch) * r * s + j;
        to_file ? to[file] = from[ours] : to[ours] = from[file];
      }
    }
  }
  return out;
}

/// The patch embedding is a linear layer over (row, col, channel) here, and a convolution in timm's files.
Shape filter_shape(const Parameter& p) {
  if (p.shape.rank() == 4) return p.shape;
  if (p.name == "patch_embed.proj.weight") {
    const auto side = static_cast<std::int64_t>(std::lround(std::sqrt(static_cast<double>(p.shape[1]) / 3)));
    return {p.shape[0], side, side, 3};
  }
  return {};
}

Shape file_shape(const Parameter& p) {
  const Shape f = filter_shape(p);
  return f.rank() == 4 ? Shape{f[0], f[3], f[1], f[2]} : p.shape;
}

bool ends_with_tracked(const std::string& name) { return name.ends_with("num_batches_tracked"); }

/// Names that do not match, up to five of each kind.
class Misfits {
 public:
  void missing(const std::string& name) { note(missing_, name); }
  void unexpected(const std::string& name) { note(unexpected_, name); }
  void shape(const std::string& name, const Shape& want, const Shape& got) {
    note(shapes_, fmt::format("{} is {}, expected {}", name, got.str(), want.str()));
  }
  void report(const std::string& file) const {
    std::vector<std::string> parts;
    const auto add = [&](const char* what, const std::vector<std::string>& names) {
      if (names.empty()) return;
      const std::size_t shown = std::min<std::size_t>(5, names.size());
      parts.push_back(
          fmt::format("{} {}: {}{}", names.size(), what,
                      fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                      names.size() > shown ? ", …" : ""));
    };
    add("missing", missing_);
    add("unexpected", unexpected_);
    add("of another shape", shapes_);
    if (parts.empty()) return;
    fail(ErrorCode::checkpoint,
         "{}: its tensors do not fit the model ({}). Give the model and class count it was "
         "trained with",
         file, fmt::join(parts, "; "));
  }

 private:
  static void note(std::vector<std::string>& list, const std::string& text) { list.push_back(text); }
  std::vector<std::string> missing_, unexpected_, shapes_;
};

json progress_to_json(const TrainState& p, std::uint64_t data_fingerprint) {
  return {{"format", kFormat},
          {"step", p.step},
          {"epoch", p.epoch},
          {"batch", p.batch},
          {"loss_sum", p.loss_sum},
          {"loss_count", p.loss_count},
          {"updates", p.updates},
          {"ema_updates", p.ema_updates},
          {"skipped_row", p.non_finite.row},
          {"skipped_recent", p.non_finite.recent},
          {"returns", p.non_finite.seen},
          {"lr_factor", p.non_finite.lr_factor},
          {"good", p.good},
          {"best_score", p.best_score},
          {"best_epoch", p.best_epoch},
          {"best_averaged", p.best_averaged},
          {"gain_score", p.gain_score},
          {"gain_epoch", p.gain_epoch},
          {"ranks", p.ranks},
          {"eval_fingerprint", p.eval_fingerprint},
          {"data_fingerprint", data_fingerprint}};
}

/// True for a name directly in the folder of checkpoints.
bool is_plain_name(const std::string& name) { return !name.starts_with('.') && name.find('/') == name.npos; }

TrainState progress_from_json(const json& j, const std::string& file) {
  const auto count = [&](const char* key, std::int64_t low = 0) {
    return checked_whole(j.at(key), key, low, kMostWhole, file);
  };
  TrainState p;
  p.step = count("step");
  p.epoch = count("epoch");
  p.batch = count("batch");
  p.loss_sum = j.at("loss_sum").get<double>();
  p.loss_count = count("loss_count");
  p.updates = count("updates");
  p.best_score = j.at("best_score").get<double>();
  p.best_epoch = count("best_epoch", -1);
  p.gain_score = j.at("gain_score").get<double>();
  p.gain_epoch = count("gain_epoch", -1);
  p.non_finite.row = count("skipped_row");
  // Older checkpoints lack the following counters.
  for (const json& step : j.value("skipped_recent", json::array())) {
    p.non_finite.recent.push_back(checked_whole(step, "skipped_recent", 0, kMostWhole, file));
  }
  p.non_finite.seen = j.value("returns", p.non_finite.seen);
  p.non_finite.lr_factor = j.value("lr_factor", 1.0);
  p.good = j.value("good", "");
  p.best_averaged = j.value("best_averaged", true);
  p.eval_fingerprint = j.value("eval_fingerprint", p.eval_fingerprint);
  p.ema_updates = j.contains("ema_updates") ? count("ema_updates") : p.updates;
  if (j.contains("ranks")) p.ranks = count("ranks", 1);
  if (!(p.non_finite.lr_factor > 0 && p.non_finite.lr_factor <= 1) || !is_plain_name(p.good)) {
    fail(ErrorCode::checkpoint, "{}: lr_factor is {}, good is '{}'; expected a number in (0, 1] and a name",
         file, p.non_finite.lr_factor, p.good);
  }
  return p;
}

}  // namespace

std::vector<NamedTensor> named_tensors(const ParameterStore& store, const Tensor& values,
                                       const std::vector<Tensor>* buffers, const std::string& prefix) {
  std::vector<NamedTensor> out;
  const Tensor host = values.to(Device{});
  for (const Parameter& p : store.parameters()) {
    const Tensor view = host.narrow(p.offset, p.shape);
    const Shape filter = filter_shape(p);
    out.push_back({prefix + p.name, filter.rank() == 4 ? permuted(view, filter, true) : view.clone()});
  }
  if (!buffers) return out;
  std::size_t i = 0;
  for (const Buffer& b : store.buffers()) {
    out.push_back({prefix + b.name, (*buffers)[i++].clone().to(Device{})});
    if (b.name.ends_with("running_var")) {  // PyTorch's files have this counter beside each pair
      const std::string stem = b.name.substr(0, b.name.size() - std::string("running_var").size());
      out.push_back({prefix + stem + "num_batches_tracked", Tensor::zeros(Shape{}, DType::i64)});
    }
  }
  return out;
}

std::vector<NamedTensor> state_dict(const ParameterStore& store) {
  std::vector<Tensor> buffers;
  for (const Buffer& b : store.buffers()) buffers.push_back(b.value);
  return named_tensors(store, store.values(), &buffers, "");
}

void read_named_tensors(const ParameterStore& store, const std::vector<NamedTensor>& tensors,
                        const std::string& prefix, Tensor& values, std::vector<Tensor>* buffers,
                        const std::string& file) {
  std::map<std::string, const Tensor*> found;
  for (const NamedTensor& t : tensors) {
    if (t.name.starts_with(prefix)) found[t.name.substr(prefix.size())] = &t.tensor;
  }
  Misfits misfits;
  const auto take = [&](const std::string& name, const Shape& shape) -> const Tensor* {
    const auto it = found.find(name);
    if (it == found.end()) return misfits.missing(name), nullptr;
    const Tensor* t = it->second;
    found.erase(it);
    if (t->shape() != shape) return misfits.shape(name, shape, t->shape()), nullptr;
    return t;
  };
  struct Copy {
    Tensor to, from;
  };
  std::vector<Copy> copies;  // changes nothing unless everything matches
  for (const Parameter& p : store.parameters()) {
    if (const Tensor* t = take(p.name, file_shape(p))) {
      const Shape filter = filter_shape(p);
      const Tensor ours = filter.rank() == 4 ? permuted(t->to(DType::f32), filter, false).view(p.shape) : *t;
      copies.push_back({values.narrow(p.offset, p.shape), ours});
    }
  }
  std::size_t i = 0;
  for (const Buffer& b : store.buffers()) {
    if (!buffers) break;
    if (const Tensor* t = take(b.name, b.value.shape())) copies.push_back({(*buffers)[i], *t});
    ++i;
  }
  for (const auto& [name, tensor] : found) {
    if (!ends_with_tracked(name)) misfits.unexpected(name);
  }
  misfits.report(file);
  for (Copy& c : copies) c.to.copy_from(c.from);
}

void load_state_dict(ParameterStore& store, const std::vector<NamedTensor>& tensors,
                     const std::string& file) {
  std::vector<Tensor> buffers;
  for (const Buffer& b : store.buffers()) buffers.push_back(b.value);
  read_named_tensors(store, tensors, "", store.values(), &buffers, file);
  store.refresh_shadow();
}

std::vector<NamedTensor> averaged_weights(const Checkpoint& checkpoint) {
  std::vector<NamedTensor> out;
  for (const NamedTensor& t : checkpoint.state) {
    if (t.name.starts_with("ema.")) out.push_back({t.name.substr(4), t.tensor});
  }
  return out;
}

std::string first_non_finite(const std::vector<NamedTensor>& tensors) {
  for (const NamedTensor& t : tensors) {
    const Tensor as_loaded = t.tensor.dtype() == DType::f32 ? t.tensor : t.tensor.to(DType::f32);
    const float* v = as_loaded.data<float>();
    for (std::int64_t i = 0; i < as_loaded.numel(); ++i) {
      if (!std::isfinite(v[i])) return t.name;
    }
  }
  return "";
}

Checkpoint take_snapshot(const Model& model, Optimizer& optimizer, Ema* ema, const TrainState& progress,
                         const ModelCard& card, std::uint64_t data_fingerprint) {
  Checkpoint out;
  out.model = state_dict(model.store());
  for (const Optimizer::State& s : optimizer.states()) {
    for (NamedTensor& t : named_tensors(model.store(), s.values, nullptr, "optim." + s.name + ".")) {
      out.state.push_back(std::move(t));
    }
  }
  if (ema) {
    for (NamedTensor& t : named_tensors(model.store(), ema->values(), &ema->buffers(), "ema.")) {
      out.state.push_back(std::move(t));
    }
  }
  out.metadata = {{"salu.model", card.model.name},
                  {"salu.num_classes", std::to_string(card.model.num_classes)},
                  {"salu.img_size", std::to_string(card.model.img_size)},
                  {"salu.step", std::to_string(progress.step)}};
  out.config = card_to_json(card);
  out.progress = progress_to_json(progress, data_fingerprint);
  return out;
}

TrainState read_progress(const Checkpoint& checkpoint, const std::string& file,
                         std::uint64_t data_fingerprint) {
  try {
    const json& j = checkpoint.progress;
    if (j.at("data_fingerprint").get<std::uint64_t>() != data_fingerprint) {
      fail(ErrorCode::checkpoint,
           "{}: the data set differs from the one this run was trained on (other files, sizes, labels, or "
           "another JPEG decoder in this build). Give the same --dataset and --data-dir, or start a new run",
           file);
    }
    return progress_from_json(j, file);
  } catch (const json::exception& e) {
    fail(ErrorCode::checkpoint, "{}: its counters are not complete ({}). Resume from another checkpoint",
         file, e.what());
  }
}

TrainState restore_snapshot(const Checkpoint& checkpoint, const std::string& file, Model& model,
                            Optimizer* optimizer, Ema* ema, std::uint64_t data_fingerprint) {
  const TrainState p = read_progress(checkpoint, file, data_fingerprint);
  if (const std::string bad = first_non_finite(checkpoint.model); !bad.empty()) {
    fail(ErrorCode::checkpoint,
         "{}: tensor {} holds NaN or Inf; a run cannot go on from there. Resume from an "
         "earlier checkpoint",
         file, bad);
  }
  load_state_dict(model.store(), checkpoint.model, file);
  if (optimizer) {
    for (Optimizer::State& s : optimizer->states()) {
      read_named_tensors(model.store(), checkpoint.state, "optim." + s.name + ".", s.values, nullptr, file);
    }
    optimizer->set_updates(p.updates);
    optimizer->set_ema_updates(p.ema_updates);
  }
  if (ema) read_named_tensors(model.store(), checkpoint.state, "ema.", ema->values(), &ema->buffers(), file);
  return p;
}

}  // namespace salu
