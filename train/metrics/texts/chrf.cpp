#include "train/metrics/texts/chrf.h"

#include <algorithm>
#include <vector>

#include "train/metrics/texts/characters.h"
#include "train/metrics/texts/windows.h"

namespace banter::train {
namespace {

CharacterWindows windows_of(const Text& text) {
  auto characters = dense_characters(text.text);
  for (auto& c : characters) ++c;  // 0 is no symbol
  return CharacterWindows(std::span<const char32_t>(characters));
}

ChrfSums sums_of(const CharacterWindows& reply, const CharacterWindows& reference) {
  ChrfSums sums;
  for (unsigned n = 1; n <= ChrfSums::kOrders; ++n) {
    const auto wanted = reference.all(n);
    if (wanted == 0) break;
    std::size_t matches = 0;
    reply.for_each(n, [&](Window ngram, std::size_t count) {
      matches += std::min(count, reference.count(ngram, n));
    });
    sums.reply[n - 1] = static_cast<double>(reply.all(n));
    sums.reference[n - 1] = static_cast<double>(wanted);
    sums.matches[n - 1] = static_cast<double>(matches);
  }
  return sums;
}

}  // namespace

ChrfSums ChrfSums::from(std::span<const double> sums) {
  ChrfSums chrf;
  std::ranges::copy(sums.subspan(0, kOrders), chrf.reply.begin());
  std::ranges::copy(sums.subspan(kOrders, kOrders), chrf.reference.begin());
  std::ranges::copy(sums.subspan(2 * kOrders, kOrders), chrf.matches.begin());
  return chrf;
}

void ChrfSums::add_to(std::span<double> sums) const {
  for (std::size_t n = 0; n < kOrders; ++n) {
    sums[n] += reply[n];
    sums[kOrders + n] += reference[n];
    sums[2 * kOrders + n] += matches[n];
  }
}

ChrfSums chrf_sums(const Text& reply, std::span<const Text> references) {
  const auto windows = windows_of(reply);
  ChrfSums best;
  double most = -1;
  for (const auto& reference : references) {
    const auto sums = sums_of(windows, windows_of(reference));
    if (const double score = chrf(sums); score > most) {
      most = score;
      best = sums;
    }
  }
  return best;
}

double chrf(const ChrfSums& sums) {
  constexpr double kRecallWeight = 4;  // beta squared
  double precision = 0, recall = 0, orders = 0;
  for (std::size_t n = 0; n < ChrfSums::kOrders; ++n) {
    if (sums.reply[n] == 0 || sums.reference[n] == 0) continue;
    precision += sums.matches[n] / sums.reply[n];
    recall += sums.matches[n] / sums.reference[n];
    ++orders;
  }
  if (precision == 0) return 0;  // then no match, and so no recall either
  precision /= orders;
  recall /= orders;
  return 100 * (1 + kRecallWeight) * precision * recall / (kRecallWeight * precision + recall);
}

}  // namespace banter::train
