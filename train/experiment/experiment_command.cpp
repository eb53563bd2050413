#include <algorithm>
#include <filesystem>
#include <iostream>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/signals.h"
#include "configs/command_line.h"
#include "train/commands.h"
#include "train/experiment/cell.h"
#include "train/experiment/report_files.h"
#include "train/experiment/runner.h"
#include "train/metrics/texts/scores.h"

namespace banter::train {
namespace {

namespace json = base::json;

/// What the command line says beside the configuration.
struct Request {
  std::string config;
  RunLimits limits;
  bool dry_run = false, report_only = false, no_samples = false, json = false;
};

/// The cells with how far each is, and nothing else.
void print_states(const std::vector<Cell>& cells, bool as_json) {
  const auto states = states_of(cells);
  if (as_json) {
    json::array list;
    for (std::size_t i = 0; i < cells.size(); ++i)
      list.push_back({{"cell", cells[i].name}, {"state", name_of(states[i])}});
    std::cout << json::serialize(json::object{{"cells", std::move(list)}}) << "\n";
    return;
  }
  std::vector<std::vector<std::string>> table;
  table.reserve(cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i)
    table.push_back({cells[i].name, name_of(states[i])});
  print_table(std::cout, table);
  const auto done = std::ranges::count(states, CellState::kDone);
  std::cout << done << " of " << cells.size() << " done\n";
}

void print_outcome(const RunOutcome& outcome, const ExperimentOptions& options, bool as_json) {
  const auto report = (options.folder / "report.md").string();
  if (as_json) {
    std::cout << json::serialize(json::object{{"folder", options.folder.string()},
                                              {"report", report},
                                              {"done", outcome.done},
                                              {"failed", outcome.failed},
                                              {"left", outcome.left}})
              << "\n";
    return;
  }
  std::cout << report << ": " << outcome.done << " of "
            << outcome.done + outcome.failed + outcome.left << " runs done";
  if (outcome.failed > 0) std::cout << ", " << outcome.failed << " failed";
  if (outcome.left > 0) std::cout << ", " << outcome.left << " left; the same command goes on";
  std::cout << "\n";
}

/// The report of what is there, also while another call works.
int report(const Request& request, const ExperimentOptions& options,
           const std::vector<Cell>& cells) {
  if (!std::filesystem::is_directory(options.folder))
    throw base::FileError(options.folder.string() +
                          ": there is no such experiment yet; leave --report-only out to run it");
  write_report(cells, options);
  const auto outcome = outcome_of(cells);
  print_outcome(outcome, options, request.json);
  return outcome.failed > 0 ? 1 : 0;
}

int run(const Request& request, const ExperimentOptions& options, const std::vector<Cell>& cells) {
  base::make_folders(options.folder);
  const base::FileLock lock(options.folder / ".lock");
  base::write_durably(options.folder / "experiment.yaml", options.text);
  const auto outcome = run_cells(cells, options, request.limits);
  if (outcome.signal != 0) {
    std::cerr << options.folder.string() << ": stopped, " << outcome.done << " of " << cells.size()
              << " runs are done and the others saved; the same command goes on\n";
    throw base::Stopped(outcome.signal);
  }
  write_report(cells, options);
  print_outcome(outcome, options, request.json);
  return outcome.failed > 0 ? 1 : 0;
}

}  // namespace

int run_experiment(const std::vector<std::string>& arguments) {
  configs::CommandLine line(
      "banter experiment",
      "A grid of trainings -> one report with intervals, paired tests and pictures. May be stopped "
      "or killed at any moment: the same command goes on.",
      "banter experiment configs/attention_combine_small.yaml --dry-run\n"
      "banter experiment configs/attention_combine_small.yaml --jobs 2\n"
      "banter experiment configs/ubuntu_comparison_small.yaml --jobs 2 --minutes 55\n"
      "banter experiment configs/ubuntu_comparison_small.yaml --report-only --no-samples\n"
      "banter experiment mine.yaml --set 'seeds=[1, 2, 3, 4, 5]'");
  Request request;
  line.app.add_option("config", request.config, "the experiment (YAML)")->required();
  line.app.add_option("--jobs", request.limits.jobs, "runs side by side; they share the cores")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  line.app
      .add_option("--minutes", request.limits.minutes,
                  "then stop and save the running ones; 0 = no limit")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  line.app.add_flag("--dry-run", request.dry_run, "tell what is done and what is missing, and end");
  line.app.add_flag("--report-only", request.report_only, "make the report again, and end");
  line.app.add_flag("--no-samples", request.no_samples,
                    "a report without replies and contexts: for corpora that are not yours");
  line.with_config();
  line.with_json();
  if (!line.parse(arguments)) return 0;
  request.limits.quiet = line.common.quiet;
  request.json = line.common.json;

  auto options = ExperimentOptions::load(request.config, line.common.overrides);
  if (request.no_samples) options.samples = 0;
  const auto cells = cells_of(options);
  if (line.common.dump_config) {
    std::cout << options.text;
    return 0;
  }
  if (request.dry_run) {
    print_states(cells, request.json);
    return 0;
  }
  return request.report_only ? report(request, options, cells) : run(request, options, cells);
}

}  // namespace banter::train
