#include "train/metrics/likelihoods/likelihood.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "train/metrics/statistics/interval.h"

namespace banter::train {
namespace {

double ratio(double sum, double count) {
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / count;
}

}  // namespace

Likelihood& Likelihood::operator+=(const Likelihood& other) {
  nll += other.nll;
  labels += other.labels;
  correct += other.correct;
  words += other.words;
  bytes += other.bytes;
  replies += other.replies;
  bound += other.bound;
  return *this;
}

double Likelihood::ppl() const { return std::exp(ratio(nll, labels)); }
double Likelihood::nll_word() const { return ratio(nll, words); }
double Likelihood::ppl_word() const { return std::exp(nll_word()); }
double Likelihood::bpb() const { return ratio(nll, std::numbers::ln2 * bytes); }
double Likelihood::token_accuracy() const { return ratio(correct, labels); }
double Likelihood::ppl_bound() const { return std::exp(ratio(bound, bound == 0 ? 0 : labels)); }

Likelihood total(std::span<const Likelihood> groups) {
  Likelihood sum;
  for (const auto& group : groups) sum += group;
  return sum;
}

std::vector<Likelihood> resample(std::span<const Likelihood> groups, std::size_t resamples,
                                 std::uint64_t seed) {
  std::vector<Likelihood> sums(resamples);
  for (std::size_t r = 0; r < resamples; ++r)
    for_each_drawn(groups.size(), seed, r, [&](std::size_t group) { sums[r] += groups[group]; });
  return sums;
}

}  // namespace banter::train
