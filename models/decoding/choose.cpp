#include "models/decoding/choose.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/errors.h"
#include "models/kernels/kernels.h"

namespace banter::models {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();
constexpr std::size_t kBlock = 256;  // looked at whole: most hold nothing that is wanted

/// NaN is passed over; minus infinity when there is nothing else.
float max_of(std::span<const float> values) {
  return kernels<float>().highest(std::ssize(values), values.data());
}

/// ln sum e^logit, not finite when a logit is not; all minus infinity is not allowed.
double log_sum_of(std::span<const float> logits) {
  // The highest one as the label: its own nll is small, so that rounding it to float costs nothing.
  const auto highest = std::ranges::find(logits, max_of(logits));
  if (highest == logits.end()) return std::numeric_limits<double>::quiet_NaN();
  const std::int64_t labels[] = {highest - logits.begin()};
  float nll = 0;
  bool correct = false;
  // Without bias and gradient the kernel only reads.
  kernels<float>().softmax_nll(0, 1, static_cast<std::int64_t>(logits.size()),
                               const_cast<float*>(logits.data()), /*bias=*/nullptr, labels,
                               /*gradient=*/false, &nll, &correct);
  return static_cast<double>(nll) + *highest;
}

constexpr auto kIsBetter = [](const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
};

double weight_of(float logit, float highest_logit) {
  return std::exp(static_cast<double>(logit) - highest_logit);
}

constexpr std::size_t kFirstKept = 64;  // as many as most draws need

/// The most probable candidates of a draw, grown as far as they are asked for.
class Kept {
 public:
  /// `most`: how many there can be.
  Kept(std::span<const float> logits, float highest_logit, std::size_t most)
      : logits_(logits), highest_(highest_logit), most_(most) {
    grow();
  }

  /// The first candidate with which `is_enough(sum of weights so far)`, or the last there is.
  template <typename IsEnough>
  std::size_t first_with(IsEnough&& is_enough) {
    for (std::size_t i = 0;; ++i) {
      if (i == candidates.size() && !grow()) return i - 1;
      if (is_enough(sums[i])) return i;
    }
  }

  std::vector<Candidate> candidates;
  std::vector<double> sums;  ///< of weights up to and with each; a weight is e^(logit - highest)

 private:
  bool grow() {
    constexpr std::size_t kFactor = 8;
    const auto had = candidates.size();
    if (had >= most_) return false;
    const auto wanted = std::min(most_, had == 0 ? kFirstKept : had * kFactor);
    candidates = highest(logits_, wanted);
    for (auto i = had; i < candidates.size(); ++i)
      sums.push_back((i == 0 ? 0.0 : sums[i - 1]) + weight_of(candidates[i].logit, highest_));
    if (candidates.size() < wanted) most_ = candidates.size();
    return candidates.size() > had;
  }

  std::span<const float> logits_;
  float highest_;
  std::size_t most_;
};

/// A draw where nothing is cut: behind the first few candidates the others follow by id.
data::TokenId draw_from_all(std::span<const float> logits, const Kept& first, float highest_logit,
                            double at) {
  for (std::size_t i = 0; i < first.candidates.size(); ++i)
    if (first.sums[i] > at) return first.candidates[i].id;
  const auto& last = first.candidates.back();
  auto chosen = last.id;
  double sum = first.sums.back();
  for (std::size_t i = 0; i < logits.size() && sum <= at; ++i) {
    const Candidate candidate{static_cast<data::TokenId>(i), logits[i]};
    if (candidate.logit == kLowest || !kIsBetter(last, candidate)) continue;
    sum += weight_of(candidate.logit, highest_logit);
    chosen = candidate.id;
  }
  return chosen;
}

/// All candidates above minus infinity, by id.
std::vector<Candidate> all_of(std::span<const float> logits) {
  std::vector<Candidate> all;
  all.reserve(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i)
    if (logits[i] != kLowest) all.push_back({static_cast<data::TokenId>(i), logits[i]});
  return all;
}

/// A candidate and how far its surprise lies from the expected one, in nats.
struct Typical {
  double distance = 0, weight = 0;
  Candidate candidate;
};

/// Moves the nearest ones to the front, as few as have `wanted` of the weight; says how many. What
/// is known to be in or out is not looked at again, so this takes time in proportion to all.
std::size_t select_nearest(std::vector<Typical>& all, double wanted) {
  const auto is_nearer = [](const Typical& a, const Typical& b) {
    return a.distance < b.distance ||
           (a.distance == b.distance && kIsBetter(a.candidate, b.candidate));
  };
  auto begin = all.begin(), end = all.end();
  while (end - begin > 1) {
    const auto middle = begin + (end - begin) / 2;
    std::nth_element(begin, middle, end, is_nearer);
    const auto left = std::accumulate(
        begin, middle, wanted, [](double rest, const Typical& one) { return rest - one.weight; });
    if (left <= 0) {
      end = middle;
    } else {
      wanted = left;
      begin = middle;
    }
  }
  return static_cast<std::size_t>(end - all.begin());
}

/// Draws from the smallest part of `candidates` with a share of `typical_p` that lies nearest to
/// their entropy.
data::TokenId draw_typical(const std::vector<Candidate>& candidates, float highest_logit,
                           double typical_p, double unit) {
  std::vector<Typical> kept;
  kept.reserve(candidates.size());
  double total = 0, weighted_sum = 0;
  for (const auto& candidate : candidates) {
    const double weight = weight_of(candidate.logit, highest_logit);
    kept.push_back({.weight = weight, .candidate = candidate});
    total += weight;
    weighted_sum += weight * candidate.logit;
  }
  // surprise - entropy = (ln Z - logit) - (ln Z - mean logit)
  const double mean_logit = weighted_sum / total;
  for (auto& one : kept) one.distance = std::abs(mean_logit - one.candidate.logit);

  constexpr double kRounding = 1e-9;  // of the sums
  kept.resize(select_nearest(kept, typical_p * total * (1 - kRounding)));
  double at = 0;
  for (const auto& one : kept) at += unit * one.weight;
  const auto is_worse = [](const Typical& a, const Typical& b) {
    return kIsBetter(b.candidate, a.candidate);
  };
  std::ranges::make_heap(kept, is_worse);  // the most probable one is its front
  while (kept.size() > 1 && kept.front().weight <= at) {
    at -= kept.front().weight;
    std::ranges::pop_heap(kept, is_worse);
    kept.pop_back();
  }
  return kept.front().candidate.id;
}

/// `highest` for a large part of the row, where a heap would be slower than sorting.
std::vector<Candidate> highest_by_sorting(std::span<const float> logits, std::size_t n) {
  auto all = all_of(logits);
  n = std::min(n, all.size());
  std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(n), kIsBetter);
  all.resize(n);
  return all;
}

}  // namespace

LogNorm norm_of(std::span<const float> logits) {
  const bool has_some = std::ranges::any_of(logits, [](float logit) { return logit != kLowest; });
  const double log_sum = has_some ? log_sum_of(logits) : std::nan("");
  if (!std::isfinite(log_sum)) throw base::Error("the model's logits are not finite numbers");
  return {log_sum};
}

data::TokenId first_max(std::span<const float> logits) {
  float best = kLowest;
  std::size_t best_begin = 0;
  for (std::size_t begin = 0; begin < logits.size(); begin += kBlock) {
    const float value = max_of(logits.subspan(begin, std::min(kBlock, logits.size() - begin)));
    if (value > best) {
      best = value;
      best_begin = begin;
    }
  }
  if (best == kLowest) return -1;
  return std::ranges::find(logits.subspan(best_begin), best) - logits.begin();
}

std::vector<Candidate> highest(std::span<const float> logits, std::size_t n) {
  if (n > logits.size() / 8) return highest_by_sorting(logits, n);
  std::vector<Candidate> heap;  // the worst kept one is its front
  if (n == 0) return heap;
  heap.reserve(n);
  for (std::size_t begin = 0; begin < logits.size(); begin += kBlock) {
    const auto block = logits.subspan(begin, std::min(kBlock, logits.size() - begin));
    if (heap.size() == n && max_of(block) <= heap.front().logit) continue;
    for (std::size_t i = 0; i < block.size(); ++i) {
      const Candidate candidate{static_cast<data::TokenId>(begin + i), block[i]};
      if (candidate.logit == kLowest) continue;
      if (heap.size() < n) {
        heap.push_back(candidate);
        std::ranges::push_heap(heap, kIsBetter);
      } else if (candidate.logit > heap.front().logit) {  // equal ones came with a lower id
        std::ranges::pop_heap(heap, kIsBetter);
        heap.back() = candidate;
        std::ranges::push_heap(heap, kIsBetter);
      }
    }
  }
  std::ranges::sort(heap, kIsBetter);
  return heap;
}

data::TokenId draw(std::span<const float> logits, const Cut& cut, double unit) {
  std::vector<float> scaled;
  if (cut.temperature != 1.0) {
    scaled.resize(logits.size());
    const float highest_logit = max_of(logits);  // taken off first: a tiny temperature overflows
    const auto scale = static_cast<float>(std::min(1.0 / cut.temperature, 1e30));
    std::ranges::transform(logits, scaled.begin(), [&](float logit) {
      return logit == kLowest ? kLowest : (logit - highest_logit) * scale;
    });
    logits = scaled;
  }
  const float highest_logit = max_of(logits);
  if (highest_logit == kLowest) return -1;

  const bool is_top_k = cut.top_k > 0 && static_cast<std::size_t>(cut.top_k) < logits.size();
  if (!is_top_k && cut.top_p == 1.0 && cut.typical_p < 1.0)
    return draw_typical(all_of(logits), highest_logit, cut.typical_p, unit);
  Kept kept(logits, highest_logit, is_top_k ? static_cast<std::size_t>(cut.top_k) : logits.size());
  double total = 0;
  std::size_t last = 0;  // of those kept
  if (is_top_k) {
    last = kept.first_with([](double) { return false; });
    total = kept.sums[last];
  } else {
    total = std::exp(log_sum_of(logits) - highest_logit);
    if (cut.top_p == 1.0) return draw_from_all(logits, kept, highest_logit, unit * total);
  }
  if (cut.top_p < 1.0) {
    constexpr double kRounding = 1e-6;  // of `total`, which the kernel sums in float
    const double wanted = cut.top_p * total * (1 - kRounding);
    last = kept.first_with([&](double sum) { return sum >= wanted; });
    total = kept.sums[last];
  }
  if (cut.typical_p < 1.0) {
    kept.candidates.resize(last + 1);
    return draw_typical(kept.candidates, highest_logit, cut.typical_p, unit);
  }
  const double at = unit * total;
  return kept.candidates[kept.first_with([&](double sum) { return sum > at; })].id;
}

}  // namespace banter::models
