#include "serve/client/server_frame_reader.h"

#include <array>
#include <chrono>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "serve/protocol/decode_fields.h"
#include "serve/protocol/fields.h"

namespace banter::serve {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// Texts of a server are shown or sent back, never obeyed: any will do.
constexpr TextRule kAnyText{.max_chars = kMaxWhole, .blank = true, .nul = true};
constexpr std::int64_t kLongestMs = 1'000'000'000'000;

std::string text_of(const Fields& fields, std::string_view name) {
  return fields.text(name, kAnyText);
}

std::int64_t count_of(const Fields& fields, std::string_view name) {
  return fields.whole(name, 0, kMaxWhole);
}

bool flag_of(const Fields& fields, std::string_view name) {
  const auto flag = fields.bool_if(name);
  if (!flag) (void)fields.need(name);  // throws: it is missing
  return flag.value();
}

Fields part_of(const Fields& fields, std::string_view name) {
  return Fields::of(fields.need(name), fields.name_of(name));
}

/// A number that is absent, or null because it was not finite.
std::optional<double> number_if(const Fields& fields, std::string_view name) {
  if (fields.find(name) == nullptr) return std::nullopt;
  return fields.number(name);
}

microseconds time_of(const Fields& fields, std::string_view name) {
  const double ms = fields.number(name);
  if (!(ms >= 0 && ms <= static_cast<double>(kLongestMs)))
    refuse_field(fields.name_of(name), "milliseconds from 0 on");
  return microseconds(std::llround(ms * 1000));
}

/// The largest value that a field of `ready.decode` takes.
std::int64_t most_of(const Fields& decode, std::string_view field, std::string_view bound) {
  return count_of(part_of(decode, field), bound);
}

DecodeLimits limits_of(const Fields& decode) {
  const auto word = [](const json::value& value, const std::string& name) {
    return read_text(value, name, kAnyText);
  };
  return {.max_beam_size = most_of(decode, "beam_size", "max"),
          .max_n = most_of(decode, "n", "max"),
          .max_best_of = most_of(decode, "best_of", "max"),
          .max_new_tokens = most_of(decode, "max_new_tokens", "max"),
          .max_texts = most_of(decode, "block", "max_texts"),
          .max_text_chars = most_of(decode, "block", "max_chars"),
          .max_prefix_chars = most_of(decode, "prefix", "max_chars"),
          .rerankers = part_of(decode, "rerank").list("choices", word)};
}

/// Values of all fields, as `session.updated` has them.
DecodeSettings settings_of(const json::object& values, const std::string& path,
                           const DecodeLimits& limits) {
  const DecodeSettings none;
  return overlaid(none, read_decode(values, path, limits), none, limits, path);
}

DecodeOffer offer_of(const Fields& decode) {
  DecodeOffer offer{.defaults = {}, .limits = limits_of(decode)};
  json::object defaults;
  for (const auto& field : decode_fields()) {
    const auto* value = part_of(decode, field.name).object().if_contains("default");
    if (value != nullptr) defaults[field.name] = *value;
  }
  offer.defaults = settings_of(defaults, decode.path(), offer.limits);
  return offer;
}

Ready read_ready(const Fields& fields) {
  const auto model = part_of(fields, "model");
  const auto limits = part_of(fields, "limits");
  const auto level = [](const json::value& value, const std::string& name) {
    return read_word<AttentionLevel>(value, name);
  };
  return {.session = text_of(fields, "session"),
          .epoch = fields.whole("epoch", 1, kMaxWhole),
          .resume_token = text_of(fields, "resume_token"),
          .resumed = flag_of(fields, "resumed"),
          .model = {.id = text_of(model, "id"),
                    .revision = text_of(model, "revision"),
                    .type = text_of(model, "type")},
          .limits = {.bytes = count_of(limits, "bytes"),
                     .chars = count_of(limits, "chars"),
                     .tokens = count_of(limits, "tokens"),
                     .turns_per_min = count_of(limits, "turns_per_min")},
          .personas = fields.list("personas", read_persona),
          .decode = offer_of(part_of(fields, "decode")),
          .attention = fields.list("attention", level)};
}

SessionUpdated read_updated(const Fields& fields, const DecodeLimits& limits) {
  const auto decode = part_of(fields, "decode");
  return {.persona = read_persona(fields.need("persona"), "persona"),
          .decode = settings_of(decode.object(), decode.path(), limits),
          .attention = fields.word<AttentionLevel>("attention"),
          .attention_live = flag_of(fields, "attention_live")};
}

TokenWeights read_token(const json::value& value, const std::string& name) {
  const auto fields = Fields::of(value, name);
  TokenWeights token{.text = text_of(fields, "text"),
                     .weights = fields.list("weights", read_source)};
  if (fields.find("turns") != nullptr) token.turns = fields.list("turns", read_source);
  return token;
}

Delta read_delta(const Fields& fields) {
  Delta delta{.id = text_of(fields, "id"),
              .turn = count_of(fields, "turn"),
              .text = text_of(fields, "text")};
  if (fields.find("tokens") != nullptr) delta.tokens = fields.list("tokens", read_token);
  return delta;
}

OtherReply read_other(const json::value& value, const std::string& name) {
  const auto fields = Fields::of(value, name);
  return {.text = text_of(fields, "text"), .score = number_if(fields, "score")};
}

Done read_done(const Fields& fields) {
  const auto usage = part_of(fields, "usage");
  const auto ms = part_of(fields, "ms");
  Done done{.id = text_of(fields, "id"),
            .turn = count_of(fields, "turn"),
            .finish = fields.word<Finish>("finish"),
            .text = text_of(fields, "text"),
            .score = number_if(fields, "score"),
            .usage = {.prompt = count_of(usage, "prompt"),
                      .completion = count_of(usage, "completion"),
                      .cached = count_of(usage, "cached")},
            .ms = {.queue = time_of(ms, "queue"), .total = time_of(ms, "total")},
            .seed = count_of(fields, "seed"),
            .truncated_turns = count_of(fields, "truncated_turns")};
  if (ms.find("first") != nullptr) done.ms.first = time_of(ms, "first");
  if (fields.find("others") != nullptr) done.others = fields.list("others", read_other);
  if (fields.find("consistency") != nullptr)
    done.consistency = fields.list("consistency", read_verdict);
  return done;
}

HistoryItem read_item(const json::value& value, const std::string& name) {
  const auto fields = Fields::of(value, name);
  HistoryItem item{.turn = count_of(fields, "turn"),
                   .version = count_of(fields, "version"),
                   .versions = fields.whole("versions", 1, kMaxWhole),
                   .role = fields.word<Role>("role"),
                   .text = text_of(fields, "text"),
                   .finish = fields.word_if<Finish>("finish"),
                   .rating = fields.whole_if("rating", -1, 1)};
  if (const auto attention = fields.object_if("attention"))
    item.attention = read_attention(*attention);
  if (fields.find("consistency") != nullptr)
    item.consistency = fields.list("consistency", read_verdict);
  if (const auto* persona = fields.find("persona"))
    item.persona = read_persona(*persona, fields.name_of("persona"));
  return item;
}

ErrorFrame read_error(const Fields& fields) {
  ErrorFrame error{.code = ErrorCode::kInternal,
                   .message = text_of(fields, "message"),
                   .field = fields.text_if("field", kAnyText),
                   .id = fields.text_if("id", kAnyText),
                   .fatal = flag_of(fields, "fatal")};
  // A code of a later version is some failure all the same.
  error.code = named<ErrorCode>(text_of(fields, "code")).value_or(ErrorCode::kInternal);
  if (const auto wait = fields.whole_if("retry_after_ms", 0, kLongestMs))
    error.retry_after = milliseconds(*wait);
  return error;
}

using ReadFrame = ServerFrame (*)(const Fields& fields, const DecodeLimits& limits);

struct FrameType {
  std::string_view name;
  ReadFrame read;
};

constexpr std::array kFrameTypes = {
    FrameType{Delta::kType, [](const Fields& f, auto&) -> ServerFrame { return read_delta(f); }},
    FrameType{Done::kType, [](const Fields& f, auto&) -> ServerFrame { return read_done(f); }},
    FrameType{Accepted::kType,
              [](const Fields& f, auto&) -> ServerFrame {
                return Accepted{.id = text_of(f, "id"),
                                .turn = count_of(f, "turn"),
                                .seed = count_of(f, "seed")};
              }},
    FrameType{Progress::kType,
              [](const Fields& f, auto&) -> ServerFrame {
                return Progress{.id = text_of(f, "id"),
                                .turn = count_of(f, "turn"),
                                .tokens = count_of(f, "tokens")};
              }},
    FrameType{Attention::kType,
              [](const Fields& f, auto&) -> ServerFrame {
                return Attention{.turn = count_of(f, "turn"), .weights = read_attention(f)};
              }},
    FrameType{Ready::kType, [](const Fields& f, auto&) -> ServerFrame { return read_ready(f); }},
    FrameType{SessionUpdated::kType,
              [](const Fields& f, const DecodeLimits& limits) -> ServerFrame {
                return read_updated(f, limits);
              }},
    FrameType{Exported::kType,
              [](const Fields& f, auto&) -> ServerFrame {
                return Exported{.dialogue = text_of(f, "dialogue")};
              }},
    FrameType{History::kType,
              [](const Fields& f, auto&) -> ServerFrame {
                return History{.items = f.list("items", read_item), .more = flag_of(f, "more")};
              }},
    FrameType{ErrorFrame::kType,
              [](const Fields& f, auto&) -> ServerFrame { return read_error(f); }},
    FrameType{Draining::kType,
              [](const Fields& f, auto&) -> ServerFrame {
                return Draining{.deadline = milliseconds(f.whole("deadline_ms", 0, kLongestMs))};
              }},
    FrameType{Pong::kType,
              [](const Fields& f, auto&) -> ServerFrame { return Pong{.t = f.number("t")}; }},
};

NumberedFrame read(std::string_view text, const DecodeLimits& limits) {
  const auto value = read_json(text);
  if (!value.is_object()) refuse_field("a frame", "an object");
  const Fields fields(value.get_object());
  NumberedFrame frame{.seq = count_of(fields, "seq")};
  const auto type = text_of(fields, "type");
  for (const auto& known : kFrameTypes)
    if (known.name == type) frame.frame = known.read(fields, limits);
  return frame;
}

}  // namespace

bool repeats_seq(const ServerFrame& frame) {
  return std::holds_alternative<Pong>(frame) || std::holds_alternative<Draining>(frame);
}

NumberedFrame read_server_frame(std::string_view text, const DecodeLimits& limits) {
  try {
    return read(text, limits);
  } catch (const RequestError& error) {
    throw base::DataError(std::string("the server's frame is none of chat.v1: ") + error.what());
  }
}

}  // namespace banter::serve
