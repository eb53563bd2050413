#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

#include "base/errors.h"
#include "base/random.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "models/commands.h"
#include "models/commands/attention_view.h"
#include "models/commands/given_context.h"
#include "models/commands/line_source.h"
#include "models/commands/model_arguments.h"
#include "models/commands/reply_json.h"
#include "models/decoding/decoder.h"
#include "models/decoding/search.h"
#include "models/decoding/session.h"

namespace banter::models {
namespace {

constexpr std::int64_t kPerson = 1, kModel = 2;  // speakers, as the first two of a corpus

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
    "Any other line is said as it is; //quit says /quit. At this prompt a lone /word that is none "
    "of\n"
    "these is taken for a slip.\n";

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

/// A conversation in the terminal; with a pipe, a filter from lines to replies.
class Chat {
 public:
  Chat(LoadedModel& loaded, const DecodingFlags& flags, const configs::CommonOptions& common,
       DecodingOptions options)
      : loaded_(loaded),
        flags_(flags),
        common_(common),
        options_(std::move(options)),
        wording_(std::make_shared<Wording>(options_, loaded.tokenizer)),
        session_(*loaded.model, loaded.batch) {}

  void set_facts(const std::vector<std::string>& facts) {
    std::vector<data::Context::Row> rows;
    for (const auto& fact : facts) {
      if (is_blank(fact) || base::first_bad_utf8(fact))
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
        print(std::string(error.what()) + "\n");  // a person may try again
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
    Request request{.number = 1,
                    .context = {},
                    .options = options_,
                    .composed = session_.compose(kModel),
                    .prefix = {},
                    .wording = wording_};
    request.context.turns.assign(session_.turns().begin(), session_.turns().end());
    if (options_.rerank == "none") request.options.replies = 1;
    request.options.seed = base::join_keys(options_.seed, ++replies_);  // as generate's lines
    std::vector<std::string> sources;
    sources.reserve(static_cast<std::size_t>(request.composed->facts) + texts_.size());
    for (std::int64_t f = 0; f < request.composed->facts; ++f)
      sources.push_back("fact: " + facts_[static_cast<std::size_t>(f)]);
    const auto last = static_cast<std::ptrdiff_t>(request.composed->turns);
    while (static_cast<std::ptrdiff_t>(texts_.size()) > last) texts_.pop_front();
    sources.insert(sources.end(), texts_.begin(), texts_.end());

    auto asked = std::optional(std::move(request));
    Reply reply;
    decode(
        *loaded_.model, loaded_.batch, {.max_rows = most_rows(options_), .with_attention = true},
        [&] { return std::exchange(asked, std::nullopt); },
        [&](Replies replies) { reply = std::move(replies.best.at(0)); });
    auto text_said = text_of(reply, loaded_.tokenizer);
    if (reply.cut_bytes > 0) reply.ids = loaded_.tokenizer.encode(text_said);
    const auto said = one_line(std::move(text_said));
    print((has_prompt ? "bot> " : "") + said + "\n");
    say(kModel, "bot: " + said, reply.ids);
    view_ = attention_view(reply, sources);
    if (shows_attention_) print(view_);
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

}  // namespace

int run_chat(const std::vector<std::string>& arguments) {
  configs::CommandLine line(
      "banter chat", "Talk to a model in the terminal; with a pipe, lines in, replies out.",
      "banter chat runs/chat\n"
      "banter chat runs/chat --method sample --top-p 0.9\n"
      "banter chat runs/chat --fact 'i live in rome .' --fact 'i have a dog .'\n"
      "printf 'hi\\nhow are you ?\\n' | banter chat runs/chat");
  line.with_config();
  ModelArguments model;
  model.add_to(line.app);
  std::vector<std::string> facts;
  DecodingFlags flags;
  line.app.add_option("--fact", facts, "something true of the model's persona; may be repeated")
      ->allow_extra_args(false);
  flags.add_to(line.app);
  if (!line.parse(arguments)) return 0;

  LineSource lines("");
  auto loaded = model.load();
  auto options = flags.read(loaded.checkpoint, line.common);
  if (!options) return 0;
  Chat chat(loaded, flags, line.common, *std::move(options));
  chat.set_facts(facts);
  chat.run(lines);
  return 0;
}

}  // namespace banter::models
