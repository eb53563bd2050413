#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "train/experiment/options.h"
#include "train/experiment/results.h"
#include "train/metrics/likelihoods/hits.h"

namespace banter::train {

/// Results as finished cells leave them: two rows, `seeds` runs each, of `dialogues` replies.
class FinishedRuns : public testing::Test {
 protected:
  void SetUp() override {
    options_.folder = "grid";
    options_.rows = {{.name = "base", .changes = {}}, {.name = "other", .changes = {}}};
    options_.baseline = "base";
    options_.trials = 500;
    options_.evaluate.metrics = {"nll_word", "f1"};
    for (std::int64_t seed = 1; seed <= 3; ++seed)
      for (const auto* row : {"base", "other"})
        cells_.push_back(
            {.row = row, .seed = seed, .name = std::string(row) + "/seed-" + std::to_string(seed)});
  }

  /// A run whose replies cost `nats` each, over two words, with a small wave over dialogues.
  [[nodiscard]] CellResult result(std::size_t cell, double nats, const std::string& reply) const {
    CellResult run;
    run.cell = &cells_.at(cell);
    run.version = "1";
    run.facts = {
        .device = "cpu", .threads = 1, .parameters = 5, .steps = 10, .labels = 100, .why = "steps"};
    for (std::uint64_t d = 0; d < 30; ++d) {
      const double wave = 0.01 * static_cast<double>(d % 3);
      run.likelihoods.push_back({.dialogue = d,
                                 .turn = 1,
                                 .group = d,
                                 .sums = {.nll = nats + wave,
                                          .labels = 3,
                                          .correct = 1,
                                          .words = 2,
                                          .bytes = 9,
                                          .replies = 1}});
      run.samples.push_back(
          {.reply = reply, .references = {"yes"}, .context = {"well ?"}, .group = d});
    }
    return run;
  }

  std::vector<Cell> cells_;
  ExperimentOptions options_;
};

/// Two rows at two fractions, one seed.
class RunsOnAnAxis : public FinishedRuns {
 protected:
  void SetUp() override {
    FinishedRuns::SetUp();
    options_.rows.clear();
    cells_.clear();
    for (const auto* name : {"full", "none"})
      for (const double fraction : {1.0, 0.125}) {
        const auto place = fraction == 1 ? "fraction-1" : "fraction-0.125";
        const auto row = std::string(name) + "-" + place;
        options_.rows.push_back(
            {.name = row,
             .changes = {},
             .at = {{.axis = "", .name = name, .number = std::nullopt},
                    {.axis = "train.fraction", .name = place, .number = fraction}}});
        cells_.push_back({.row = row, .seed = 1, .name = row + "/seed-1"});
      }
    options_.baseline = "full";
    options_.evaluate.metrics = {"nll_word"};
    const double nats[] = {4, 8, 6, 14};
    for (std::size_t i = 0; i < 4; ++i) results_.finished.push_back(result(i, nats[i], "no"));
  }
  GridResults results_;
};

/// A run of which `banter evaluate` said the hits, dialogue by dialogue those that are true in
/// `hit`.
inline CellResult with_hits(CellResult run, bool (*hit)(std::uint64_t dialogue)) {
  std::vector<Rank> ranks;
  ranks.reserve(30);
  for (std::uint64_t d = 0; d < 30; ++d)
    ranks.push_back({.group = d, .rank = hit(d) ? 1U : 2U, .candidates = 4});
  const std::vector ks = {1U};
  run.measured = {
      {"ranking", Ranking(ranks, ks, "rank_score:mean|checkpoint:abc|data:d").to_json()}};
  run.sums.add_hits(ranks, ks);
  return run;
}

/// A run that was asked about 20 entailed and 20 contradicted pairs: nats of either kind.
inline CellResult with_pairs(CellResult run, double entailed, double contradicted) {
  run.pairs.readings = {"ppl", "ppl_d1"};
  for (std::uint64_t p = 0; p < 40; ++p) {
    const bool is_entailed = p % 2 == 0;
    run.pairs.pairs.push_back(
        {.pair = p,
         .group = p / 2,
         .label = is_entailed ? data::Label::kEntailment : data::Label::kContradiction,
         .labels = 2,
         .nll = {{.own = is_entailed ? entailed : contradicted, .shuffled = 4},
                 {.own = 1, .shuffled = 1}}});
  }
  run.measured["pairs"] = {{"signature", "checkpoint:abc|split:valid"}, {"data", "d"}};
  return run;
}

}  // namespace banter::train
