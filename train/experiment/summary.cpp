#include "train/experiment/summary.h"

#include <cmath>
#include <span>
#include <utility>

#include "train/experiment/notes.h"
#include "train/metrics/texts/used_vectors.h"

namespace banter::train {
namespace {

/// The vectors of all words of all runs' replies and references; nothing where no file is named.
std::optional<UsedVectors> read_vectors(const EvaluationOptions& evaluate,
                                        const std::vector<CellResult>& runs) {
  if (evaluate.vectors.empty()) return std::nullopt;
  std::vector<std::span<const Sample>> systems;
  systems.reserve(runs.size());
  for (const auto& run : runs) systems.emplace_back(run.samples);
  return UsedVectors(evaluate.vectors, systems, {}, tokenize_named(evaluate.tokenize));
}

RowValues row_values(const std::vector<MeasuredRun>& runs, const std::string& row, std::size_t c) {
  RowValues values;
  std::vector<double> numbers;
  for (const auto& run : runs) {
    if (run.result->cell->row != row) continue;
    values.runs.push_back(run.values[c]);
    if (std::isfinite(run.values[c].value)) numbers.push_back(run.values[c].value);
  }
  values.spread = spread_of(numbers);
  return values;
}

}  // namespace

std::optional<Interval> whiskers(const RowValues& values) {
  if (values.spread.interval) return values.spread.interval;
  for (const auto& run : values.runs)
    if (std::isfinite(run.value)) return run.test_set;
  return std::nullopt;
}

Summary summarise(const GridResults& results, const ExperimentOptions& options) {
  Summary summary;
  const auto vectors = read_vectors(options.evaluate, results.finished);
  MetricSettings settings{.tokenize = tokenize_named(options.evaluate.tokenize)};
  if (vectors) {
    settings.vectors = &vectors->vectors;
    summary.vectors = vectors->to_json();
  }
  auto metrics = place_metrics(options.evaluate.metrics);
  const auto runs = measure_runs(results.finished, metrics, settings);
  for (const auto& row : options.rows) {
    summary.rows.push_back(row.name);
    auto& values = summary.values.emplace_back();
    for (std::size_t c = 0; c < metrics.columns.size(); ++c)
      values.push_back(row_values(runs, row.name, c));
  }
  summary.notes = notes_on(results, options.evaluate, metrics.columns);
  auto tests = test_rows(runs, metrics, options);
  summary.notes.insert(summary.notes.end(), tests.notes.begin(), tests.notes.end());
  summary.differences = std::move(tests.differences);
  summary.columns = std::move(metrics.columns);
  return summary;
}

}  // namespace banter::train
