#include "train/metrics/texts/repetition.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "train/metrics/texts/windows.h"

namespace banter::train {
namespace {

double share(std::size_t part, std::size_t all) {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}

}  // namespace

double repeated_share(const Text& reply, unsigned n) {
  const WordWindows windows{std::span(reply.small)};
  std::size_t again = 0;
  windows.for_each(n, [&](Window, std::size_t count) { again += count - 1; });
  return share(again, windows.all(n));
}

double copied_share(const Text& reply, std::span<const Text> context, unsigned n) {
  const WordWindows windows{std::span(reply.small)};
  std::vector<WordWindows> turns;
  turns.reserve(context.size());
  for (const auto& turn : context) turns.emplace_back(std::span(turn.small));
  std::size_t copied = 0;
  windows.for_each(n, [&](Window ngram, std::size_t count) {
    const auto has_it = [&](const WordWindows& turn) { return turn.count(ngram, n) > 0; };
    if (std::ranges::any_of(turns, has_it)) copied += count;
  });
  return share(copied, windows.all(n));
}

}  // namespace banter::train
