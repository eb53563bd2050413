#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "models/decoding/reply.h"
#include "serve/engine/turn.h"
#include "serve/routes/completion_request.h"
#include "serve/sessions/served_model.h"

/// Answers of `/v1/chat/completions` and `/v1/completions` as JSON, in OpenAI's shape.
namespace banter::serve {

/// The two routes differ in names alone.
enum class Shape : std::uint8_t { kChat, kText };

/// One answer: what all its chunks share.
struct Answer {
  Shape shape = Shape::kChat;
  std::string id, model;
  std::int64_t created = 0;
  CompletionRequest request;
  std::shared_ptr<const ServedModel> served;
};

/// Why a reply ended, in OpenAI's words.
std::string_view finish_reason(const models::Reply& reply);

/// All of a turn that ended with a reply.
std::string whole_text(const Answer& answer, const TurnEnd& end);
/// One chunk of a stream; `finish` "" as long as more comes, `begins`: the first of its choice.
std::string chunk_text(const Answer& answer, std::size_t index, const std::string& text,
                       std::string_view finish, bool begins);
/// The chunk without choices that tells what was used.
std::string usage_chunk(const Answer& answer, const TurnEnd& end);

}  // namespace banter::serve
