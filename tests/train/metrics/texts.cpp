#include "tests/train/metrics/texts.h"

#include <cmath>

#include "base/random.h"

namespace banter::tests {
namespace {

/// A word; the smaller its number, the more frequent.
std::string word_of(std::uint64_t key) {
  return "w" + std::to_string(static_cast<int>(2000 * std::pow(base::to_unit(key), 3)));
}

std::string made_text(std::uint64_t key) {
  std::string text;
  const auto words = 1 + base::mix64(key) % 24;
  for (std::uint64_t i = 0; i < words; ++i) text += word_of(base::join_keys(key, i)) + " ";
  return text + ".";
}

}  // namespace

std::vector<train::Sample> made_samples(std::size_t count, std::uint64_t seed,
                                        std::size_t group_size) {
  std::vector<train::Sample> samples;
  for (std::size_t i = 0; i < count; ++i) {
    const auto reference = made_text(i);
    const auto reply = base::mix64(i ^ seed << 32U) % 3 == 0
                           ? reference
                           : made_text(base::join_keys(seed, i)) + " " + reference.substr(0, 9);
    samples.push_back({.reply = reply,
                       .references = {reference},
                       .context = {made_text(i + 1'000'000), made_text(i + 2'000'000)},
                       .group = i / group_size});
  }
  return samples;
}

}  // namespace banter::tests
