// SPDX-License-Identifier: MIT
#include "train/ranks/gradient_reducer.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/file_ops.h"

namespace salu {
namespace {

/// Null when a rank lacks the library or shares its GPU with another rank.
std::unique_ptr<gpu::DeviceSums> connect_devices(Communicator& ranks) {
  const gpu::DeviceSumsLibrary* library = ranks.device_sums_library();
  const std::string place = library ? library->place() : "";
  const std::vector<std::string> places = ranks.gather(place.empty() ? "" : host_name() + " " + place);
  if (std::set(places.begin(), places.end()).size() < places.size() || std::ranges::count(places, "") > 0) {
    return nullptr;
  }
  const std::string id = ranks.gather(ranks.is_root() ? library->make_id() : "").front();
  return library->connect(id, ranks.rank(), ranks.size());
}

}  // namespace

GradientReducer::Bucket GradientReducer::make_bucket(Tensor values) const {
  check(values.dtype() == DType::f32, "[reduce] expected f32, got {}", dtype_name(values.dtype()));
  Bucket bucket;
  if (values.device().type == DeviceType::cuda && !sums_) {
    bucket.pinned = gpu::allocate_pinned(values.bytes());
    bucket.copied.emplace();
  }
  bucket.values = std::move(values);
  return bucket;
}

GradientReducer::GradientReducer(ParameterStore& store, Communicator& ranks, std::int64_t bucket_numbers)
    : ranks_(ranks) {
  if (ranks.size() == 1) return;
  if (store.values().device().type == DeviceType::cuda) sums_ = connect_devices(ranks);
  for (const ParameterRange& range : store.ranges()) {
    std::vector<const Parameter*> members;
    for (const Parameter& p : store.parameters()) {
      if (p.group == range.group) members.push_back(&p);
    }
    std::int64_t end = range.end;
    int count = 0;
    for (std::size_t i = members.size(); i-- > 0;) {
      const std::int64_t begin = i == 0 ? range.begin : members[i]->offset;
      bucket_of_[members[i]->variable.node().get()] = buckets_.size();
      ++count;
      if (end - begin < bucket_numbers && i > 0) continue;
      buckets_.push_back(make_bucket(store.gradients().narrow(begin, {end - begin})));
      buckets_.back().parameters = buckets_.back().waiting = count;
      end = begin;
      count = 0;
    }
  }
}

void GradientReducer::complete(const Node& leaf) {
  const auto found = bucket_of_.find(&leaf);
  if (found == bucket_of_.end()) return;
  --buckets_[found->second].waiting;
  while (next_ < buckets_.size() && buckets_[next_].waiting == 0) send(buckets_[next_++]);
  if (next_ > 0 && buckets_[next_ - 1].sum) buckets_[next_ - 1].sum->done();
}

void GradientReducer::send(Bucket& bucket) {
  Tensor& values = bucket.values;
  const std::span<float> numbers(static_cast<float*>(values.raw()), static_cast<std::size_t>(values.numel()));
  if (sums_) return sums_->start(numbers);
  if (!bucket.pinned) {
    bucket.sum = ranks_.start_sum(numbers);
    return;
  }
  gpu::queue_copy_to_host(bucket.pinned.get(), values.raw(), values.bytes());
  bucket.copied->record();
}

void GradientReducer::receive(Bucket& bucket) {
  bucket.sum->wait();
  bucket.sum.reset();
  bucket.waiting = bucket.parameters;
  if (bucket.pinned) {
    gpu::queue_copy_to_device(bucket.values.raw(), bucket.pinned.get(), bucket.values.bytes());
  }
}

void GradientReducer::finish(Tensor& loss) {
  if (ranks_.size() == 1) return;
  while (next_ < buckets_.size()) send(buckets_[next_++]);
  if (!loss_) loss_ = std::make_unique<Bucket>(make_bucket(loss));
  loss_->values = loss;
  send(*loss_);
  next_ = 0;
  if (sums_) {
    for (Bucket& bucket : buckets_) bucket.waiting = bucket.parameters;
    return sums_->join();
  }
  std::vector<Bucket*> all;
  for (Bucket& bucket : buckets_) all.push_back(&bucket);
  all.push_back(loss_.get());
  for (Bucket* bucket : all) {
    if (!bucket->pinned) continue;
    bucket->copied->wait();
    const auto count = static_cast<std::size_t>(bucket->values.numel());
    bucket->sum = ranks_.start_sum({static_cast<float*>(bucket->pinned.get()), count});
  }
  for (Bucket* bucket : all) receive(*bucket);
}

}  // namespace salu
