#include "serve/protocol/client_frame.h"

#include <algorithm>
#include <array>

#include "serve/protocol/decode_json.h"
#include "serve/protocol/fields.h"

namespace banter::serve {
namespace {

constexpr TextRule kSecretRule{.max_chars = 1024, .printable_ascii = true};
constexpr TextRule kClientRule{.max_chars = 200};

std::optional<DecodeChange> read_decode_of(const Fields& fields, const FrameLimits& limits) {
  const auto decode = fields.object_if("decode");
  if (!decode) return std::nullopt;
  return read_decode(decode->object(), decode->path(), limits.decode);
}

std::vector<std::string> read_facts(const Fields& persona, const FrameLimits& limits) {
  const TextRule rule{.max_chars = limits.max_fact_chars, .when_longer = ErrorCode::kTooLong};
  auto facts = persona.list("facts", [&](const json::value& fact, const std::string& name) {
    return read_text(fact, name, rule);
  });
  if (std::ssize(facts) <= limits.max_facts) return facts;
  const auto name = persona.name_of("facts");
  throw RequestError(ErrorCode::kTooLong,
                     name + " are more than " + std::to_string(limits.max_facts), name);
}

std::optional<Persona> read_persona(const Fields& fields, const FrameLimits& limits) {
  const auto persona = fields.object_if("persona");
  if (!persona) return std::nullopt;
  const bool by_id = persona->find("id") != nullptr;
  if (by_id == (persona->find("facts") != nullptr))
    refuse_field(fields.name_of("persona"), "an object with either id or facts");
  if (by_id) return Persona{.id = persona->text("id", kIdRule)};
  return Persona{.facts = read_facts(*persona, limits)};
}

std::optional<Resume> read_resume(const Fields& fields) {
  const auto resume = fields.object_if("resume");
  if (!resume) return std::nullopt;
  return Resume{.session = resume->text("session", kIdRule),
                .resume_token = resume->text("resume_token", kSecretRule),
                .epoch = resume->whole("epoch", 1, kMaxWhole),
                .last_seq = resume->whole("last_seq", 0, kMaxWhole)};
}

using Read = ClientFrame (*)(const Fields& fields, const FrameLimits& limits);

ClientFrame read_hello(const Fields& fields, const FrameLimits&) {
  return Hello{.token = fields.text_if("token", kSecretRule),
               .client = fields.text_if("client", kClientRule),
               .resume = read_resume(fields)};
}

ClientFrame read_session_update(const Fields& fields, const FrameLimits& limits) {
  return SessionUpdate{.persona = read_persona(fields, limits),
                       .decode = read_decode_of(fields, limits),
                       .attention = fields.word_if<AttentionLevel>("attention"),
                       .attention_live = fields.bool_if("attention_live")};
}

ClientFrame read_message(const Fields& fields, const FrameLimits& limits) {
  const TextRule rule{.max_chars = limits.max_text_chars, .when_longer = ErrorCode::kTooLong};
  return Message{.id = fields.text("id", kIdRule),
                 .text = fields.text("text", rule),
                 .decode = read_decode_of(fields, limits)};
}

ClientFrame read_regenerate(const Fields& fields, const FrameLimits& limits) {
  return Regenerate{.id = fields.text("id", kIdRule),
                    .turn = fields.whole("turn", 0, kMaxWhole),
                    .decode = read_decode_of(fields, limits)};
}

ClientFrame read_cancel(const Fields& fields, const FrameLimits&) {
  return Cancel{.id = fields.text_if("id", kIdRule)};
}

ClientFrame read_history(const Fields& fields, const FrameLimits&) {
  HistoryRequest frame{.before = fields.whole_if("before", 0, kMaxWhole)};
  frame.limit = fields.whole_if("limit", 1, HistoryRequest::kMaxLimit).value_or(frame.limit);
  return frame;
}

ClientFrame read_rate(const Fields& fields, const FrameLimits&) {
  return Rate{.turn = fields.whole("turn", 0, kMaxWhole), .value = fields.whole("value", -1, 1)};
}

ClientFrame read_ping(const Fields& fields, const FrameLimits&) {
  return Ping{.t = fields.number("t")};
}

template <typename Frame>
ClientFrame read_bare(const Fields&, const FrameLimits&) {
  return Frame{};
}

struct Type {
  std::string_view name;
  Read read;
};

constexpr std::array kTypes = {
    Type{Hello::kType, read_hello},
    Type{SessionUpdate::kType, read_session_update},
    Type{Message::kType, read_message},
    Type{Regenerate::kType, read_regenerate},
    Type{Cancel::kType, read_cancel},
    Type{Reset::kType, read_bare<Reset>},
    Type{HistoryRequest::kType, read_history},
    Type{Export::kType, read_bare<Export>},
    Type{Delete::kType, read_bare<Delete>},
    Type{Rate::kType, read_rate},
    Type{Ping::kType, read_ping},
};
static_assert(kTypes.size() == std::variant_size_v<ClientFrame>);

const Type& type_of(const Fields& fields) {
  const auto* name = fields.need("type").if_string();
  if (name == nullptr) refuse_field("type", "a text");
  const auto found = std::ranges::find(kTypes, std::string_view(*name), &Type::name);
  if (found != kTypes.end()) return *found;
  std::string known;
  for (const auto& type : kTypes) known += " " + std::string(type.name);
  throw RequestError(ErrorCode::kUnknownType, "type is unknown; known:" + known, "type");
}

/// The frame's `id` if it can be sent back, or "".
std::string sound_id(const json::object& object) {
  const auto* id = object.if_contains("id");
  if (id == nullptr) return {};
  try {
    return read_text(*id, "id", kIdRule);
  } catch (const RequestError&) {  // whoever needs an id will say so
    return {};
  }
}

}  // namespace

ClientFrame read_client_frame(std::string_view text, const FrameLimits& limits) {
  if (text.size() > kMaxFrameBytes) {
    throw RequestError(ErrorCode::kTooLong,
                       "the frame is longer than " + std::to_string(kMaxFrameBytes) + " bytes");
  }
  const auto value = read_json(text);
  if (!value.is_object())
    throw RequestError(ErrorCode::kBadRequest, "the frame must be one JSON object");
  const auto& object = value.get_object();
  const Fields fields(object);
  try {
    return type_of(fields).read(fields, limits);
  } catch (RequestError& error) {
    error.id = sound_id(object);
    throw;
  }
}

}  // namespace banter::serve
