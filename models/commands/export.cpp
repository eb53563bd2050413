#include <iostream>
#include <string>
#include <vector>

#include "configs/command_line.h"
#include "models/commands.h"
#include "models/commands/export_tensors.h"
#include "models/hugging_face/run.h"

namespace banter::models {

int run_export(const std::vector<std::string>& arguments) {
  configs::CommandLine line(
      "banter export",
      "A run -> a folder for other programs. --format tensors: model.safetensors, config.json,\n"
      "the tokenizer's files and a README.md of the tensors' names. --format hugging_face, of a\n"
      "transformer: what `transformers` loads.",
      "banter export runs/ubuntu folder --format tensors\n"
      "banter export runs/de-en@last opus-mt-de-en-again");
  std::string run, folder, format = "hugging_face";
  line.app
      .add_option("run", run,
                  "run: RUN, RUN@last, RUN@step-N, RUN@best:METRIC, RUN@ema, RUN@average")
      ->required();
  line.app.add_option("folder", folder, "folder to make")->required();
  line.app.add_option("--format", format, "tensors or hugging_face")
      ->check(CLI::IsMember({"tensors", "hugging_face"}))
      ->capture_default_str();
  if (!line.parse(arguments)) return 0;

  const auto type = format == "tensors" ? export_tensors(run, folder) : export_folder(run, folder);
  if (!line.common.quiet) std::cerr << folder << ": " << type << '\n';
  return 0;
}

}  // namespace banter::models
