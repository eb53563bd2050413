#include "data/inspection/likeness/near_duplicates.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace banter::data {
namespace {

constexpr std::size_t kFirstBuckets = std::size_t{1} << 10;  // a power of two

bool is_in_sample(const Sketch& sketch, unsigned halvings) {
  return halvings == 0 || sketch.draw >> (64 - halvings) == 0;
}

}  // namespace

std::size_t NearDuplicates::bucket(std::size_t band, std::uint64_t values) const {
  return base::join_keys(band, values) & (buckets_.size() - 1);
}

void NearDuplicates::link(std::uint32_t entry) {
  for (std::size_t band = 0; band < Sketch::kBands; ++band) {
    auto& first = buckets_[bucket(band, entries_[entry].sketch.bands[band])];
    const auto node = entry * Sketch::kBands + band;
    next_[node] = first;
    first = static_cast<std::uint32_t>(node);
  }
}

void NearDuplicates::relink(std::size_t buckets) {
  buckets_.assign(buckets, kNone);
  next_.resize(entries_.size() * Sketch::kBands);
  for (std::uint32_t entry = 0; entry < entries_.size(); ++entry) link(entry);
}

void NearDuplicates::halve() {
  ++halvings_;
  std::erase_if(entries_, [&](const Entry& e) { return !is_in_sample(e.sketch, halvings_); });
  relink(buckets_.size());
}

void NearDuplicates::look_into(std::size_t band, const Sketch& sketch, Match& match) const {
  std::size_t candidates = 0;
  auto node = buckets_[bucket(band, sketch.bands[band])];
  for (; node != kNone && candidates < kMaxCandidates; node = next_[node]) {
    const auto entry = static_cast<std::uint32_t>(node / Sketch::kBands);
    const auto& other = entries_[entry].sketch;
    if (node % Sketch::kBands != band || other.bands[band] != sketch.bands[band]) continue;
    ++candidates;
    match.alike = match.alike || equal_values(other, sketch) >= kAlike;
    if (other.bands != sketch.bands) continue;
    match.same = entry;
    return;
  }
}

NearDuplicates::Match NearDuplicates::find(const Sketch& sketch) const {
  Match match;
  if (buckets_.empty()) return match;
  for (std::size_t band = 0; band < Sketch::kBands && !match.alike; ++band)
    look_into(band, sketch, match);
  return match;
}

void NearDuplicates::add(const Sketch& sketch) {
  if (!is_in_sample(sketch, halvings_)) return;
  const auto match = find(sketch);
  if (match.same != kNone) {
    ++entries_[match.same].copies;
    return;
  }
  while (entries_.size() == max_dialogues_) halve();
  if (!is_in_sample(sketch, halvings_)) return;
  entries_.push_back({sketch, 0, match.alike});
  if (entries_.size() * Sketch::kBands > buckets_.size()) {
    relink(std::max(kFirstBuckets, buckets_.size() * 2));
  } else {
    next_.resize(entries_.size() * Sketch::kBands);
    link(static_cast<std::uint32_t>(entries_.size() - 1));
  }
}

NearDuplicates::Counts NearDuplicates::counts() const {
  Counts counts{.share = std::ldexp(1.0, -static_cast<int>(halvings_))};
  for (const auto& entry : entries_) {
    counts.dialogues += 1 + entry.copies;
    counts.alike += entry.copies + (entry.alike ? 1 : 0);
    counts.same += entry.copies;
  }
  return counts;
}

NearDuplicates::Counts NearDuplicates::counts_in(const NearDuplicates& others) const {
  const auto halvings = std::max(halvings_, others.halvings_);
  Counts counts{.share = std::ldexp(1.0, -static_cast<int>(halvings))};
  for (const auto& entry : entries_) {
    if (!is_in_sample(entry.sketch, halvings)) continue;
    const auto match = others.find(entry.sketch);
    const std::uint64_t dialogues = std::uint64_t{1} + entry.copies;
    counts.dialogues += dialogues;
    counts.alike += match.alike ? dialogues : 0;
    counts.same += match.same != kNone ? dialogues : 0;
  }
  return counts;
}

}  // namespace banter::data
