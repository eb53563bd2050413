#include "train/experiment/comparison_report.h"

#include <algorithm>
#include <cmath>

#include "train/experiment/axis_curves.h"
#include "train/experiment/chart.h"
#include "train/experiment/grid.h"
#include "train/experiment/references.h"
#include "train/experiment/report_parts.h"
#include "train/experiment/report_signatures.h"
#include "train/metrics/texts/measure.h"
#include "train/metrics/texts/scores.h"

namespace banter::train {
namespace {

namespace json = base::json;

std::vector<std::string> head_of(const Summary& summary, std::string first) {
  std::vector<std::string> head = {std::move(first)};
  for (const auto& column : summary.columns) head.push_back(column.name);
  return head;
}

/// Rows that no run has: n-grams on the same tokens, and people; beside classifiers what
/// understands nothing.
struct ReferenceRow {
  const char* key;
  const char* name;
};
constexpr ReferenceRow kReferences[] = {{"bigram", "Kneser-Ney bigram"},
                                        {"unigram", "unigram"},
                                        {"reference", "the references"},
                                        {"bag_of_words", "bag of words"},
                                        {"hypothesis_words", "bag of words of the hypothesis"},
                                        {"majority", "most frequent label"}};

void add_references(const GridResults& results, const Summary& summary, DocumentTable& table) {
  for (const auto& reference : kReferences) {
    std::vector<std::string> cells = {reference.name, "-"};
    bool has_any = false;
    for (const auto& column : summary.columns) {
      const auto value = reference_value(results, reference.key, column);
      cells.push_back(value ? fixed(*value, column.digits) : "-");
      has_any = has_any || value.has_value();
    }
    if (has_any) table.rows.push_back(std::move(cells));
  }
}

void add_means(Document& document, const GridResults& results, const Summary& summary) {
  document.heading(2, "Means over seeds");
  DocumentTable table{.head = head_of(summary, "row"), .rows = {}};
  table.head.insert(table.head.begin() + 1, "runs");
  for (std::size_t r = 0; r < summary.rows.size(); ++r) {
    std::vector<std::string> cells = {summary.rows[r]};
    cells.push_back(std::to_string(summary.values[r].front().runs.size()));
    for (std::size_t c = 0; c < summary.columns.size(); ++c)
      cells.push_back(spread_text(summary.values[r][c].spread, summary.columns[c].digits));
    table.rows.push_back(std::move(cells));
  }
  add_references(results, summary, table);
  document.blocks.emplace_back(std::move(table));
  document.paragraph(
      "Mean ± half of its 95 % interval over seeds (Student's t): how far other "
      "seeds would move it on the same dialogues. n-grams, which learned "
      "from all of the split that training is on, and references are measured on the same "
      "replies.");
}

/// Each row's differences beside each other: "-15.43 (0.02)".
DocumentTable overview_of(const Summary& summary) {
  DocumentTable table{.head = head_of(summary, "row"), .rows = {}};
  for (const auto& difference : summary.differences) {
    if (table.rows.empty() || table.rows.back().front() != difference.row) {
      table.rows.emplace_back(table.head.size(), "-");
      table.rows.back().front() = difference.row;
    }
    table.rows.back()[difference.column + 1] =
        fixed(difference.spread.mean, summary.columns[difference.column].digits) + " (" +
        p_text(difference.p_holm) + ")";
  }
  return table;
}

void add_differences(Document& document, const Summary& summary, const ExperimentOptions& options) {
  if (summary.differences.empty()) return;
  document.heading(2, "Against " + options.baseline);
  document.blocks.emplace_back(overview_of(summary));
  const bool is_one_row = std::ranges::find(summary.rows, options.baseline) != summary.rows.end();
  document.paragraph(
      (is_one_row ? std::string("Row minus baseline")
                  : "Row minus the row that differs from it by " + options.baseline + " alone") +
      ", mean over pairs of runs with the same seed, and in brackets p: "
      "approximate randomisation, " +
      std::to_string(options.trials) +
      " trials, the replies of each dialogue swapped between the two rows in all pairs together, "
      "corrected for all differences of this table (Holm). It says whether a difference would hold "
      "on other dialogues; whether it would with other seeds says its interval over seeds, below.");
  DocumentTable table{.head = {"row", "against", "metric", "difference", "95 % over seeds", "pairs",
                               "p", "p (Holm)"},
                      .rows = {}};
  for (const auto& difference : summary.differences) {
    const auto& column = summary.columns[difference.column];
    table.rows.push_back({difference.row, difference.baseline, column.name,
                          fixed(difference.spread.mean, column.digits),
                          bounds(difference.spread.interval, column.digits),
                          std::to_string(difference.seeds.size()), p_text(difference.p),
                          p_text(difference.p_holm)});
  }
  document.blocks.emplace_back(std::move(table));
}

void add_single_runs(Document& document, const Summary& summary) {
  document.heading(2, "Single runs");
  DocumentTable table{.head = head_of(summary, "run"), .rows = {}};
  for (std::size_t r = 0; r < summary.rows.size(); ++r)
    for (std::size_t i = 0; i < summary.values[r].front().runs.size(); ++i) {
      std::vector<std::string> cells = {summary.rows[r] + "/seed-" +
                                        std::to_string(summary.values[r].front().runs[i].seed)};
      for (std::size_t c = 0; c < summary.columns.size(); ++c) {
        const auto& run = summary.values[r][c].runs[i];
        const int digits = summary.columns[c].digits;
        auto text = fixed(run.value, digits);
        if (const auto interval = bounds(run.test_set, digits);
            interval != "-" && std::isfinite(run.value))
          text += " " + interval;
        cells.push_back(std::move(text));
      }
      table.rows.push_back(std::move(cells));
    }
  document.blocks.emplace_back(std::move(table));
  document.paragraph(
      "[95 % interval over dialogues]: how far another test set would move the "
      "value of the same model (bootstrap; of distinct and the like a jackknife).");
}

/// The mean of a metric over a row's runs at each validation that all of them have; whiskers from
/// the lowest to the highest.
ChartSeries curve_of(const GridResults& results, const std::string& row, const std::string& name) {
  std::map<std::int64_t, std::vector<double>> by_step;
  std::size_t runs = 0;
  for (const auto& run : results.finished) {
    if (run.cell->row != row) continue;
    ++runs;
    for (const auto& point : run.curve)
      if (const auto value = point.metrics.find(name); value != point.metrics.end())
        by_step[point.step].push_back(value->second);
  }
  ChartSeries series{.name = row, .points = {}};
  for (const auto& [step, values] : by_step) {
    if (values.size() < runs) continue;
    const auto [low, high] = std::ranges::minmax(values);
    ChartPoint point{.x = static_cast<double>(step), .y = spread_of(values).mean, .interval = {}};
    if (values.size() > 1) point.interval = Interval{.low = low, .high = high};
    series.points.push_back(point);
  }
  return series;
}

void add_curves(Document& document, const GridResults& results, const Summary& summary) {
  std::vector<ChartSeries> series;
  for (const auto& row : summary.rows)
    if (auto curve = curve_of(results, row, "ppl"); !curve.points.empty())
      series.push_back(std::move(curve));
  if (series.empty()) return;
  document.heading(2, "Learning curves");
  document.blocks.emplace_back(Figure{
      .file = "figures/curves.svg",
      .svg = line_chart({.title = "Perplexity a token while training",
                         .x_axis = "updates",
                         .y_axis = "perplexity on the validation split"},
                        series),
      .caption = "Perplexity by update, mean over seeds; whiskers: lowest and highest seed."});
}

/// A picture of each metric over each axis of numbers.
void add_axes(Document& document, const Summary& summary, const ExperimentOptions& options) {
  for (const auto& [axis, values] : numeric_axes(options.rows)) {
    std::vector<Figure> figures;
    for (std::size_t c = 0; c < summary.columns.size(); ++c)
      if (auto figure = curves_over(axis, values, summary, c, options.rows))
        figures.push_back(*std::move(figure));
    if (figures.empty()) continue;
    document.heading(2, "Over " + axis);
    for (auto& figure : figures) document.blocks.emplace_back(std::move(figure));
  }
}

void add_bars(Document& document, const Summary& summary) {
  document.heading(2, "Pictures");
  for (std::size_t c = 0; c < summary.columns.size(); ++c) {
    std::vector<ChartSeries> bars;
    for (std::size_t r = 0; r < summary.rows.size(); ++r) {
      const auto& values = summary.values[r][c];
      if (!std::isfinite(values.spread.mean)) continue;
      bars.push_back({.name = summary.rows[r],
                      .points = {{.x = 0, .y = values.spread.mean, .interval = whiskers(values)}}});
    }
    if (bars.empty()) continue;
    const auto& column = summary.columns[c];
    document.blocks.emplace_back(
        Figure{.file = "figures/" + column.name + ".svg",
               .svg = bar_chart({.title = column.name, .x_axis = "", .y_axis = column.what}, bars),
               .caption = column.name + ": " + column.what +
                          "; whiskers: 95 % over seeds (of a single "
                          "run, over dialogues)."});
  }
}

/// The runs whose replies are shown: of each row the first that answered the same contexts.
std::vector<const CellResult*> shown_runs(const GridResults& results, const Summary& summary) {
  std::vector<const CellResult*> shown;
  std::string data;
  for (const auto& row : summary.rows)
    for (const auto& run : results.finished) {
      if (run.cell->row != row || run.samples.empty()) continue;
      const auto hash = hash_of_data(run.samples);
      if (data.empty()) data = hash;
      if (hash != data) continue;
      shown.push_back(&run);
      break;
    }
  return shown;
}

void add_samples(Document& document, const std::vector<const CellResult*>& runs,
                 std::size_t wanted) {
  if (runs.empty() || wanted == 0) return;
  document.heading(2, "Replies side by side");
  const auto& first = runs.front()->samples;
  const auto count = std::min(wanted, first.size());
  for (std::size_t n = 0; n < count; ++n) {
    const auto i = n * first.size() / count;
    DocumentTable table{
        .head = {"context " + std::to_string(i + 1), "text"}, .rows = {}, .is_text = true};
    for (std::size_t t = 0; t < first[i].context.size(); ++t)
      table.rows.push_back({"turn " + std::to_string(t + 1), first[i].context[t]});
    table.rows.push_back({"reference", first[i].references.empty() ? "" : first[i].references[0]});
    for (const auto* run : runs) table.rows.push_back({run->cell->name, run->samples[i].reply});
    document.blocks.emplace_back(std::move(table));
  }
}

json::array samples_json(const std::vector<const CellResult*>& runs, std::size_t wanted) {
  json::array samples;
  if (runs.empty()) return samples;
  const auto& first = runs.front()->samples;
  const auto count = std::min(wanted, first.size());
  for (std::size_t n = 0; n < count; ++n) {
    const auto i = n * first.size() / count;
    json::object replies;
    for (const auto* run : runs) replies[run->cell->name] = run->samples[i].reply;
    samples.push_back({{"context", json::value_from(first[i].context)},
                       {"references", json::value_from(first[i].references)},
                       {"replies", std::move(replies)}});
  }
  return samples;
}

json::object row_json(const Summary& summary, std::size_t r) {
  json::object metrics;
  for (std::size_t c = 0; c < summary.columns.size(); ++c) {
    const auto& values = summary.values[r][c];
    auto object = spread_json(values.spread);
    json::array runs;
    for (const auto& run : values.runs)
      runs.push_back({{"seed", run.seed},
                      {"value", number_or_null(run.value)},
                      {"test_set", interval_json(run.test_set)},
                      {"signature", run.signature}});
    object["by_seed"] = std::move(runs);
    metrics[summary.columns[c].name] = std::move(object);
  }
  return {{"row", summary.rows[r]}, {"metrics", std::move(metrics)}};
}

}  // namespace

Document comparison_document(const GridResults& results, const Summary& summary,
                             const ExperimentOptions& options) {
  Document document{.title = "Comparison " + options.folder.string(), .blocks = {}};
  const auto& e = options.evaluate;
  document.paragraph(std::to_string(results.finished.size()) + " runs of " +
                     std::to_string(summary.rows.size()) + " rows, measured on the split `" +
                     e.split + "` by their " +
                     (e.checkpoint == "best" ? "best checkpoint (by the first of `keep_best`)"
                                             : "last checkpoint") +
                     "; metrics of texts on " + std::to_string(e.replies) + " contexts, answered " +
                     (e.decoding.empty() ? "greedily" : "by the settings below") + ".");
  for (const auto& note : summary.notes) document.paragraph("Note: " + note);
  add_means(document, results, summary);
  add_axes(document, summary, options);
  add_differences(document, summary, options);
  add_curves(document, results, summary);
  add_bars(document, summary);
  add_single_runs(document, summary);
  add_signatures(document, summary);
  add_samples(document, shown_runs(results, summary), static_cast<std::size_t>(options.samples));
  add_runs(document, results);
  add_open(document, results, options);
  add_provenance(document, results, options);
  return document;
}

json::object comparison_json(const GridResults& results, const Summary& summary,
                             const ExperimentOptions& options) {
  auto report = provenance_json(results, options);
  report["notes"] = json::value_from(summary.notes);
  json::array rows, differences;
  for (std::size_t r = 0; r < summary.rows.size(); ++r) rows.push_back(row_json(summary, r));
  for (const auto& difference : summary.differences) {
    auto object = spread_json(difference.spread);
    object["row"] = difference.row;
    object["baseline"] = difference.baseline;
    object["metric"] = summary.columns[difference.column].name;
    object["seeds"] = json::value_from(difference.seeds);
    object["p"] = difference.p;
    object["p_holm"] = difference.p_holm;
    differences.push_back(std::move(object));
  }
  report["baseline"] = options.baseline;
  report["rows"] = std::move(rows);
  report["differences"] = std::move(differences);
  if (summary.vectors) report["vectors"] = *summary.vectors;
  report["test"] = "randomisation-dialogue-" + std::to_string(options.trials) + "-12345";
  if (options.samples > 0)
    report["samples"] =
        samples_json(shown_runs(results, summary), static_cast<std::size_t>(options.samples));
  return report;
}

}  // namespace banter::train
