#pragma once

#include <array>
#include <cstdint>

#include "base/random.h"
#include "models/decoding/options.h"

namespace banter::models {

/// Ways to choose a reply, of every kind; without texts, which need their wording.
inline DecodingOptions random_options(std::uint64_t key) {
  const auto one_of = [&](std::uint64_t what, auto... values) {
    const std::array all{values...};
    return all[base::join_keys(key, what) % all.size()];
  };
  DecodingOptions options;
  options.method = one_of(1, "greedy", "beam", "beam", "sample");
  options.beam_size = one_of(2, 2, 4, 6);
  options.beam_groups = one_of(3, 1, 1, 2);
  options.length_penalty = one_of(4, 0.0, 0.5, 1.0, 2.0);
  options.repetition_penalty = one_of(5, 1.0, 1.5);
  options.min_new_tokens = one_of(6, 0, 1, 5);
  options.max_new_tokens = one_of(7, 5, 8, 14);
  options.no_repeat_ngram_size = one_of(8, 0, 1, 2);
  options.replies = options.method == "greedy" ? 1 : one_of(9, 1, 1, 2);
  options.rerank = one_of(10, "none", "none", "mean_log_prob");
  options.seed = key;
  return options;
}

}  // namespace banter::models
