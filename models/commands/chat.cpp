#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

#include "base/errors.h"
#include "base/utf8.h"
#include "models/commands.h"
#include "models/commands/conversation.h"
#include "models/commands/given_context.h"
#include "models/commands/line_source.h"
#include "models/commands/model_arguments.h"
#include "models/commands/nli_argument.h"
#include "models/commands/self_chat.h"

namespace banter::models {
namespace {

constexpr std::int64_t kMostTurns = 1'000'000;  // of models with each other

bool is_text(std::string_view text) {
  return !base::is_blank(text) && !base::first_bad_utf8(text) && text.find('\0') == text.npos;
}

/// --self and what belongs to it.
class SelfArguments {
 public:
  void add_to(CLI::App& app) {
    self_ = app.add_option("--self", other_, "let the model talk to itself, or to another run")
                ->expected(0, 1)
                ->type_name("[RUN]");
    app.add_option("--turns", options_.turns, "of --self: how many they make")
        ->check(CLI::Range(std::int64_t{1}, kMostTurns))
        ->needs(self_);
    app.add_option("--first", options_.first, "of --self: what A says first; else RUN begins")
        ->needs(self_);
  }

  [[nodiscard]] bool is_asked() const { return !self_->empty(); }

  /// Throws   UsageError when what is asked for does not go together
  void check(const CLI::App& app) const {
    for (const auto* option : {"--fact", "--persona", "--nli", "--draft"})
      if (is_asked() && app.count(option) > 0)
        throw base::UsageError(std::string("banter chat: ") + option +
                               " does not go with --self, where nobody has a persona and only "
                               "replies are shown");
    const auto& first = options_.first;
    if (!first.empty() && !is_text(first))
      throw base::UsageError("banter chat: --first " + base::printable(first) +
                             ": must be UTF-8 text that is not blank");
  }

  /// `loaded`, `options`: of the run that `model` names.
  void run(const ModelArguments& model, const LoadedModel& loaded, const DecodingOptions& options,
           const DecodingFlags& flags, const configs::CommonOptions& common, bool streams) {
    options_.as_json = common.json;
    options_.streams = streams;
    std::optional<LoadedModel> other;
    SelfChat chat(options_);
    chat.add(loaded, options);
    if (!other_.empty()) {
      other = model.load_other(other_);
      chat.add(*other, flags.read(other->checkpoint, common).value());
    }
    chat.run();
  }

 private:
  CLI::Option* self_ = nullptr;
  std::string other_;  ///< "" = the same model
  SelfChatOptions options_;
};

/// Throws   as `Persona::add_file`; UsageError naming a fact that is no text
Persona persona_of(const std::string& file, const std::vector<std::string>& facts) {
  Persona persona;
  if (!file.empty()) persona.add_file(file);
  for (const auto& fact : facts) {
    if (!is_text(fact))
      throw base::UsageError("banter chat: --fact " + base::printable(fact) +
                             ": must be UTF-8 text that is not blank");
    persona.add(fact);
  }
  return persona;
}

}  // namespace

int run_chat(const std::vector<std::string>& arguments) {
  configs::CommandLine line(
      "banter chat",
      "Talk to a model in the terminal; with a pipe, lines in, replies out. A terminal shows a\n"
      "reply while it is written, as soon as nothing can change it. With --json a reply is an\n"
      "object. /help lists what can be changed while you talk. With --server URL the model is one\n"
      "that `banter serve` serves: `banter chat --server URL --help` says more.",
      "banter chat runs/chat\n"
      "banter chat runs/chat --method sample --top-p 0.9\n"
      "banter chat runs/chat --fact 'i live in rome .' --fact 'i have a dog .'\n"
      "banter chat runs/stack --persona ann.txt --nli runs/nli --method sample --replies 8 "
      "--rerank consistency\n"
      "printf 'hi\\nhow are you ?\\n' | banter chat runs/chat\n"
      "printf 'hi\\n/persona 2 i hate dogs .\\nhi\\n' | banter chat runs/chat --persona ann.txt "
      "--nli runs/nli --json\n"
      "banter chat --server ws://localhost:8080\n"
      "banter chat runs/hred --self runs/seq2seq --turns 20 --first hello --method sample --json");
  line.with_config();
  line.with_json();
  ModelArguments model;
  model.add_to(line.app);
  model.add_ensemble_to(line.app);
  std::string persona_file;
  std::vector<std::string> facts;
  DecodingFlags flags;
  line.app.add_option("--persona", persona_file,
                      "file of sentences about the model's speaker, one a line");
  line.app.add_option("--fact", facts, "one more such sentence; may be repeated")
      ->allow_extra_args(false);
  NliArgument nli;
  nli.add_to(line.app,
             "classifier of sentence pairs: says of each reply and sentence of the persona whether "
             "they agree, and chooses replies with --rerank consistency");
  bool no_stream = false;
  ConversationOptions options;
  line.app.add_flag("--no-stream", no_stream, "show a reply only when all of it is there");
  line.app.add_flag("--draft", options.with_draft,
                    "the draft decoder's text beside each reply (stack_propagation)");
  SelfArguments self;
  self.add_to(line.app);
  flags.add_to(line.app);
  if (!line.parse(arguments)) return 0;
  self.check(line.app);
  auto persona = persona_of(persona_file, facts);
  const bool streams = !no_stream && ::isatty(STDOUT_FILENO) == 1;

  auto loaded = model.load();
  auto decoding = flags.read(loaded.checkpoint, line.common);
  if (!decoding) return 0;
  if (self.is_asked()) {
    self.run(model, loaded, *decoding, flags, line.common, streams);
    return 0;
  }
  options.as_json = line.common.json;
  options.streams = streams && !options.as_json;
  const auto judge = nli.load(model);
  LineSource lines("");
  Conversation conversation(loaded, flags, line.common, *std::move(decoding), judge.get(), options);
  conversation.set_persona(std::move(persona));
  conversation.run(lines);
  return 0;
}

}  // namespace banter::models
