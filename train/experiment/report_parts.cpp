#include "train/experiment/report_parts.h"

#include <set>

#include "base/hash.h"
#include "train/experiment/machine.h"
#include "train/metrics/texts/scores.h"

namespace banter::train {
namespace {

namespace json = base::json;

std::string short_hash(const std::string& hash) { return hash.substr(0, 12); }

/// Between single quotes, which end for a quote of its own.
std::string quoted(const std::string& argument) {
  std::string out = "'";
  for (const char c : argument) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// `banter` and its arguments as a shell takes them.
std::string shell_line(const std::vector<std::string>& arguments) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=@:+,";
  std::string line = "banter";
  for (const auto& argument : arguments) {
    const bool plain = !argument.empty() && argument.find_first_not_of(kPlain) == std::string::npos;
    line += " " + (plain ? argument : quoted(argument));
  }
  return line;
}

/// The checkpoint that was measured, by the signature of the answer.
std::string checkpoint_of(const CellResult& result) {
  const auto* signature = result.measured.if_contains("signature");
  if (signature == nullptr || !signature->is_string()) return "";
  constexpr std::string_view kName = "checkpoint:";
  const std::string text(signature->get_string());
  const auto begin = text.find(kName);
  if (begin == std::string::npos) return "";
  return text.substr(begin + kName.size(), text.find('|', begin) - begin - kName.size());
}

/// What made a run, with the threads that it had.
std::vector<std::vector<std::string>> commands_of(const CellResult& run,
                                                  const ExperimentOptions& options) {
  std::vector<std::vector<std::string>> commands;
  if (run.cell->prepares) commands.push_back(prepare_arguments(*run.cell));
  for (auto& command : {train_arguments(*run.cell), measure_arguments(*run.cell, options)}) {
    commands.push_back(command);
    commands.back().insert(commands.back().end(), {"--threads", std::to_string(run.facts.threads)});
  }
  return commands;
}

std::string versions_of(const GridResults& results, std::string CellResult::*of) {
  std::set<std::string> versions;
  for (const auto& run : results.finished) versions.insert(run.*of);
  std::string text;
  for (const auto& version : versions) text += (text.empty() ? "" : ", ") + version;
  return text.empty() ? "-" : text;
}

std::string amount_text(const RunFacts& facts, const std::string& of) {
  const auto amount = facts.learned_from.find(of);
  return amount == facts.learned_from.end() ? "-" : std::to_string(amount->second);
}

std::string state_of(const OpenCell& open) {
  if (!open.command.empty())
    return open.command + " failed with exit code " + std::to_string(open.exit_code);
  if (open.state == CellState::kDone) return "done, but what it left cannot be read";
  return name_of(open.state);
}

}  // namespace

void add_runs(Document& document, const GridResults& results) {
  document.heading(2, "Runs");
  DocumentTable table{
      .head = {"run", "dialogues", "replies", "pairs", "of dropped", "steps", "labels",
               "stopped by", "parameters", "threads", "device", "recipe", "store", "checkpoint"},
      .rows = {}};
  for (const auto& run : results.finished) {
    const auto& facts = run.facts;
    table.rows.push_back(
        {run.cell->name, amount_text(facts, "dialogues"), amount_text(facts, "replies"),
         amount_text(facts, "pairs"), amount_text(facts, "pairs_of_dropped"),
         std::to_string(facts.steps), std::to_string(facts.labels), facts.why,
         std::to_string(facts.parameters), std::to_string(facts.threads), facts.device,
         short_hash(run.cell->recipe_key), short_hash(run.store_hash), checkpoint_of(run)});
  }
  document.blocks.emplace_back(std::move(table));
  document.paragraph(
      "Dialogues, replies and pairs are those that it learns from; `of dropped`: pairs that were "
      "made from dialogues that it does not learn from (train.fraction). A label is a token of a "
      "reply "
      "that the loss counts; equal steps of equally many labels are "
      "equal work for every model. The hashes are of the effective recipe (without folders, "
      "threads and decoding), of the prepared store, and of the checkpoint that was measured.");
}

void add_open(Document& document, const GridResults& results, const ExperimentOptions& options) {
  if (results.open.empty()) return;
  document.heading(2, "Not finished");
  DocumentTable table{.head = {"run", "state"}, .rows = {}, .is_text = true};
  for (const auto& open : results.open) table.rows.push_back({open.cell->name, state_of(open)});
  document.blocks.emplace_back(std::move(table));
  if (options.samples == 0) return;
  for (const auto& open : results.open) {
    if (open.log.empty()) continue;
    document.paragraph(
        (open.state == CellState::kDone ? "What cannot be read of `" : "The end of the log of `") +
        open.cell->name + "`:");
    document.blocks.emplace_back(Code{open.log});
  }
}

void add_provenance(Document& document, const GridResults& results,
                    const ExperimentOptions& options) {
  document.heading(2, "Made by");
  const auto machine = this_machine();
  document.paragraph("Trained by banter " + versions_of(results, &CellResult::version) +
                     ", measured by banter " + versions_of(results, &CellResult::measured_by) +
                     ", reported by banter " BANTER_VERSION " on " +
                     (machine.cpu.empty() ? "a CPU without a name" : machine.cpu) + ", " +
                     std::to_string(machine.cores) +
                     " cores. The experiment's configuration has "
                     "the hash " +
                     short_hash(base::sha256_hex(options.text)) + ":");
  document.blocks.emplace_back(
      Code{options.text.substr(0, options.text.find_last_not_of('\n') + 1)});
  document.paragraph(
      "Each run is made by these commands, in the folder where the experiment was "
      "started; `recipe.yaml` beside a run is complete.");
  std::string commands;
  std::set<std::string> prepared;
  for (const auto& run : results.finished)
    for (const auto& command : commands_of(run, options)) {
      if (command.front() == "prepare" && !prepared.insert(run.cell->data_key).second) continue;
      commands += (commands.empty() ? "" : "\n") + shell_line(command);
    }
  document.blocks.emplace_back(Code{commands});
}

json::object provenance_json(const GridResults& results, const ExperimentOptions& options) {
  const auto machine = this_machine();
  json::array runs, open;
  for (const auto& run : results.finished) {
    json::array commands;
    for (const auto& command : commands_of(run, options))
      commands.emplace_back(shell_line(command));
    runs.push_back({{"run", run.cell->name},
                    {"row", run.cell->row},
                    {"seed", run.cell->seed},
                    {"learned_from", json::value_from(run.facts.learned_from)},
                    {"steps", run.facts.steps},
                    {"labels", run.facts.labels},
                    {"why", run.facts.why},
                    {"parameters", run.facts.parameters},
                    {"threads", run.facts.threads},
                    {"device", run.facts.device},
                    {"version", run.version},
                    {"measured_by", run.measured_by},
                    {"recipe_key", run.cell->recipe_key},
                    {"store_hash", run.store_hash},
                    {"checkpoint", checkpoint_of(run)},
                    {"commands", std::move(commands)}});
  }
  for (const auto& cell : results.open)
    open.push_back({{"run", cell.cell->name},
                    {"state", name_of(cell.state)},
                    {"failed", cell.command},
                    {"exit_code", cell.exit_code},
                    {"log", options.samples == 0 ? "" : cell.log}});
  return {{"version", BANTER_VERSION},
          {"kind", options.kind},
          {"config", options.text},
          {"config_hash", base::sha256_hex(options.text)},
          {"machine", {{"cpu", machine.cpu}, {"cores", machine.cores}}},
          {"runs", std::move(runs)},
          {"open", std::move(open)}};
}

std::string spread_text(const Spread& spread, int digits) {
  auto text = fixed(spread.mean, digits);
  if (spread.interval) text += " ± " + fixed(spread.interval->high - spread.mean, digits);
  return text;
}

json::value interval_json(const std::optional<Interval>& interval) {
  if (!interval) return nullptr;
  return json::object{{"low", number_or_null(interval->low)},
                      {"high", number_or_null(interval->high)}};
}

json::object spread_json(const Spread& spread) {
  return {{"runs", spread.count},
          {"mean", number_or_null(spread.mean)},
          {"deviation", number_or_null(spread.deviation)},
          {"interval", interval_json(spread.interval)}};
}

}  // namespace banter::train
