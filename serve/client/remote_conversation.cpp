#include "serve/client/remote_conversation.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <random>
#include <utility>
#include <variant>

#include <unistd.h>

#include "base/errors.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "models/commands/attention_view.h"
#include "models/commands/open_line.h"
#include "models/commands/print.h"
#include "serve/client/decode_argument.h"

namespace banter::serve {
namespace {

namespace json = base::json;
using models::print;

constexpr std::array<std::string_view, 9> kWords = {
    "/again", "/attention", "/export", "/help", "/persona", "/quit", "/reset", "/set", "/history"};
constexpr std::array<std::string_view, 6> kAlone = {"/again", "/export", "/help",
                                                    "/quit",  "/reset",  "/history"};
constexpr models::CommandWords kRemoteWords = {.all = kWords, .alone = kAlone};
constexpr int kBarWidth = 12;

constexpr std::string_view kHelp =
    "Type to talk. A line that begins with one of these is a command:\n"
    "  /again           another reply to what was said last\n"
    "  /reset           forget the conversation\n"
    "  /persona         who the model is, a numbered line a sentence\n"
    "  /persona add TEXT, /persona N TEXT, /persona drop N, /persona clear\n"
    "                   change it; the conversation goes on\n"
    "  /persona use ID  take one of the server's\n"
    "  /attention       what the last reply looked at\n"
    "  /attention on    show it after each reply; /attention off\n"
    "  /attention turns, /attention tokens\n"
    "                   how closely it is told\n"
    "  /set NAME=VALUE  change how replies are chosen, as in /set strategy=sample;\n"
    "                   /set NAME=default takes it back\n"
    "  /history         what was said\n"
    "  /export          the conversation as a line that `banter prepare` reads\n"
    "  /help            this list\n"
    "  /quit            end (so does Ctrl-D)\n"
    "Any other line is said as it is; //quit says /quit. At this prompt a lone /word that is none\n"
    "of these is taken for a slip.\n";

void note(const std::string& text) { std::fputs(("note: " + text + "\n").c_str(), stderr); }

/// A text of the server as one line that changes nothing of a terminal.
std::string shown(const std::string& text) {
  return base::printable(models::one_line(text), std::numeric_limits<std::size_t>::max());
}

/// A frame as programs read it: the server's own fields, without what belongs to the connection.
json::object object_of(const ServerFrame& frame) {
  auto object = base::parse_json(server_frame_text(frame, 0), "frame").as_object();
  for (const auto* name : {"type", "seq", "id"}) object.stable_erase(name);
  return object;
}

std::string random_front() {
  std::random_device device;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "c%08x%08x-", device(), device());
  return text.data();
}

}  // namespace

RemoteConversation::RemoteConversation(RemoteSession& session, Ready ready,
                                       const RemoteConversationOptions& options)
    : session_(session), ready_(std::move(ready)), options_(options), id_front_(random_front()) {}

std::string RemoteConversation::next_id() { return id_front_ + std::to_string(++last_id_); }

void RemoteConversation::run(models::LineSource& lines) {
  const bool has_prompt = lines.is_terminal() && ::isatty(STDOUT_FILENO) == 1 && !options_.as_json;
  if (has_prompt && !options_.quiet)
    print("Talking to " + shown(ready_.model.id) + " (" + shown(ready_.model.type) + ", " +
          shown(ready_.model.revision) + "). /help lists commands, /quit ends.\n");
  for (;;) {
    if (has_prompt) print("you> ");
    const auto line = lines.next();
    base::throw_if_stopped();
    if (!line) {
      if (has_prompt) print("\n");
      return;
    }
    if (base::is_blank(*line)) continue;
    try {
      const auto command = models::command_of(*line, kRemoteWords);
      if (command && command->name == "/quit") return;
      take(*line, has_prompt);
    } catch (const base::Stopped&) {
      throw;
    } catch (const base::FileError&) {
      throw;
    } catch (const ServerError& error) {
      throw ServerError((has_prompt ? "" : lines.where() + ": ") + error.what());
    } catch (const base::Error& error) {
      if (!has_prompt) throw base::DataError(lines.where() + ": " + error.what());
      print(std::string(error.what()) + "\n");
    }
  }
}

void RemoteConversation::take(const std::string& line, bool has_prompt) {
  if (has_prompt) models::refuse_slip(line, kRemoteWords);
  if (const auto command = models::command_of(line, kRemoteWords))
    obey(*command, has_prompt);
  else
    say(models::said_by(line, kRemoteWords), has_prompt);
}

void RemoteConversation::say(std::string_view text, bool has_prompt) {
  if (const auto bad = base::first_bad_utf8(text))
    throw base::DataError("byte " + std::to_string(*bad + 1) + " of the line is not UTF-8");
  if (text.find('\0') != std::string_view::npos)
    throw base::DataError("the line holds a NUL character");
  const Message message{.id = next_id(), .text = std::string(text)};
  if (client_frame_text(message).size() > static_cast<std::size_t>(ready_.limits.bytes))
    throw base::DataError("the line is longer than the server takes in one frame, " +
                          std::to_string(ready_.limits.bytes) + " bytes");
  answer(message, has_prompt);
  said_[last_.value().done.turn - 1] = std::string(text);
}

/// Asks for a reply and shows it.
void RemoteConversation::answer(const ClientFrame& request, bool has_prompt) {
  const auto& id = std::visit(
      [](const auto& frame) -> std::string {
        if constexpr (requires { std::string(frame.id); }) {
          return frame.id;
        } else {
          return {};
        }
      },
      request);
  std::optional<AttentionWeights> attention;
  std::string written;  // of the reply, on the terminal
  models::OpenLine line(has_prompt ? "bot> " : "");
  const auto answered = session_.ask(request, [&](const ServerFrame& frame) {
    if (const auto* weights = std::get_if<Attention>(&frame)) attention = weights->weights;
    if (std::holds_alternative<Accepted>(frame) && !written.empty()) {
      line.add("\n");  // another life of the server makes it from the beginning
      written.clear();
    }
    const auto* delta = std::get_if<Delta>(&frame);
    if (delta == nullptr || delta->id != id || !options_.streams) return;
    written += delta->text;
    line.add(shown(delta->text));
  });
  const auto& done = std::get<Done>(answered);
  if (!options_.as_json) {
    const bool goes_on = done.text.starts_with(written);
    // What was lost with a connection may be missing in between: then all is said once more.
    line.end(goes_on ? shown(done.text.substr(written.size())) : "\n" + shown(done.text));
  }
  last_ = Reply{.done = done, .attention = std::move(attention)};
  said_[done.turn] = done.text;
  show(*last_);
  if (done.finish == Finish::kError || done.finish == Finish::kTimeout ||
      done.finish == Finish::kCancelled)
    note("the reply ended with " + std::string(name_of(done.finish)));
}

void RemoteConversation::show(const Reply& reply) const {
  if (options_.as_json) {
    auto object = object_of(reply.done);
    if (shows_attention_ && reply.attention)
      object["attention"] =
          object_of(Attention{.turn = reply.done.turn, .weights = *reply.attention});
    return print(json::serialize(object) + "\n");
  }
  if (shows_attention_) print(attention_text(reply));
}

void RemoteConversation::obey(const models::ChatCommand& command, bool has_prompt) {
  const auto& [name, rest] = command;
  if (name == "/help") {
    print_view(std::string(kHelp), {{"help", json::string(kHelp)}});
  } else if (name == "/again") {
    again(has_prompt);
  } else if (name == "/reset") {
    reset();
  } else if (name == "/persona") {
    obey_persona(rest);
  } else if (name == "/attention") {
    obey_attention(rest);
  } else if (name == "/export") {
    export_dialogue();
  } else if (name == "/history") {
    const auto history = std::get<History>(session_.ask(HistoryRequest{.limit = 100}));
    std::string text;
    for (const auto& item : history.items)
      text += (item.role == Role::kUser ? "you: " : "bot: ") + shown(item.text) + "\n";
    print_view(text, object_of(history));
  } else {
    set(rest);
  }
}

void RemoteConversation::again(bool has_prompt) {
  if (!last_) throw base::UsageError("there is no reply yet; say something first");
  const auto turn = last_->done.turn;
  answer(Regenerate{.id = next_id(), .turn = turn}, has_prompt);
}

void RemoteConversation::reset() {
  session_.ask(Reset{});
  said_.clear();
  last_.reset();
}

void RemoteConversation::export_dialogue() {
  const auto dialogue = std::get<Exported>(session_.ask(Export{})).dialogue;
  print(dialogue + "\n");  // JSON either way
}

void RemoteConversation::update(SessionUpdate update) {
  const auto updated = std::get<SessionUpdated>(session_.ask(std::move(update)));
  facts_ = updated.persona.facts;
}

void RemoteConversation::set_persona(models::Persona persona) {
  update({.persona = Persona{.id = std::nullopt, .facts = persona.lines()}});
  persona_ = std::move(persona);
}

void RemoteConversation::set(const std::string& setting) {
  DecodeChange change;
  add_decode_argument(change, setting, ready_.decode.limits);
  update({.decode = std::move(change)});
}

void RemoteConversation::obey_persona(const std::string& rest) {
  constexpr std::string_view kUse = "use ";
  if (rest.starts_with(kUse)) {
    const auto id = rest.substr(kUse.size());
    update({.persona = Persona{.id = id, .facts = {}}});
    models::Persona taken;
    for (const auto& fact : facts_) taken.add(fact);
    persona_ = std::move(taken);
    return;
  }
  if (!rest.empty()) {
    auto changed = persona_;
    changed.change(rest);
    return set_persona(std::move(changed));
  }
  std::string text;
  for (std::size_t i = 0; i < facts_.size(); ++i)
    text += std::to_string(i + 1) + "  " + shown(facts_[i]) + "\n";
  if (text.empty()) text = "there is no persona; /persona add TEXT gives it a line\n";
  print_view(text, {{"persona", json::value_from(facts_)}});
}

void RemoteConversation::obey_attention(const std::string& rest) {
  const bool has_any = std::ranges::any_of(
      ready_.attention, [](AttentionLevel level) { return level != AttentionLevel::kNone; });
  if (!has_any) throw base::UsageError("/attention: the server's model has no attention to tell");
  if (const auto level = named<AttentionLevel>(rest)) return update({.attention = level});
  if (!rest.empty() && rest != "on" && rest != "off")
    throw base::UsageError("/attention takes nothing, on, off, none, turns or tokens");
  if (!rest.empty()) {
    shows_attention_ = rest == "on";
  } else if (!last_) {
    print_view("there is no reply yet\n", {{"attention", nullptr}});
  } else if (!last_->attention) {
    print_view("none was told; /attention turns asks for it\n", {{"attention", nullptr}});
  } else {
    print_view(attention_text(*last_),
               {{"attention",
                 object_of(Attention{.turn = last_->done.turn, .weights = *last_->attention})}});
  }
}

/// A line a source: its weight as a bar and a number, and what it is.
std::string RemoteConversation::attention_text(const Reply& reply) const {
  if (!reply.attention) return {};
  std::string text;
  const auto add = [&](std::string_view name, const std::vector<SourceWeight>& sources) {
    text += std::string(name) + "\n";
    for (const auto& source : sources) {
      std::array<char, 16> number{};
      std::snprintf(number.data(), number.size(), " %.2f  ", static_cast<double>(source.weight));
      text += models::share_bar(static_cast<double>(source.weight), kBarWidth) + number.data() +
              text_of(source) + "\n";
    }
  };
  const auto& seen = *reply.attention;
  if (seen.static_turns) add("static", *seen.static_turns);
  if (seen.turns) add("dynamic", *seen.turns);
  const std::string of_tokens = seen.basis == AttentionLevel::kTokens ? ", tokens" : "";
  if (seen.static_weights) add("static" + of_tokens, *seen.static_weights);
  add("dynamic" + of_tokens, seen.weights);
  return text;
}

std::string RemoteConversation::text_of(const SourceWeight& source) const {
  std::string text;
  if (source.kind == SourceWeight::Kind::kFact) {
    const auto number = static_cast<std::size_t>(source.number);
    text = "fact: " + (number < facts_.size() ? facts_[number] : std::to_string(number));
  } else {
    const auto said = said_.find(source.number);
    text = (source.number % 2 == 0 ? "you: " : "bot: ") +
           (said == said_.end() ? "turn " + std::to_string(source.number) : said->second);
  }
  if (source.token) text = *source.token + "  in " + text;
  return shown(text);
}

void RemoteConversation::print_view(const std::string& text, const json::object& object) const {
  print(options_.as_json ? json::serialize(object) + "\n" : text);
}

}  // namespace banter::serve
