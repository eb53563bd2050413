#include <iostream>
#include <string>
#include <vector>

#include "configs/command_line.h"
#include "models/commands.h"
#include "models/hugging_face/run.h"

namespace banter::models {

int run_export(const std::vector<std::string>& arguments) {
  configs::CommandLine line(
      "banter export",
      "A run of a transformer -> a Hugging Face folder that `transformers` loads: config.json,\n"
      "generation_config.json, model.safetensors and the tokenizer's files.",
      "banter export runs/de-en opus-mt-de-en-again\n"
      "banter export runs/de-en@last folder");
  std::string run, folder;
  line.app
      .add_option("run", run,
                  "run: RUN, RUN@last, RUN@step-N, RUN@best:METRIC, RUN@ema, RUN@average")
      ->required();
  line.app.add_option("folder", folder, "Hugging Face folder to make")->required();
  if (!line.parse(arguments)) return 0;

  const auto type = export_folder(run, folder);
  if (!line.common.quiet) std::cerr << folder << ": " << type << '\n';
  return 0;
}

}  // namespace banter::models
