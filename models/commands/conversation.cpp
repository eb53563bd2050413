#include "models/commands/conversation.h"

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <span>
#include <string_view>
#include <utility>

#include <unistd.h>

#include "base/errors.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "models/commands/attention_view.h"
#include "models/commands/chat_reply.h"
#include "models/commands/consistency_view.h"
#include "models/commands/nli_argument.h"
#include "models/commands/open_line.h"
#include "models/commands/persona_limits.h"
#include "models/commands/reply_json.h"
#include "models/decoding/reply_text.h"

namespace banter::models {
namespace {

namespace json = base::json;

constexpr std::int64_t kPerson = 1, kModel = 2;  // speakers, as the first two of a corpus
constexpr std::string_view kNoPersona = "there is no persona; /persona add TEXT gives it a line\n";

void note(const std::string& text) { std::cerr << "note: " << text << '\n'; }

}  // namespace

Conversation::Conversation(LoadedModel& loaded, const DecodingFlags& flags,
                           const configs::CommonOptions& common, DecodingOptions decoding,
                           ConsistencyJudge* judge, const ConversationOptions& options)
    : loaded_(loaded),
      flags_(flags),
      common_(common),
      judge_(judge),
      options_(options),
      session_(*loaded.model, loaded.batch) {
  if (options.with_draft) expect_draft(loaded);
  choose_by(std::move(decoding));
}

void Conversation::choose_by(DecodingOptions decoding) {
  reranker_ = reranker_of(decoding, judge_, loaded_.tokenizer);
  wording_ = std::make_shared<Wording>(decoding, loaded_.tokenizer);
  decoding_ = std::move(decoding);
}

void Conversation::set_persona(Persona persona) {
  std::vector<data::Context::Row> rows;
  std::vector<std::int64_t> tokens;
  for (const auto& line : persona.lines()) {
    rows.push_back({.ids = loaded_.tokenizer.encode(line), .speaker = kModel});
    tokens.push_back(std::ssize(rows.back().ids));
  }
  session_.set_facts(std::move(rows));
  persona_ = std::move(persona);
  give_notes(tokens);
}

/// Says what is left out of the persona, where that was not said of the one before.
void Conversation::give_notes(const std::vector<std::int64_t>& tokens) {
  auto notes = notes_on_persona(tokens, loaded_.batch);
  for (std::size_t i = 0; judge_ != nullptr && i < persona_.lines().size(); ++i)
    if (!judge_->reads_all_of(persona_.lines()[i]))
      notes.push_back("line " + std::to_string(i + 1) +
                      " of the persona is longer than the classifier of --nli reads (its "
                      "batch.max_reply_tokens)");
  for (const auto& text : notes)
    if (std::ranges::find(notes_, text) == notes_.end()) note(text);
  notes_ = std::move(notes);
}

void Conversation::run(LineSource& lines) {
  const bool has_prompt = lines.is_terminal() && ::isatty(STDOUT_FILENO) == 1 && !options_.as_json;
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
    if (base::is_blank(*line)) continue;
    try {
      if (const auto command = command_of(*line); command && command->name == "/quit") return;
      take(*line, has_prompt);
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

void Conversation::take(const std::string& line, bool has_prompt) {
  if (has_prompt) refuse_slip(line);
  if (const auto command = command_of(line))
    obey(*command);
  else
    answer(said_by(line), has_prompt);
}

void Conversation::answer(std::string_view text, bool has_prompt) {
  if (const auto bad = base::first_bad_utf8(text))
    throw base::DataError("byte " + std::to_string(*bad + 1) + " of the line is not UTF-8");
  if (text.find('\0') != std::string_view::npos)
    throw base::DataError("the line holds a NUL character");
  say(kPerson, "you: " + std::string(text), loaded_.tokenizer.encode(text));
  try {
    last_ = speak(session_.compose(kModel), has_prompt);
    say(kModel, "bot: " + one_line(text_of_last()), said_ids(last_->reply, loaded_.tokenizer));
  } catch (...) {  // what got no answer was not said: a person may try again
    session_.take_back_turn();
    texts_.pop_back();
    throw;
  }
  ++replies_;
  show(last_.value());
}

/// The next reply, which is on the terminal then.
Conversation::Answer Conversation::speak(Composed composed, bool has_prompt) {
  Answer answer{.reply = {}, .draft = std::nullopt, .sources = collect_sources(composed)};
  auto request = chat_request(session_, std::move(composed), decoding_, wording_, replies_ + 1);
  request.reranker = reranker_;
  request.options.with_log_probs = options_.as_json;
  ReplyText written(loaded_.tokenizer);
  OpenLine line(has_prompt ? "bot> " : "");
  if (options_.streams)
    request.on_committed = [&](const CommittedReply& committed) {
      line.add(one_line(written.add(committed.ids)));
    };
  auto replies = chat_reply(loaded_, std::move(request), options_.with_draft);
  answer.reply = std::move(replies.best.at(0));
  answer.draft = std::move(replies.draft);
  if (!options_.as_json) line.end(one_line(written.finish(answer.reply)));
  return answer;
}

/// What is asked for beside a reply's text; as JSON all of it.
void Conversation::show(const Answer& answer) const {
  if (!options_.as_json) {
    if (options_.with_draft)
      print("draft: " + one_line(models::text_of(answer.draft.value(), loaded_.tokenizer)) + "\n");
    if (shows_attention_) print(attention_view(answer.reply, answer.sources));
    if (shows_consistency_) print(persona_view(persona_.lines(), judge_last()));
    return;
  }
  auto object = reply_json(answer.reply, loaded_.tokenizer);
  if (!shows_attention_) object.erase("attention");
  if (shows_attention_) object["sources"] = json::value_from(answer.sources);
  if (options_.with_draft) object["draft"] = reply_json(answer.draft.value(), loaded_.tokenizer);
  if (judge_ != nullptr) object["consistency"] = consistency_json(persona_.lines(), judge_last());
  print(json::serialize(object) + "\n");
}

/// What a reply reads, as it is shown; forgets texts that no reply will read again.
std::vector<std::string> Conversation::collect_sources(const Composed& composed) {
  std::vector<std::string> sources;
  sources.reserve(static_cast<std::size_t>(composed.facts) + texts_.size());
  for (std::int64_t f = 0; f < composed.facts; ++f)
    sources.push_back("fact: " + persona_.lines()[static_cast<std::size_t>(f)]);
  const auto last = static_cast<std::ptrdiff_t>(composed.turns);
  while (static_cast<std::ptrdiff_t>(texts_.size()) > last) texts_.pop_front();
  sources.insert(sources.end(), texts_.begin(), texts_.end());
  return sources;
}

void Conversation::say(std::int64_t speaker, std::string text, std::vector<data::TokenId> ids) {
  session_.add_turn({.ids = std::move(ids), .speaker = speaker});
  texts_.push_back(std::move(text));
}

void Conversation::obey(const ChatCommand& command) {
  const auto& [name, rest] = command;
  if (name == "/help") {
    print_view(std::string(kChatHelp), {{"help", json::string(kChatHelp)}});
  } else if (name == "/reset") {
    reset();
  } else if (name == "/persona") {
    obey_persona(rest);
  } else if (name == "/consistency") {
    obey_consistency(rest);
  } else if (name == "/attention") {
    obey_attention(rest);
  } else if (name == "/draft") {
    obey_draft(rest);
  } else {
    set(rest);
  }
}

void Conversation::reset() {
  session_.reset();
  texts_.clear();
  last_.reset();
  replies_ = 0;
}

void Conversation::obey_persona(const std::string& rest) {
  if (!rest.empty()) {
    auto changed = persona_;
    changed.change(rest);
    set_persona(std::move(changed));
    return;
  }
  const auto judged = judge_last();
  print_view(
      persona_.lines().empty() ? std::string(kNoPersona) : persona_view(persona_.lines(), judged),
      judged.empty() ? json::object{{"persona", json::value_from(persona_.lines())}}
                     : json::object{{"persona", json::value_from(persona_.lines())},
                                    {"consistency", consistency_json(persona_.lines(), judged)}});
}

void Conversation::obey_consistency(const std::string& rest) {
  if (judge_ == nullptr)
    throw base::UsageError(
        "/consistency needs a classifier of sentence pairs: name its run with --nli");
  if (is_switch(rest, "/consistency")) {
    shows_consistency_ = rest == "on";
  } else if (!last_) {
    print_missing_reply("consistency");
  } else if (persona_.lines().empty()) {
    print_view(std::string(kNoPersona), {{"consistency", json::array()}});
  } else {
    const auto judged = judge_last();
    print_view(persona_view(persona_.lines(), judged),
               {{"consistency", consistency_json(persona_.lines(), judged)}});
  }
}

void Conversation::obey_attention(const std::string& rest) {
  if (is_switch(rest, "/attention")) {
    shows_attention_ = rest == "on";
  } else if (!last_) {
    print_missing_reply("attention");
  } else {
    auto whole = reply_json(last_->reply, loaded_.tokenizer);
    print_view(attention_view(last_->reply, last_->sources),
               {{"attention", whole["attention"]}, {"sources", json::value_from(last_->sources)}});
  }
}

void Conversation::obey_draft(const std::string& rest) {
  expect_draft(loaded_);
  if (is_switch(rest, "/draft")) {
    options_.with_draft = rest == "on";
  } else if (!last_) {
    print_missing_reply("draft");
  } else if (!last_->draft) {
    print_view("none was made; /draft on shows one with each reply\n", {{"draft", nullptr}});
  } else {
    print_view(one_line(models::text_of(*last_->draft, loaded_.tokenizer)) + "\n",
               {{"draft", reply_json(*last_->draft, loaded_.tokenizer)}});
  }
}

void Conversation::set(const std::string& setting) {
  if (setting.find('=') == std::string::npos)
    throw base::UsageError("/set needs NAME=VALUE, as in /set method=sample");
  auto settings = settings_;
  settings.push_back(setting);
  if (auto read = flags_.read(loaded_.checkpoint, common_, settings)) choose_by(*std::move(read));
  settings_ = std::move(settings);
  if (setting.starts_with("seed=")) replies_ = 0;
}

/// How the last reply stands to the lines of the persona as it is now; nothing without either.
std::vector<Judgement> Conversation::judge_last() const {
  if (judge_ == nullptr || !last_) return {};
  return judge_->judge(text_of_last(), persona_.lines());
}

std::string Conversation::text_of_last() const {
  return models::text_of(last_.value().reply, loaded_.tokenizer);
}

void Conversation::print_view(const std::string& text, const json::object& object) const {
  print(options_.as_json ? json::serialize(object) + "\n" : text);
}

void Conversation::print_missing_reply(const char* name) const {
  print_view("there is no reply yet\n", {{name, nullptr}});
}

}  // namespace banter::models
