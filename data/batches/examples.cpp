#include "data/batches/examples.h"

#include "base/errors.h"

namespace banter::data {

BatchOptions BatchOptions::from(configs::Section& section) {
  BatchOptions o;
  o.shuffle = section.choice("shuffle", o.shuffle, {"dialogue", "reply"});
  const bool is_auto =
      section.has("tokens_per_batch") && section.value("tokens_per_batch").yaml() == "auto";
  if (is_auto) {
    section.get("tokens_per_batch", "auto");
  } else {
    o.tokens_per_batch = section.get("tokens_per_batch", o.tokens_per_batch);
  }
  o.max_context_turns = section.get("max_context_turns", o.max_context_turns);
  o.max_turn_tokens = section.get("max_turn_tokens", o.max_turn_tokens);
  o.max_reply_tokens = section.get("max_reply_tokens", o.max_reply_tokens);
  o.max_context_tokens = section.get("max_context_tokens", o.max_context_tokens);
  o.max_replies_per_part = section.get("max_replies_per_part", o.max_replies_per_part);
  o.window = section.get("window", o.window);
  o.reply_by = section.get("reply_by", o.reply_by);
  o.persona = section.choice("persona", o.persona, {"turns", "none"});

  constexpr std::int64_t kMost = 1'000'000'000;
  const auto in_range = [&](std::int64_t value, std::string_view key) {
    section.check(value >= 1 && value <= kMost, key, "from 1 to 1000000000");
  };
  in_range(o.tokens_per_batch, "tokens_per_batch");
  if (is_auto) o.tokens_per_batch = kAuto;
  in_range(o.max_context_turns, "max_context_turns");
  in_range(o.max_turn_tokens, "max_turn_tokens");
  in_range(o.max_reply_tokens, "max_reply_tokens");
  in_range(o.max_context_tokens, "max_context_tokens");
  in_range(o.max_replies_per_part, "max_replies_per_part");
  in_range(o.window, "window");
  try {
    const ReplyRule rule(o.reply_by);
  } catch (const configs::ConfigError& error) {
    section.fail("reply_by", error.what());
  }
  section.reject_unknown();
  return o;
}

std::string_view usual_replies(std::string_view format) {
  if (format == "convai2") return "speaker:B";
  if (format == "ubuntu_v2" || format == "personal_dialog") return "last";
  return "all";
}

ReplyRule::ReplyRule(std::string_view reply_by, std::string_view format) {
  constexpr std::string_view kSpeakerPrefix = "speaker:";
  if (reply_by == "auto") reply_by = usual_replies(format);
  if (reply_by == "all") {
    by_ = ReplyBy::kAll;
  } else if (reply_by == "last") {
    by_ = ReplyBy::kLast;
  } else if (reply_by == "right") {
    by_ = ReplyBy::kRight;
  } else if (reply_by.starts_with(kSpeakerPrefix) && reply_by.size() == kSpeakerPrefix.size() + 1 &&
             reply_by.back() >= 'A' && reply_by.back() <= 'Z') {
    by_ = ReplyBy::kSpeaker;
    speaker_ = static_cast<std::uint16_t>(reply_by.back() - 'A' + 1);
  } else {
    throw configs::ConfigError(
        "\"" + std::string(reply_by) +
        "\" is not one of auto, all, right, last, speaker:A, speaker:B, ...");
  }
}

bool ReplyRule::is_reply(const Split& split, const DialogueView& dialogue,
                         std::uint32_t turn) const {
  if (turn == 0) return false;
  switch (by_) {
    case ReplyBy::kAll:
      return true;
    case ReplyBy::kRight:
      return turn % 2 == 1;
    case ReplyBy::kLast:
      return turn + 1 == dialogue.turns;
    case ReplyBy::kSpeaker:
      return split.turn_speaker(dialogue.first_turn + turn) == speaker_;
  }
  return false;
}

std::uint32_t ReplyRule::count(const Split& split, const DialogueView& dialogue) const {
  if (by_ == ReplyBy::kAll) return dialogue.turns == 0 ? 0 : dialogue.turns - 1;
  if (by_ == ReplyBy::kRight) return dialogue.turns / 2;
  if (by_ == ReplyBy::kLast) return dialogue.turns > 1 ? 1 : 0;
  std::uint32_t count = 0;
  for (std::uint32_t turn = 1; turn < dialogue.turns; ++turn)
    if (is_reply(split, dialogue, turn)) ++count;
  return count;
}

std::uint32_t ReplyRule::nth(const Split& split, const DialogueView& dialogue,
                             std::uint64_t number) const {
  if (by_ == ReplyBy::kAll) return static_cast<std::uint32_t>(1 + number);
  if (by_ == ReplyBy::kRight) return static_cast<std::uint32_t>(1 + 2 * number);
  if (by_ == ReplyBy::kLast) return dialogue.turns - 1;
  auto turn = next(split, dialogue, 1);
  for (; number > 0; --number) turn = next(split, dialogue, turn + 1);
  return turn;
}

std::uint32_t ReplyRule::next(const Split& split, const DialogueView& dialogue,
                              std::uint32_t turn) const {
  while (turn < dialogue.turns && !is_reply(split, dialogue, turn)) ++turn;
  return std::min(turn, dialogue.turns);
}

std::int64_t training_labels(std::int64_t tokens, const BatchOptions& options) {
  return tokens > options.max_reply_tokens ? options.max_reply_tokens : tokens + 1;
}

std::int64_t turn_row_tokens(std::int64_t tokens, const BatchOptions& options) {
  return std::min(tokens, options.max_turn_tokens) + 1;
}

std::int64_t fact_row_tokens(std::int64_t tokens, const BatchOptions& options) {
  return turn_row_tokens(tokens, options) + 1;
}

}  // namespace banter::data
