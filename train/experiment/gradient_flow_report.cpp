#include "train/experiment/gradient_flow_report.h"

#include <cmath>
#include <limits>
#include <map>

#include "train/experiment/chart.h"
#include "train/experiment/grid.h"
#include "train/experiment/report_parts.h"
#include "train/metrics/texts/scores.h"

namespace banter::train {
namespace {

namespace json = base::json;

constexpr int kDigits = 3;

struct Stage {
  const char* key;    ///< in the answer of `banter gradient-flow`
  const char* title;  ///< of its pictures and tables
};
constexpr Stage kStages[] = {{"initial", "before training"}, {"trained", "after training"}};

/// The value for each number of turns of one run.
std::map<std::int64_t, double> curve_of(const CellResult& result, const char* stage) {
  const auto where = result.cell->folder.string() + ", evaluation";
  std::map<std::int64_t, double> curve;
  for (const auto& point : base::array_field(result.measured, stage, where)) {
    const auto& object = base::as_object(point, where);
    const auto& value = base::field(object, "value", where);
    curve[base::integer_field(object, "turns", where)] =
        value.is_number() ? value.to_number<double>() : std::numeric_limits<double>::quiet_NaN();
  }
  return curve;
}

/// Over the runs of a row, or over their leads above the baseline's runs with the same seeds.
std::map<std::int64_t, Spread> spreads_of(const GridResults& results, const std::string& row,
                                          const char* stage, const std::string& baseline = "") {
  std::map<std::int64_t, std::vector<double>> values;
  for (const auto& run : results.finished) {
    if (run.cell->row != row) continue;
    const auto* other = baseline.empty() ? nullptr : results.find(baseline, run.cell->seed);
    if (!baseline.empty() && other == nullptr) continue;
    const auto before =
        other == nullptr ? std::map<std::int64_t, double>{} : curve_of(*other, stage);
    for (const auto& [turns, value] : curve_of(run, stage))
      values[turns].push_back(other == nullptr ? value : value - before.at(turns));
  }
  std::map<std::int64_t, Spread> spreads;
  for (const auto& [turns, list] : values) spreads[turns] = spread_of(list);
  return spreads;
}

/// The numbers of turns that a table shows: about seven of them, the first and the last included.
std::vector<std::int64_t> shown_turns(const GradientFlowOptions& flow) {
  std::vector<std::int64_t> shown;
  const auto step = std::max<std::int64_t>(1, (flow.max_turns - flow.min_turns) / 6);
  for (auto turns = flow.min_turns; turns < flow.max_turns; turns += step) shown.push_back(turns);
  shown.push_back(flow.max_turns);
  return shown;
}

DocumentTable table_of(const GridResults& results, const ExperimentOptions& options,
                       const char* stage, bool of_leads) {
  DocumentTable table{.head = {"row"}, .rows = {}};
  const auto shown = shown_turns(options.gradient_flow);
  for (const auto turns : shown) table.head.push_back(std::to_string(turns) + " turns");
  for (const auto& row : options.rows) {
    const auto baseline = of_leads ? baseline_of(row, options.rows, options.baseline)
                                   : std::optional<std::string>("");
    if (!baseline) continue;
    const auto spreads = spreads_of(results, row.name, stage, *baseline);
    if (spreads.empty()) continue;
    std::vector<std::string> cells = {row.name};
    for (const auto turns : shown)
      cells.push_back(spreads.contains(turns) ? spread_text(spreads.at(turns), kDigits) : "-");
    table.rows.push_back(std::move(cells));
  }
  return table;
}

std::string picture_of(const GridResults& results, const ExperimentOptions& options,
                       const Stage& stage) {
  std::vector<ChartSeries> series;
  for (const auto& row : options.rows) {
    ChartSeries line{.name = row.name, .points = {}};
    for (const auto& [turns, spread] : spreads_of(results, row.name, stage.key))
      line.points.push_back(
          {.x = static_cast<double>(turns), .y = spread.mean, .interval = spread.interval});
    if (!line.points.empty()) series.push_back(std::move(line));
  }
  return line_chart({.title = std::string("Gradient at the oldest turn, ") + stage.title,
                     .x_axis = "turns of the context",
                     .y_axis = "mean ln of the norm"},
                    series);
}

json::object row_json(const GridResults& results, const std::string& row,
                      const std::optional<std::string>& baseline) {
  json::object object{{"row", row}};
  for (const auto& stage : kStages) {
    json::array points;
    const auto leads = !baseline ? std::map<std::int64_t, Spread>{}
                                 : spreads_of(results, row, stage.key, *baseline);
    for (const auto& [turns, spread] : spreads_of(results, row, stage.key)) {
      auto point = spread_json(spread);
      point["turns"] = turns;
      if (leads.contains(turns)) point["lead"] = spread_json(leads.at(turns));
      points.push_back(std::move(point));
    }
    object[stage.key] = std::move(points);
  }
  return object;
}

}  // namespace

Document gradient_flow_document(const GridResults& results, const ExperimentOptions& options) {
  Document document{.title = "Gradient flow " + options.folder.string(), .blocks = {}};
  const auto& flow = options.gradient_flow;
  document.paragraph(
      "The natural logarithm of the norm of d loss / d (token vectors of the oldest turn), the "
      "loss "
      "being a reply's mean over its labels: mean over at most " +
      std::to_string(flow.replies) + " replies of the split `" + flow.split +
      "`, one a dialogue, the same for every row and every "
      "length: their last " +
      std::to_string(flow.min_turns) + " to " + std::to_string(flow.max_turns) +
      " turns are the context. A line that falls by a constant a "
      "turn is exponential decay. ± is half of the 95 % interval over seeds (Student's t).");
  for (const auto& stage : kStages) {
    document.heading(2, std::string("Gradients ") + stage.title);
    document.blocks.emplace_back(
        Figure{.file = std::string("figures/") + stage.key + ".svg",
               .svg = picture_of(results, options, stage),
               .caption = std::string("Gradient at the oldest turn by the number of turns, ") +
                          stage.title + "; whiskers: 95 % over seeds."});
    document.blocks.emplace_back(table_of(results, options, stage.key, /*of_leads=*/false));
    if (options.baseline.empty()) continue;
    document.paragraph("Lead above " + options.baseline + ", over pairs with the same seed:");
    document.blocks.emplace_back(table_of(results, options, stage.key, /*of_leads=*/true));
  }
  add_runs(document, results);
  add_open(document, results, options);
  add_provenance(document, results, options);
  return document;
}

json::object gradient_flow_json(const GridResults& results, const ExperimentOptions& options) {
  auto report = provenance_json(results, options);
  report["baseline"] = options.baseline;
  json::array rows;
  for (const auto& row : options.rows)
    rows.push_back(row_json(results, row.name, baseline_of(row, options.rows, options.baseline)));
  report["rows"] = std::move(rows);
  return report;
}

}  // namespace banter::train
