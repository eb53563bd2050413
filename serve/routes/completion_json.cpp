#include "serve/routes/completion_json.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "models/decoding/reply_text.h"
#include "serve/protocol/json_writer.h"
#include "serve/sessions/reply_view.h"

namespace banter::serve {
namespace {

void open_answer(JsonWriter& writer, const Answer& answer, bool is_chunk) {
  const bool is_chat = answer.shape == Shape::kChat;
  writer.open('{');
  writer.field("id", answer.id);
  writer.field("object", std::string_view(!is_chat   ? "text_completion"
                                          : is_chunk ? "chat.completion.chunk"
                                                     : "chat.completion"));
  writer.field("created", answer.created);
  writer.field("model", answer.model);
}

void write_token(JsonWriter& writer, const data::Tokenizer& tokenizer,
                 const models::TokenLogProb& token) {
  const auto& surface = tokenizer.surface(token.id);
  writer.field("token", surface);
  writer.field("logprob", token.log_prob);
  writer.key("bytes");
  writer.open('[');
  for (const char byte : surface)
    writer.value(static_cast<std::int64_t>(static_cast<unsigned char>(byte)));
  writer.close(']');
}

void write_log_probs(JsonWriter& writer, const Answer& answer, const models::Reply& reply) {
  writer.key("logprobs");
  if (!answer.request.with_log_probs) return writer.null();
  writer.open('{');
  writer.key("content");
  writer.open('[');
  for (std::size_t i = 0; i < reply.ids.size(); ++i) {
    writer.open('{');
    write_token(writer, *answer.served->tokenizer, {reply.ids[i], reply.log_probs[i]});
    writer.key("top_logprobs");
    writer.open('[');
    if (!reply.top_log_probs.empty()) {
      for (const auto& token : reply.top_log_probs[i]) {
        writer.open('{');
        write_token(writer, *answer.served->tokenizer, token);
        writer.close('}');
      }
    }
    writer.close(']');
    writer.close('}');
  }
  writer.close(']');
  writer.close('}');
}

void write_usage(JsonWriter& writer, const TurnTokens& tokens) {
  writer.key("usage");
  writer.open('{');
  writer.field("prompt_tokens", tokens.prompt);
  writer.field("completion_tokens", tokens.completion);
  writer.field("total_tokens", tokens.prompt + tokens.completion);
  writer.key("prompt_tokens_details");
  writer.open('{');
  writer.field("cached_tokens", tokens.cached);
  writer.close('}');
  writer.close('}');
}

/// What OpenAI's shape has no place for.
void write_ours(JsonWriter& writer, const Answer& answer, const TurnEnd& end) {
  writer.key("banter");
  writer.open('{');
  writer.field("seed", answer.request.seed);
  writer.field("revision", end.revision);
  writer.field("consistency", end.consistency);
  if (answer.request.attention != AttentionLevel::kNone && !end.replies.best.empty()) {
    // Sources are numbered as the turns of `messages`, the system's left out.
    std::vector<std::int64_t> turns(answer.request.turn.context.turns.size());
    std::iota(turns.begin(), turns.end(), 0);
    const ReplySources sources{
        .turns = turns, .facts = end.replies.facts, .tokens = end.replies.tokens};
    writer.field("attention",
                 attention_of(end.replies.best.front(), sources, *answer.served->tokenizer));
  }
  writer.close('}');
}

}  // namespace

std::string_view finish_reason(const models::Reply& reply) {
  return reply.finish == "length" ? "length" : "stop";
}

std::string whole_text(const Answer& answer, const TurnEnd& end) {
  JsonWriter writer(1024);
  open_answer(writer, answer, /*is_chunk=*/false);
  writer.key("choices");
  writer.open('[');
  const auto& best = end.replies.best;
  const auto n = std::min(best.size(), static_cast<std::size_t>(answer.request.n));
  for (std::size_t i = 0; i < n; ++i) {
    const auto text = models::text_of(best[i], *answer.served->tokenizer);
    writer.open('{');
    writer.field("index", static_cast<std::int64_t>(i));
    if (answer.shape == Shape::kChat) {
      writer.key("message");
      writer.open('{');
      writer.field("role", std::string_view("assistant"));
      writer.field("content", text);
      writer.close('}');
    } else {
      writer.field("text", text);
    }
    write_log_probs(writer, answer, best[i]);
    writer.field("finish_reason", finish_reason(best[i]));
    writer.close('}');
  }
  writer.close(']');
  write_usage(writer, end.tokens);
  write_ours(writer, answer, end);
  writer.close('}');
  return writer.take();
}

std::string chunk_text(const Answer& answer, std::size_t index, const std::string& text,
                       std::string_view finish, bool begins) {
  JsonWriter writer;
  open_answer(writer, answer, /*is_chunk=*/true);
  writer.key("choices");
  writer.open('[');
  writer.open('{');
  writer.field("index", static_cast<std::int64_t>(index));
  if (answer.shape == Shape::kText) {
    writer.field("text", text);
  } else {
    writer.key("delta");
    writer.open('{');
    if (begins) writer.field("role", std::string_view("assistant"));
    if (begins || !text.empty()) writer.field("content", text);
    writer.close('}');
  }
  writer.key("logprobs");
  writer.null();
  writer.key("finish_reason");
  if (finish.empty()) {
    writer.null();
  } else {
    writer.value(finish);
  }
  writer.close('}');
  writer.close(']');
  writer.close('}');
  return writer.take();
}

std::string usage_chunk(const Answer& answer, const TurnEnd& end) {
  JsonWriter writer;
  open_answer(writer, answer, /*is_chunk=*/true);
  writer.key("choices");
  writer.open('[');
  writer.close(']');
  write_usage(writer, end.tokens);
  write_ours(writer, answer, end);
  writer.close('}');
  return writer.take();
}

}  // namespace banter::serve
