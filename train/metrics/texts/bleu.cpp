#include "train/metrics/texts/bleu.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "train/metrics/texts/windows.h"

namespace banter::train {
namespace {

std::size_t nearest_length(std::size_t length, std::span<const Text> references) {
  const auto distance = [&](std::size_t other) {
    return other > length ? other - length : length - other;
  };
  auto nearest = references.front().words.size();
  for (const auto& reference : references) {
    const auto other = reference.words.size();
    const auto now = distance(other), before = distance(nearest);
    if (now < before || (now == before && other < nearest)) nearest = other;
  }
  return nearest;
}

WordWindows windows_of(const Text& text) { return WordWindows(std::span(text.words)); }

double brevity_penalty(const BleuSums& sums) {
  if (sums.reply_words >= sums.reference_words) return 1;
  return sums.reply_words == 0 ? 0 : std::exp(1 - sums.reference_words / sums.reply_words);
}

}  // namespace

BleuSums BleuSums::from(std::span<const double> sums) {
  BleuSums bleu{.reply_words = sums[0], .reference_words = sums[1]};
  std::ranges::copy(sums.subspan(2, kOrders), bleu.matches.begin());
  std::ranges::copy(sums.subspan(2 + kOrders, kOrders), bleu.ngrams.begin());
  return bleu;
}

void BleuSums::add_to(std::span<double> sums) const {
  sums[0] += reply_words;
  sums[1] += reference_words;
  for (std::size_t n = 0; n < kOrders; ++n) {
    sums[2 + n] += matches[n];
    sums[2 + kOrders + n] += ngrams[n];
  }
}

BleuSums bleu_sums(const Text& reply, std::span<const Text> references) {
  BleuSums sums;
  sums.reply_words = static_cast<double>(reply.words.size());
  sums.reference_words = static_cast<double>(nearest_length(reply.words.size(), references));
  const auto windows = windows_of(reply);
  std::vector<WordWindows> others;
  others.reserve(references.size());
  for (const auto& reference : references) others.push_back(windows_of(reference));
  for (unsigned n = 1; n <= BleuSums::kOrders; ++n) {
    std::size_t matches = 0;
    windows.for_each(n, [&](Window ngram, std::size_t count) {
      std::size_t most = 0;
      for (const auto& other : others) most = std::max(most, other.count(ngram, n));
      matches += std::min(count, most);
    });
    sums.matches[n - 1] = static_cast<double>(matches);
    sums.ngrams[n - 1] = static_cast<double>(windows.all(n));
  }
  return sums;
}

double bleu(BleuSums sums, Smoothing smoothing, bool effective_order) {
  if (std::ranges::all_of(sums.matches, [](double m) { return m == 0; })) return 0;
  double logs = 0, guess = 1;
  std::size_t orders = 0;
  for (std::size_t n = 0; n < BleuSums::kOrders; ++n) {
    auto& matches = sums.matches[n];
    auto& ngrams = sums.ngrams[n];
    if (smoothing == Smoothing::kAddK && n > 0) {
      ++matches;
      ++ngrams;
    }
    if (ngrams == 0) break;
    if (matches == 0 && smoothing == Smoothing::kExp) matches = guess /= 2;
    if (matches == 0 && smoothing == Smoothing::kFloor) matches = 0.1;
    logs += std::log(matches / ngrams);  // minus infinity without a match, and so 0 in the end
    ++orders;
  }
  if (orders < BleuSums::kOrders && !effective_order) return 0;
  return 100 * brevity_penalty(sums) * std::exp(logs / static_cast<double>(orders));
}

}  // namespace banter::train
