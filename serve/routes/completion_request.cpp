#include "serve/routes/completion_request.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/utf8.h"
#include "models/decoding/search_input.h"
#include "serve/protocol/decode_json.h"
#include "serve/protocol/fields.h"
#include "serve/sessions/asked_turn.h"
#include "serve/sessions/secrets.h"

namespace banter::serve {
namespace {

// OpenAI's own bounds, but for the number of ids, which they do not name.
constexpr std::int64_t kMostTopLogProbs = 20;
constexpr std::size_t kMostBiases = 1024;
constexpr double kMostBias = 100;

/// A field of OpenAI's and ours that it stands for.
struct SharedField {
  std::string_view theirs, ours;
};
constexpr std::array kSharedFields = {
    SharedField{"max_tokens", "max_new_tokens"},
    SharedField{"max_completion_tokens", "max_new_tokens"},
    SharedField{"temperature", "temperature"},
    SharedField{"top_p", "top_p"},
    SharedField{"stop", "stop"},
    SharedField{"seed", "seed"},
    SharedField{"n", "n"},
};

bool names(const DecodeChange& change, std::string_view field) {
  return std::ranges::any_of(change.fields, [&](const auto& one) { return one.first == field; });
}

void set_strategy(DecodeChange& change, const char* strategy) {
  change.fields.emplace_back("strategy", DecodeValue(std::string(strategy)));
}

DecodeChange read_change(const Fields& fields, const DecodeLimits& limits) {
  DecodeChange change;
  for (const auto& [theirs, ours] : kSharedFields)
    if (const auto* value = fields.find(theirs))
      read_decode_field(change, ours, *value, std::string(theirs), limits);
  bool has_strategy = false;
  if (const auto own = fields.object_if("banter")) {
    auto more = read_decode(own->object(), own->path(), limits);
    has_strategy = names(more, "strategy");
    change.fields.insert(change.fields.end(), more.fields.begin(), more.fields.end());
  }
  if (has_strategy) return change;
  const auto number = [&](std::string_view field) {
    return fields.find(field) == nullptr ? 0 : fields.number(field);
  };
  if (fields.find("temperature") != nullptr && number("temperature") == 0) {
    set_strategy(change, "greedy");
  } else if (number("temperature") > 0 || number("top_p") > 0 || number("n") > 1) {
    set_strategy(change, "sample");
  }
  return change;
}

std::string content_of(const Fields& message, std::int64_t max_chars) {
  const TextRule rule{.max_chars = max_chars, .blank = true, .when_longer = ErrorCode::kTooLong};
  const auto& content = message.need("content");
  if (!content.is_array()) return message.text("content", rule);
  std::string text;
  for (const auto& part :
       message.list("content", [&](const json::value&value, const std::string&name) {
         const auto fields = Fields::of(value, name);
         if (fields.text("type", kIdRule) != "text") refuse_field(name + ".type", "text");
         return fields.text("text", rule);
       }))
    text += part;
  return text;
}

/// Facts of a system's message: its lines that say something.
void add_facts(std::vector<std::string>& facts, std::string_view text) {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!base::is_blank(line)) facts.emplace_back(line);
  }
}

void add_turn(Turn& turn, const ServedModel& model, std::int64_t speaker, std::string_view text,
              const std::string& name) {
  if (base::is_blank(text)) refuse_field(name, "a text that is not blank");
  turn.context.turns.push_back({.ids = model.tokenizer->encode(text), .speaker = speaker});
}

void set_persona(CompletionRequest& request, const Fields& own, const HubOptions& options) {
  const auto persona = own.object_if("persona");
  if (!persona) return;
  if (const auto id = persona->text_if("id", kIdRule)) {
    const auto found = std::ranges::find(options.personas, id, &Persona::id);
    if (found == options.personas.end())
      refuse_field("banter.persona.id", "one of the personas that the server has");
    request.turn.facts = found->facts;
    return;
  }
  const TextRule rule{.max_chars = options.frames.max_fact_chars};
  request.turn.facts =
      persona->list("facts", [&](const json::value& fact, const std::string& name) {
        return read_text(fact, name, rule);
      });
}

/// `logit_bias`: an object whose keys are ids.
std::vector<models::TokenBias> read_bias(const Fields& fields, const ServedModel& model) {
  std::vector<models::TokenBias> all;
  const auto bias = fields.object_if("logit_bias");
  if (!bias) return all;
  if (bias->object().size() > kMostBiases)
    refuse_field("logit_bias", "an object of at most " + std::to_string(kMostBiases) + " ids");
  for (const auto& [key, value] : bias->object()) {
    models::TokenBias one;
    const auto* const end = key.data() + key.size();
    const auto read = std::from_chars(key.data(), end, one.id);
    const bool is_plain = read.ec == std::errc() && read.ptr == end &&
                          std::string_view(key.data(), key.size()) == std::to_string(one.id);
    if (!is_plain || one.id < 0 || one.id >= model.tokenizer->vocab_size())
      refuse_field("logit_bias", "an object whose keys are ids of the model's vocabulary");
    const double nats = value.is_number() ? value.to_number<double>() : kMostBias + 1;
    if (!(std::abs(nats) <= kMostBias))
      refuse_field("logit_bias", "an object whose values are numbers from -100 to 100");
    one.nats = static_cast<float>(nats);
    all.push_back(one);
  }
  return all;
}

CompletionRequest read_common(const Fields& fields, const ServedModel& model) {
  const auto& [defaults, limits] = model.decode;
  CompletionRequest request;
  request.model = fields.text("model", {.max_chars = 1000});
  request.streams = fields.bool_if("stream").value_or(false);
  if (const auto stream = fields.object_if("stream_options"))
    request.includes_usage = stream->bool_if("include_usage").value_or(false);
  const auto decode = overlaid(defaults, read_change(fields, limits), defaults, limits, "");
  request.n = decode.n;
  request.seed = decode.seed.value_or(random_seed());
  auto& turn = request.turn;
  turn.decoding = search_options(decode, request.seed);
  turn.decoding.logit_bias = read_bias(fields, model);
  turn.is_by_mmi = decode.rerank == "mmi";
  turn.prefix = model.tokenizer->begin_reply(decode.prefix);
  turn.context.reply_speaker = kReplySpeaker;
  if (!models::fault_of_prefix(turn.prefix, turn.decoding, model.tokenizer->special()).empty())
    refuse_field("max_tokens", "more than the tokens of banter.prefix");
  return request;
}

/// Puts the persona into the context, and what else `banter` asks for; nothing is computed that
/// nobody asked for.
void finish(CompletionRequest& request, const Fields& fields, const ServedModel& model,
            const HubOptions& options) {
  request.turn.decoding.with_log_probs = request.with_log_probs;
  if (const auto own = fields.object_if("banter")) {
    set_persona(request, *own, options);
    request.attention = own->word_if<AttentionLevel>("attention").value_or(AttentionLevel::kNone);
    check_attention(request.attention, model, own->name_of("attention"));
    request.turn.decoding.with_token_attention = request.attention == AttentionLevel::kTokens;
  }
  if (std::ssize(request.turn.facts) > options.frames.max_facts)
    throw RequestError(ErrorCode::kTooLong,
                       "the facts are more than " + std::to_string(options.frames.max_facts),
                       "messages");
  for (const auto& fact : request.turn.facts)
    request.turn.context.facts.push_back(
        {.ids = model.tokenizer->encode(fact), .speaker = kReplySpeaker});
}

json::value read_body(std::string_view body) {
  auto value = read_json(body);
  if (!value.is_object())
    throw RequestError(ErrorCode::kBadRequest, "the body must be one JSON object");
  return value;
}

}  // namespace

CompletionRequest read_chat_completion(std::string_view body, const ServedModel& model,
                                       const HubOptions& options) {
  const auto value = read_body(body);
  const Fields fields(value.get_object());
  auto request = read_common(fields, model);
  request.with_log_probs = fields.bool_if("logprobs").value_or(false);
  if (request.with_log_probs && request.streams)
    refuse_field("logprobs", "false in a stream: what is streamed is text, not tokens");
  request.turn.decoding.top_log_probs =
      fields.whole_if("top_logprobs", 0, kMostTopLogProbs).value_or(0);
  if (request.turn.decoding.top_log_probs > 0 && !request.with_log_probs)
    refuse_field("top_logprobs", "0 where logprobs is not true");
  const auto read = [&](const json::value& item, const std::string& name) {
    const auto message = Fields::of(item, name);
    const auto role = message.text("role", kIdRule);
    const auto text = content_of(message, options.frames.max_text_chars);
    if (role == "system" || role == "developer") {
      add_facts(request.turn.facts, text);
    } else if (role == "user" || role == "assistant") {
      add_turn(request.turn, model, role == "user" ? kUserSpeaker : kReplySpeaker, text,
               message.name_of("content"));
    } else {
      refuse_field(message.name_of("role"), "one of system, developer, user, assistant");
    }
    return true;
  };
  (void)fields.list("messages", read);
  if (request.turn.context.turns.empty())
    refuse_field("messages", "a list with a message of the user");
  finish(request, fields, model, options);
  return request;
}

CompletionRequest read_completion(std::string_view body, const ServedModel& model,
                                  const HubOptions& options) {
  const auto value = read_body(body);
  const Fields fields(value.get_object());
  auto request = read_common(fields, model);
  add_turn(request.turn, model, kUserSpeaker,
           fields.text("prompt", {.max_chars = options.frames.max_text_chars}), "prompt");
  finish(request, fields, model, options);
  return request;
}

}  // namespace banter::serve
