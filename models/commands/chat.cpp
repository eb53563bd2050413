#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

#include "base/errors.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "models/commands.h"
#include "models/commands/attention_view.h"
#include "models/commands/chat_reply.h"
#include "models/commands/given_context.h"
#include "models/commands/line_source.h"
#include "models/commands/model_arguments.h"
#include "models/commands/open_line.h"
#include "models/commands/reply_json.h"
#include "models/commands/self_chat.h"
#include "models/decoding/decoder.h"
#include "models/decoding/reply_text.h"
#include "models/decoding/session.h"

namespace banter::models {
namespace {

constexpr std::int64_t kPerson = 1, kModel = 2;  // speakers, as the first two of a corpus
constexpr std::int64_t kMostTurns = 1'000'000;   // of models with each other

constexpr std::string_view kBlanks = " \t";
constexpr std::array<std::string_view, 5> kCommands = {"/attention", "/help", "/quit", "/reset",
                                                       "/set"};
constexpr std::string_view kHelp =
    "Type to talk. A line that begins with one of these is a command:\n"
    "  /reset           forget the conversation\n"
    "  /attention       which turns the last reply looked at\n"
    "  /attention on    show it after each reply; /attention off\n"
    "  /set NAME=VALUE  change how replies are chosen, as in /set method=sample\n"
    "  /help            this list\n"
    "  /quit            end (so does Ctrl-D)\n"
    "Any other line is said as it is; //quit says /quit. At this prompt a lone /word that is none\n"
    "of these is taken for a slip.\n";

std::string_view first_word(std::string_view line) {
  return line.substr(0, line.find_first_of(kBlanks));
}

/// What a line says; nothing when it is a command. A slash in front of a command's own says it.
std::optional<std::string_view> said_by(std::string_view line) {
  const auto word = first_word(line);
  const auto slashes = std::min(word.find_first_not_of('/'), word.size());
  if (slashes == 0 || std::ranges::find(kCommands, word.substr(slashes - 1)) == kCommands.end())
    return line;
  if (slashes == 1) return std::nullopt;
  return line.substr(1);
}

/// Throws   UsageError when a line is one word that looks like a command and is none
void refuse_slip(std::string_view line) {
  const auto word = first_word(line);
  if (word.starts_with('/') && word.find('/', 1) == std::string_view::npos && word == line &&
      std::ranges::find(kCommands, word) == kCommands.end())
    throw base::UsageError(base::printable(word) + " is no command; /help lists them");
}

bool is_text(std::string_view text) {
  return !is_blank(text) && !base::first_bad_utf8(text) && text.find('\0') == text.npos;
}

/// A conversation in the terminal; with a pipe, a filter from lines to replies.
class Chat {
 public:
  /// `streams`: replies are shown while they are written.
  Chat(LoadedModel& loaded, const DecodingFlags& flags, const configs::CommonOptions& common,
       DecodingOptions options, bool streams)
      : loaded_(loaded),
        flags_(flags),
        common_(common),
        streams_(streams),
        options_(std::move(options)),
        wording_(std::make_shared<Wording>(options_, loaded.tokenizer)),
        session_(*loaded.model, loaded.batch) {}

  void set_facts(const std::vector<std::string>& facts) {
    std::vector<data::Context::Row> rows;
    for (const auto& fact : facts) {
      if (!is_text(fact))
        throw base::UsageError("banter chat: --fact " + base::printable(fact) +
                               ": must be UTF-8 text that is not blank");
      rows.push_back({.ids = loaded_.tokenizer.encode(fact), .speaker = kModel});
    }
    session_.set_facts(std::move(rows));
    facts_ = facts;
  }

  void run(LineSource& lines) {
    const bool has_prompt = lines.is_terminal() && ::isatty(STDOUT_FILENO) == 1;
    if (has_prompt && !common_.quiet)
      print("Talking to " + loaded_.type + " at step " + std::to_string(loaded_.checkpoint.step) +
            ". /help lists commands, /quit ends.\n");
    for (;;) {
      if (has_prompt) print("you> ");
      const auto line = lines.next();
      base::throw_if_stopped();
      if (!line) {
        if (has_prompt) print("\n");
        return;
      }
      if (is_blank(*line)) continue;
      try {
        if (has_prompt) refuse_slip(*line);
        if (const auto text = said_by(*line)) {
          answer(std::string(*text), has_prompt);
        } else if (!obey(*line)) {
          return;
        }
      } catch (const base::Stopped&) {
        throw;
      } catch (const base::FileError&) {
        throw;
      } catch (const base::Error& error) {
        if (!has_prompt) throw base::DataError(lines.where() + ": " + error.what());
        print(std::string(error.what()) + "\n");
      }
    }
  }

 private:
  void answer(const std::string& text, bool has_prompt) {
    if (const auto bad = base::first_bad_utf8(text))
      throw base::DataError("byte " + std::to_string(*bad + 1) + " of the line is not UTF-8");
    if (text.find('\0') != std::string::npos)
      throw base::DataError("the line holds a NUL character");
    say(kPerson, "you: " + text, loaded_.tokenizer.encode(text));
    try {
      auto composed = session_.compose(kModel);
      const auto sources = shown_sources(composed);
      const auto reply = spoken(std::move(composed), has_prompt);
      view_ = attention_view(reply, sources);
      say(kModel, "bot: " + one_line(text_of(reply, loaded_.tokenizer)),
          said_ids(reply, loaded_.tokenizer));
    } catch (...) {  // what got no answer was not said: a person may try again
      session_.take_back_turn();
      texts_.pop_back();
      throw;
    }
    ++replies_;
    if (shows_attention_) print(view_);
  }

  /// The next reply, which is on the terminal then.
  Reply spoken(Composed composed, bool has_prompt) {
    auto request = chat_request(session_, std::move(composed), options_, wording_, replies_ + 1);
    ReplyText written(loaded_.tokenizer);
    OpenLine line(has_prompt ? "bot> " : "");
    if (streams_)
      request.on_committed = [&](std::span<const data::TokenId> ids) {
        line.add(one_line(written.add(ids)));
      };
    auto reply = chat_reply(loaded_, std::move(request));
    line.end(one_line(written.finish(reply)));
    return reply;
  }

  /// What a reply reads, as it is shown; forgets texts that no reply will read again.
  std::vector<std::string> shown_sources(const Composed& composed) {
    std::vector<std::string> sources;
    sources.reserve(static_cast<std::size_t>(composed.facts) + texts_.size());
    for (std::int64_t f = 0; f < composed.facts; ++f)
      sources.push_back("fact: " + facts_[static_cast<std::size_t>(f)]);
    const auto last = static_cast<std::ptrdiff_t>(composed.turns);
    while (static_cast<std::ptrdiff_t>(texts_.size()) > last) texts_.pop_front();
    sources.insert(sources.end(), texts_.begin(), texts_.end());
    return sources;
  }

  void say(std::int64_t speaker, std::string text, std::vector<data::TokenId> ids) {
    session_.add_turn({.ids = std::move(ids), .speaker = speaker});
    texts_.push_back(std::move(text));
  }

  /// False when the command ends the chat.
  bool obey(const std::string& line) {
    const auto name = first_word(line);
    const auto begin = line.find_first_not_of(kBlanks, name.size());
    auto rest = begin == std::string::npos ? "" : line.substr(begin);
    rest.erase(rest.find_last_not_of(kBlanks) + 1);
    if (name == "/quit") return false;
    if (name == "/help") {
      print(kHelp);
    } else if (name == "/reset") {
      session_.reset();
      texts_.clear();
      view_.clear();
      replies_ = 0;
    } else if (name == "/attention") {
      attention(rest);
    } else {
      set(rest);
    }
    return true;
  }

  void attention(const std::string& rest) {
    if (rest.empty()) {
      print(view_.empty() ? "there is no reply yet\n" : view_);
    } else if (rest == "on" || rest == "off") {
      shows_attention_ = rest == "on";
    } else {
      throw base::UsageError("/attention takes nothing, on or off");
    }
  }

  void set(const std::string& setting) {
    if (setting.find('=') == std::string::npos)
      throw base::UsageError("/set needs NAME=VALUE, as in /set method=sample");
    auto settings = settings_;
    settings.push_back(setting);
    if (auto read = flags_.read(loaded_.checkpoint, common_, settings)) options_ = *read;
    wording_ = std::make_shared<Wording>(options_, loaded_.tokenizer);
    settings_ = std::move(settings);
    if (setting.starts_with("seed=")) replies_ = 0;
  }

  LoadedModel& loaded_;
  const DecodingFlags& flags_;
  const configs::CommonOptions& common_;
  const bool streams_;
  DecodingOptions options_;
  std::shared_ptr<const Wording> wording_;  ///< of options_
  ChatSession session_;
  std::vector<std::string> facts_;
  std::vector<std::string> settings_;  ///< of /set, so far
  std::deque<std::string> texts_;      ///< of the session's turns, as they are shown
  std::string view_;                   ///< what the last reply looked at
  bool shows_attention_ = false;
  std::uint64_t replies_ = 0;  ///< since the seed or the conversation began
};

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
  void check(const configs::CommonOptions& common, const std::vector<std::string>& facts) const {
    if (common.json && !is_asked())
      throw base::UsageError("banter chat: --json goes with --self; a chat's answers are lines");
    if (!facts.empty() && is_asked())
      throw base::UsageError(
          "banter chat: --fact does not go with --self, where both would say it");
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

}  // namespace

int run_chat(const std::vector<std::string>& arguments) {
  configs::CommandLine line(
      "banter chat",
      "Talk to a model in the terminal; with a pipe, lines in, replies out. A terminal shows a\n"
      "reply while it is written, as soon as nothing can change it.",
      "banter chat runs/chat\n"
      "banter chat runs/chat --method sample --top-p 0.9\n"
      "banter chat runs/chat --fact 'i live in rome .' --fact 'i have a dog .'\n"
      "printf 'hi\\nhow are you ?\\n' | banter chat runs/chat\n"
      "banter chat runs/hred --self runs/seq2seq --turns 20 --first hello --method sample --json");
  line.with_config();
  line.with_json();
  ModelArguments model;
  model.add_to(line.app);
  model.add_ensemble_to(line.app);
  std::vector<std::string> facts;
  DecodingFlags flags;
  line.app.add_option("--fact", facts, "something true of the model's persona; may be repeated")
      ->allow_extra_args(false);
  bool no_stream = false;
  line.app.add_flag("--no-stream", no_stream, "show a reply only when all of it is there");
  SelfArguments self;
  self.add_to(line.app);
  flags.add_to(line.app);
  if (!line.parse(arguments)) return 0;
  self.check(line.common, facts);
  const bool streams = !no_stream && ::isatty(STDOUT_FILENO) == 1;

  auto loaded = model.load();
  auto options = flags.read(loaded.checkpoint, line.common);
  if (!options) return 0;
  if (self.is_asked()) {
    self.run(model, loaded, *options, flags, line.common, streams);
    return 0;
  }
  LineSource lines("");
  Chat chat(loaded, flags, line.common, *std::move(options), streams);
  chat.set_facts(facts);
  chat.run(lines);
  return 0;
}

}  // namespace banter::models
