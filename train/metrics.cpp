#include "train/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/random.h"

namespace banter::train {
namespace {

double ratio(double sum, double count) {
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / count;
}

std::vector<std::string> lower_case_words(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  std::vector<std::string> words;
  for (auto begin = text.find_first_not_of(kSpace); begin != std::string_view::npos;) {
    const auto end = std::min(text.find_first_of(kSpace, begin), text.size());
    std::string& word = words.emplace_back(text.substr(begin, end - begin));
    for (char& c : word)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    begin = text.find_first_not_of(kSpace, end);
  }
  return words;
}

}  // namespace

Likelihood& Likelihood::operator+=(const Likelihood& other) {
  nll += other.nll;
  labels += other.labels;
  correct += other.correct;
  words += other.words;
  bytes += other.bytes;
  replies += other.replies;
  return *this;
}

double Likelihood::ppl() const { return std::exp(ratio(nll, labels)); }
double Likelihood::nll_word() const { return ratio(nll, words); }
double Likelihood::ppl_word() const { return std::exp(nll_word()); }
double Likelihood::bpb() const { return ratio(nll, std::numbers::ln2 * bytes); }
double Likelihood::token_accuracy() const { return ratio(correct, labels); }

Likelihood total(std::span<const Likelihood> groups) {
  Likelihood sum;
  for (const auto& group : groups) sum += group;
  return sum;
}

std::vector<Likelihood> resample(std::span<const Likelihood> groups, std::size_t resamples,
                                 std::uint64_t seed) {
  std::vector<Likelihood> sums(resamples);
  const auto size = static_cast<double>(groups.size());
  for (std::size_t r = 0; r < resamples; ++r) {
    const auto key = base::join_keys(seed, r);
    for (std::size_t i = 0; i < groups.size(); ++i)
      sums[r] += groups[static_cast<std::size_t>(base::to_unit(key + i) * size)];
  }
  return sums;
}

Interval percentile_interval(std::vector<double> values) {
  if (std::ranges::any_of(values, [](double v) { return std::isnan(v); })) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    return {.low = nan, .high = nan};
  }
  std::ranges::sort(values);
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const auto above = std::min(below + 1, values.size() - 1);
    return std::lerp(values[below], values[above], place - std::floor(place));
  };
  return {.low = at(0.025), .high = at(0.975)};
}

void Distinct::add(std::string_view reply) {
  const auto words = lower_case_words(reply);
  for (std::size_t first = 0; first + n_ <= words.size(); ++first) {
    std::string ngram;
    for (std::size_t i = first; i < first + n_; ++i) (ngram += words[i]) += ' ';
    seen_.insert(std::move(ngram));
    ++all_;
  }
}

double Distinct::value() const {
  return all_ == 0 ? 0.0 : static_cast<double>(seen_.size()) / static_cast<double>(all_);
}

std::optional<Interval> distinct_interval(std::span<const std::string> replies,
                                          std::span<const std::uint64_t> groups, std::size_t n) {
  constexpr std::size_t kBlocks = 20;
  constexpr double kStudentT = 2.0930240544;  // 0.975 point, 19 degrees of freedom
  std::vector<Distinct> without(kBlocks, Distinct(n));
  Distinct whole(n);
  std::array<bool, kBlocks> filled{};
  for (std::size_t i = 0; i < replies.size(); ++i) {
    const auto block = static_cast<std::size_t>(groups[i] % kBlocks);
    filled[block] = true;
    whole.add(replies[i]);
    for (std::size_t b = 0; b < kBlocks; ++b)
      if (b != block) without[b].add(replies[i]);
  }
  if (std::ranges::find(filled, false) != filled.end()) return std::nullopt;

  double mean = 0;
  for (const auto& part : without) mean += part.value() / kBlocks;
  double square = 0;
  for (const auto& part : without) square += (part.value() - mean) * (part.value() - mean);
  const double half = kStudentT * std::sqrt(square * (kBlocks - 1) / kBlocks);
  return Interval{.low = whole.value() - half, .high = whole.value() + half};
}

}  // namespace banter::train
