#include "train/experiment/row_tests.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "train/experiment/grid.h"
#include "train/metrics/statistics/comparison.h"
#include "train/metrics/statistics/holm.h"

namespace banter::train {
namespace {

/// Runs of a row and of the baseline with the same seeds, in pairs.
struct Pairs {
  std::vector<std::int64_t> seeds;
  std::vector<const MeasuredRun*> row, baseline;
  bool is_about_other_replies = false;  ///< some pair is, and was left out
};

bool are_same_replies(const MeasuredRun& a, const MeasuredRun& b,
                      const std::vector<std::string>& answers) {
  return are_same_replies(a.result->likelihoods, b.result->likelihoods) && a.data == b.data &&
         a.pair_data == b.pair_data && are_same_pairs(a.result->pairs, b.result->pairs) &&
         std::ranges::all_of(answers, [&](const std::string& metric) {
           return a.result->sums.is_comparable(b.result->sums, metric);
         });
}

Pairs pairs_of(const std::vector<MeasuredRun>& runs, const std::string& row,
               const std::string& baseline, const std::vector<std::string>& answers) {
  Pairs pairs;
  for (const auto& run : runs)
    for (const auto& other : runs) {
      if (run.result->cell->row != row || other.result->cell->row != baseline ||
          run.result->cell->seed != other.result->cell->seed)
        continue;
      if (!are_same_replies(run, other, answers)) {
        pairs.is_about_other_replies = true;
        continue;
      }
      pairs.seeds.push_back(run.result->cell->seed);
      pairs.row.push_back(&run);
      pairs.baseline.push_back(&other);
    }
  return pairs;
}

/// Tests of the metrics of a measurement; none where one of the runs has no such.
template <typename Of>
std::vector<Difference> tested(const Pairs& pairs, const Of& of, std::size_t trials) {
  std::vector<Measurement> first, second;
  for (const auto* run : pairs.row) first.push_back(std::invoke(of, *run));
  for (const auto* run : pairs.baseline) second.push_back(std::invoke(of, *run));
  const auto is_empty = [](const Measurement& one) {
    return one.metrics.empty() || one.groups == 0;
  };
  if (std::ranges::any_of(first, is_empty) || std::ranges::any_of(second, is_empty)) return {};
  return compare_runs(first, second, trials);
}

void add_differences(const std::string& row, const std::string& baseline, const Pairs& pairs,
                     const PlacedMetrics& metrics, std::size_t trials,
                     std::vector<RowDifference>& differences) {
  const auto likelihoods = tested(pairs, &MeasuredRun::likelihoods, trials);
  const auto texts = tested(pairs, &MeasuredRun::texts, trials);
  const auto answers = tested(pairs, &MeasuredRun::answers, trials);
  std::vector<std::vector<Difference>> by_reading;
  by_reading.reserve(metrics.pairs.size());
  for (std::size_t r = 0; r < metrics.pairs.size(); ++r)
    by_reading.push_back(tested(
        pairs, [r](const MeasuredRun& run) { return run.pairs[r]; }, trials));
  for (std::size_t c = 0; c < metrics.places.size(); ++c) {
    const auto [source, index, reading] = metrics.places[c];
    const auto& tests = source == Source::kTexts    ? texts
                        : source == Source::kAnswer ? answers
                        : source == Source::kPairs  ? by_reading[reading]
                                                    : likelihoods;
    if (tests.empty()) continue;
    std::vector<double> by_seed;
    by_seed.reserve(pairs.row.size());
    for (std::size_t i = 0; i < pairs.row.size(); ++i)
      by_seed.push_back(pairs.row[i]->values[c].value - pairs.baseline[i]->values[c].value);
    if (!std::ranges::all_of(by_seed, [](double d) { return std::isfinite(d); })) continue;
    differences.push_back({.row = row,
                           .baseline = baseline,
                           .column = c,
                           .seeds = pairs.seeds,
                           .spread = spread_of(by_seed),
                           .p = tests[index].p,
                           .p_holm = 1});
  }
}

}  // namespace

RowTests test_rows(const std::vector<MeasuredRun>& runs, const PlacedMetrics& metrics,
                   const ExperimentOptions& options) {
  RowTests tests;
  if (options.baseline.empty()) return tests;
  for (const auto& row : options.rows) {
    const auto baseline = baseline_of(row, options.rows, options.baseline);
    if (!baseline) continue;
    const auto pairs = pairs_of(runs, row.name, *baseline, metrics.answers);
    if (pairs.is_about_other_replies)
      tests.notes.push_back(row.name + " was measured on other replies or pairs than " + *baseline +
                            ", so that they are not compared.");
    if (pairs.seeds.empty()) continue;
    add_differences(row.name, *baseline, pairs, metrics, static_cast<std::size_t>(options.trials),
                    tests.differences);
  }
  std::vector<double> p;
  p.reserve(tests.differences.size());
  for (const auto& difference : tests.differences) p.push_back(difference.p);
  const auto adjusted = holm(p);
  for (std::size_t i = 0; i < p.size(); ++i) tests.differences[i].p_holm = adjusted[i];
  return tests;
}

}  // namespace banter::train
