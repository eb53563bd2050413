#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "tests/decoding/markov.h"

namespace banter::models {

constexpr double kFloatTolerance = 1e-5;
constexpr data::TokenId kEos = 1;
using Ids = std::vector<data::TokenId>;

/// Greedy takes 2 (0.6) and is then left with 0.4 * 0.5; the best reply is 3, end: 0.4 * 0.9.
inline const Markov kTrap = {{{0, 0, 0.6, 0.4},  // bos
                              {1, 0, 0, 0},      // eos, never read
                              {0, 0.4, 0.3, 0.3},
                              {0, 0.9, 0.05, 0.05}}};

/// Random transitions between `words` words.
inline Markov random_language(std::size_t words, std::uint64_t key) {
  Markov language;
  for (std::size_t row = 0; row < words + 2; ++row) {
    std::vector<double> probs(words + 2, 0);
    double sum = 0;
    for (std::size_t to = 1; to < words + 2; ++to)
      sum += probs[to] = std::exp(3 * base::to_unit(base::join_keys(key, 100 * row + to)));
    for (auto& p : probs) p /= sum;
    language.probs.push_back(probs);
  }
  return language;
}

inline Ids with_end(const Reply& reply) {
  auto ids = reply.ids;
  if (reply.finish == "eos") ids.push_back(kEos);
  return ids;
}

}  // namespace banter::models
