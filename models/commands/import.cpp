#include <iostream>
#include <string>
#include <vector>

#include "configs/command_line.h"
#include "models/commands.h"
#include "models/hugging_face/run.h"

namespace banter::models {

int run_import(const std::vector<std::string>& arguments) {
  configs::CommandLine line(
      "banter import",
      "A Hugging Face folder of a MarianMT or mBART model -> a run of a transformer.\n"
      "FOLDER holds config.json, model.safetensors (or its shards and index) and the tokenizer's\n"
      "files: source.spm, target.spm and vocab.json, or sentencepiece.bpe.model.",
      "banter import opus-mt-de-en runs/de-en\n"
      "echo 'Ist das Buch da?' | banter generate runs/de-en\n"
      "banter import mbart-large-en-ro runs/en-ro --source-language en_XX --target-language ro_RO\n"
      "banter import my-dialogue-mbart runs/talk --max-context-turns 6");
  std::string folder, run;
  ImportOptions options;
  line.app.add_option("folder", folder, "Hugging Face folder")->required();
  line.app.add_option("run", run, "run folder to make")->required();
  line.app.add_option("--source-language", options.languages.source,
                      "code of what an mBART reads, as en_XX; else as the folder says");
  line.app.add_option("--target-language", options.languages.target, "of what it says");
  line.app
      .add_option("--max-context-turns", options.max_context_turns,
                  "last turns that the model is given, each ended as it ends a text")
      ->check(CLI::PositiveNumber);
  if (!line.parse(arguments)) return 0;

  const auto made = import_folder(folder, run, options);
  if (line.common.quiet) return 0;
  if (!made.left_out.empty())
    std::cerr << "note: left out, since it concerns training alone: " << made.left_out << '\n';
  if (!made.not_asked.empty())
    std::cerr << "note: replies are chosen without " << made.not_asked << '\n';
  std::cerr << run << ": " << made.model_type << ", " << made.parameters << " parameters, "
            << made.vocab_size << " ids\n";
  return 0;
}

}  // namespace banter::models
