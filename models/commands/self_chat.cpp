#include "models/commands/self_chat.h"

#include <iostream>
#include <span>
#include <utility>

#include "base/errors.h"
#include "base/json.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "models/commands/chat_reply.h"
#include "models/commands/loop.h"
#include "models/commands/model_arguments.h"
#include "models/commands/open_line.h"
#include "models/commands/reply_json.h"
#include "models/decoding/reply_text.h"

namespace banter::models {
namespace {

namespace json = base::json;

std::int64_t speaker_of(std::size_t turn) { return 1 + static_cast<std::int64_t>(turn % 2); }
std::string name_of(std::size_t turn) { return turn % 2 == 0 ? "A" : "B"; }

}  // namespace

void SelfChat::add(const LoadedModel& loaded, const DecodingOptions& options) {
  if (options.rerank == kConsistency)
    throw base::UsageError(
        "banter chat: --rerank consistency does not go with --self, where nobody has a persona");
  talkers_.push_back({.loaded = loaded,
                      .options = options,
                      .wording = std::make_shared<Wording>(options, loaded.tokenizer),
                      .session = ChatSession(*loaded.model, loaded.batch)});
}

void SelfChat::run() {
  if (!options_.first.empty()) say_first();
  for (std::int64_t number = 1; number <= options_.turns && base::stop_signal() == 0; ++number)
    say_next(static_cast<std::uint64_t>(number));
  if (!texts_.empty()) sum_up();
  base::throw_if_stopped();
}

void SelfChat::hear(std::int64_t speaker, const std::string& text, const Talker* by,
                    const std::vector<data::TokenId>& ids) {
  for (auto& talker : talkers_)
    talker.session.add_turn(
        {.ids = &talker == by ? ids : talker.loaded.tokenizer.encode(text), .speaker = speaker});
}

void SelfChat::say_first() {
  const auto& text = options_.first;
  hear(speaker_of(0), text, nullptr, {});
  texts_.push_back(text);
  if (options_.as_json) {
    print(json::serialize(json::object{{"turn", 1}, {"speaker", "A"}, {"reply", text}}) + "\n");
  } else {
    print("A: " + one_line(text) + "\n");
  }
}

void SelfChat::say_next(std::uint64_t number) {
  const auto turn = texts_.size();
  auto& talker = talkers_[turn % talkers_.size()];
  const auto& tokenizer = talker.loaded.tokenizer;
  auto composed = turn == 0 ? talker.session.compose_nothing(speaker_of(turn))
                            : talker.session.compose(speaker_of(turn));
  auto request =
      chat_request(talker.session, std::move(composed), talker.options, talker.wording, number);
  request.options.with_log_probs = options_.as_json;
  ReplyText written(tokenizer);
  OpenLine line(name_of(turn) + ": ");
  if (options_.streams && !options_.as_json)
    request.on_committed = [&](const CommittedReply& committed) {
      line.add(one_line(written.add(committed.ids)));
    };
  const auto reply = chat_reply(talker.loaded, std::move(request)).best.at(0);
  const auto text = text_of(reply, tokenizer);
  if (options_.as_json) {
    json::object object{{"turn", turn + 1}, {"speaker", name_of(turn)}};
    auto made = reply_json(reply, tokenizer);
    made.erase("attention");
    for (auto& [key, value] : made) object[key] = std::move(value);
    print(json::serialize(object) + "\n");
  } else {
    line.end(one_line(written.finish(reply)));
  }
  hear(speaker_of(turn), text, &talker, said_ids(reply, tokenizer));
  texts_.push_back(text);
}

void SelfChat::sum_up() const {
  const auto loop = loop_at_end(texts_);
  const auto different = count_different(texts_);
  if (options_.as_json) {
    json::object object{{"turns", texts_.size()}, {"different", different}, {"loop", nullptr}};
    if (loop) object["loop"] = json::object{{"from", loop->from + 1}, {"length", loop->length}};
    print(json::serialize(object) + "\n");
    return;
  }
  std::cerr << different << " of " << texts_.size() << " turns differ";
  if (loop) {
    std::cerr << "; from turn " << loop->from + 1 << " on the same "
              << (loop->length == 1 ? "turn comes" : std::to_string(loop->length) + " turns come")
              << " again and again";
  }
  std::cerr << '\n';
}

}  // namespace banter::models
