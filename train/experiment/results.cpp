#include "train/experiment/results.h"

#include <algorithm>
#include <filesystem>

#include "base/errors.h"
#include "base/files.h"
#include "data/input/lines.h"
#include "train/experiment/runner.h"
#include "train/metrics/texts/sample_files.h"

namespace banter::train {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;

/// What a validation's line says of metrics: its other numbers are about itself.
CurvePoint curve_point(const json::object& event, const std::string& where) {
  CurvePoint point{.step = base::integer_field(event, "step", where), .metrics = {}};
  for (const auto& [name, value] : event)
    if (value.is_number() && name != "step" && name != "epoch" && name != "replies" &&
        name != "pairs" && name != "seconds")
      point.metrics.emplace(name, value.to_number<double>());
  return point;
}

void read_log(const Cell& cell, CellResult& result) {
  const auto path = cell.run() / "log.jsonl";
  const base::MappedFile mapped(path);
  auto rest = mapped.text();
  for (int number = 1; !rest.empty(); ++number) {
    const auto where = path.string() + ":" + std::to_string(number);
    const auto value = base::parse_json(data::take_line(rest), where);
    const auto& event = base::as_object(value, where);
    const auto kind = base::string_field(event, "event", where);
    if (kind == "validation") result.curve.push_back(curve_point(event, where));
    if (kind != "start") continue;
    result.facts.device = base::string_field(event, "device", where);
    result.facts.threads = base::integer_field(event, "threads", where);
    result.facts.parameters = base::integer_field(event, "parameters", where);
    for (const auto* amount : {"dialogues", "replies", "pairs", "pairs_of_dropped"})
      if (event.contains(amount))
        result.facts.learned_from[amount] = base::integer_field(event, amount, where);
  }
}

CellResult read_cell(const Cell& cell, const ExperimentOptions& options) {
  const CellFiles files(cell);
  const auto where = cell.folder.string();
  CellResult result;
  result.cell = &cell;
  result.store_hash = files.source();
  read_log(cell, result);
  const auto training = files.training();
  result.version = base::string_field(training, "version", where);
  const auto& trained = base::as_object(base::field(training, "result", where), where);
  result.facts.steps = base::integer_field(trained, "step", where);
  result.facts.labels = base::integer_field(trained, "labels", where);
  result.facts.why = base::string_field(trained, "why", where);
  const auto evaluation = files.evaluation();
  result.measured = base::as_object(base::field(evaluation, "result", where), where);
  result.measured_by = base::string_field(evaluation, "version", where);
  if (options.kind != "comparison") return result;
  if (cell.judged_on == JudgedOn::kPairs) {
    result.sums = DialogueSums::read(cell.folder / "sums.jsonl");
    return result;
  }
  result.likelihoods = read_likelihoods(cell.folder / "likelihoods.jsonl");
  if (std::ranges::any_of(options.evaluate.metrics, is_of_evaluate))
    result.sums = DialogueSums::read(cell.folder / "sums.jsonl");
  if (options.evaluate.pairs) result.pairs = read_pair_likelihoods(cell.folder / "pairs.jsonl");
  if (options.evaluate.replies > 0)
    result.samples = read_samples({.replies = (cell.folder / "replies.jsonl").string(),
                                   .references = {},
                                   .contexts = "",
                                   .groups = ""});
  return result;
}

OpenCell open_cell(const Cell& cell, CellState state) {
  OpenCell open{.cell = &cell, .state = state, .command = "", .exit_code = 0, .log = ""};
  if (const auto failure = CellFiles(cell).failure()) {
    const auto where = cell.folder.string();
    open.command = base::string_field(*failure, "command", where);
    open.exit_code = base::integer_field(*failure, "exit_code", where);
    open.log = base::string_field(*failure, "log", where);
  }
  return open;
}

}  // namespace

const CellResult* GridResults::find(const std::string& row, std::int64_t seed) const {
  const auto found = std::ranges::find_if(finished, [&](const CellResult& result) {
    return result.cell->row == row && result.cell->seed == seed;
  });
  return found == finished.end() ? nullptr : &*found;
}

GridResults read_results(const std::vector<Cell>& cells, const ExperimentOptions& options) {
  GridResults results;
  const auto states = states_of(cells);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (states[i] != CellState::kDone) {
      results.open.push_back(open_cell(cells[i], states[i]));
      continue;
    }
    try {
      results.finished.push_back(read_cell(cells[i], options));
    } catch (const base::Error& error) {
      results.open.push_back({.cell = &cells[i],
                              .state = CellState::kDone,
                              .log = std::string(error.what()) + "; without " +
                                     (cells[i].folder / "evaluation.json").string() +
                                     " it is measured anew"});
    }
  }
  return results;
}

}  // namespace banter::train
