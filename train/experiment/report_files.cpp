#include "train/experiment/report_files.h"

#include <filesystem>
#include <map>

#include "base/files.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/progress.h"
#include "train/experiment/cell_files.h"
#include "train/experiment/comparison_report.h"
#include "train/experiment/document.h"
#include "train/experiment/gradient_flow_report.h"
#include "train/experiment/results.h"
#include "train/experiment/summary.h"

namespace banter::train {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;

void write_figures(const fs::path& folder, const Document& document) {
  fs::remove_all(folder / "figures");  // of rows and metrics that are no more
  for (const auto& block : document.blocks) {
    const auto* figure = std::get_if<Figure>(&block);
    if (figure == nullptr) continue;
    base::make_folders((folder / figure->file).parent_path());
    base::write_durably(folder / figure->file, figure->svg);
  }
}

/// How long each command took in each cell, over all calls.
std::string times_text(const std::vector<Cell>& cells) {
  DocumentTable table{.head = {"run", "prepare", "train", "measure"}, .rows = {}};
  std::map<std::string, double> all;
  const auto text = [](double seconds) {
    return seconds == 0 ? std::string("-")
                        : base::duration_text(std::chrono::duration<double>(seconds));
  };
  for (const auto& cell : cells) {
    std::map<std::string, double> seconds;
    for (const auto& [command, time] : CellFiles(cell).times()) {
      const std::string name(command);
      seconds[name == "prepare" || name == "train" ? name : "measure"] += time.to_number<double>();
    }
    table.rows.push_back(
        {cell.name, text(seconds["prepare"]), text(seconds["train"]), text(seconds["measure"])});
    for (const auto& [command, time] : seconds) all[command] += time;
  }
  table.rows.push_back({"all", text(all["prepare"]), text(all["train"]), text(all["measure"])});
  Document document{.title = "Wall times", .blocks = {}};
  document.paragraph(
      "Of all calls together, with whatever else the machine had to do. Nothing in "
      "the report depends on them.");
  document.blocks.emplace_back(std::move(table));
  return to_markdown(document);
}

}  // namespace

void write_report(const std::vector<Cell>& cells, const ExperimentOptions& options) {
  const auto lock = base::FileLock::wait_for(options.folder / ".report.lock");
  const auto results = read_results(cells, options);
  Document document;
  json::object data;
  if (options.kind == "gradient_flow") {
    document = gradient_flow_document(results, options);
    data = gradient_flow_json(results, options);
  } else {
    const auto summary = summarise(results, options);
    document = comparison_document(results, summary, options);
    data = comparison_json(results, summary, options);
  }
  write_figures(options.folder, document);
  base::write_durably(options.folder / "report.json", base::pretty_json(data));
  base::write_durably(options.folder / "report.html", to_html(document));
  base::write_durably(options.folder / "report.md", to_markdown(document));
  base::write_durably(options.folder / "times.md", times_text(cells));
}

}  // namespace banter::train
