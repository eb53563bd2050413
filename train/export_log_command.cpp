#include <filesystem>
#include <iostream>

#include "base/errors.h"
#include "base/files.h"
#include "configs/command_line.h"
#include "train/commands.h"
#include "train/log_table.h"

namespace banter::train {

int run_export_log(const std::vector<std::string>& arguments) {
  configs::CommandLine line("banter export-log", "A run's log.jsonl as a table.",
                            "banter export-log runs/ubuntu --csv > ubuntu.csv\n"
                            "banter export-log runs/ubuntu --csv --event validation");
  std::filesystem::path run;
  std::vector<std::string> events;
  bool csv = false;
  line.app.add_option("run", run, "run folder")->required();
  line.app.add_flag("--csv", csv, "as CSV on standard output")->required();
  line.app
      .add_option("--event", events,
                  "lines of this kind alone (step and validation): start, "
                  "step, validation, warning, stop, ...; may be given again")
      ->allow_extra_args(false);
  if (!line.parse(arguments)) return 0;

  if (events.empty()) events = {"step", "validation"};
  const auto path = run / "log.jsonl";
  if (!std::filesystem::exists(path))
    throw base::UsageError(path.string() + ": is not there; `banter train` writes it");
  const base::MappedFile file(path);
  std::cout << log_as_csv(file.text(), path.string(), events);
  return 0;
}

}  // namespace banter::train
