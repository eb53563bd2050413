#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include "models/decoding/search.h"

namespace banter::models {

/// A language of a few words whose next word depends on the last one alone: small enough to know
/// every answer by hand. Ids: 0 bos, 1 eos, then the words; the other special ids lie outside.
struct Markov {
  static data::SpecialIds special() {
    data::SpecialIds ids;
    ids.bos = 0;
    ids.eos = 1;
    ids.pad = ids.unk = ids.turn_end = ids.persona = ids.unknown_speaker = 0;
    ids.first_speaker = 1'000;
    return ids;
  }

  /// Row = last id, column = next id. Rows are normalised by `logits`.
  std::vector<std::vector<double>> probs;
  double shift = 0;  ///< of all logits: a model's may be positive

  [[nodiscard]] std::vector<float> logits(data::TokenId last) const {
    std::vector<float> row;
    for (const double p : probs[static_cast<std::size_t>(last)])
      row.push_back(static_cast<float>(std::log(p) + shift));
    return row;
  }
};

/// Runs a search alone on a language; `watch` sees it after every step.
inline std::vector<Reply> run_search(
    const Markov& language, const DecodingOptions& options, const SearchInput& input = {},
    const std::function<void(const Search&)>& watch = [](const Search&) {}) {
  const auto search = make_search(options, Markov::special(), input);
  std::vector<data::TokenId> last(static_cast<std::size_t>(search->first_rows()), 0);
  while (!last.empty()) {
    std::vector<std::vector<float>> logits;
    for (const auto id : last) logits.push_back(language.logits(id));
    std::vector<ScoredRow> rows;
    for (auto& row : logits) rows.push_back({.logits = row, .attention = nullptr});
    std::vector<data::TokenId> next;
    for (const auto& [parent, id] : search->advance(rows)) next.push_back(id);
    last = std::move(next);
    watch(*search);
  }
  return search->take();
}

}  // namespace banter::models
