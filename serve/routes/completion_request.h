#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "serve/sessions/hub.h"

namespace banter::serve {

/// What `POST /v1/chat/completions` and `/v1/completions` ask for.
struct CompletionRequest {
  Turn turn;  ///< without owner and deadline
  std::int64_t n = 1;
  std::int64_t seed = 0;
  bool streams = false;
  bool includes_usage = false;  ///< a last chunk tells the usage
  bool with_log_probs = false;
  AttentionLevel attention = AttentionLevel::kNone;  ///< `banter.attention`
  std::string model;                                 ///< as it was asked for
};

/// Reads the body of a request. Names are OpenAI's, ours under `banter`: the fields of `decode`,
/// `persona` and `attention`. The system's messages are facts of the persona, one a line. What we
/// do not know is ignored.
///
/// Without `banter.strategy`, `temperature` above 0, `top_p` or `n` above 1 mean sampling, and
/// `temperature` 0 greedy choice; else the server's default holds.
/// Throws   RequestError with the field's name
CompletionRequest read_chat_completion(std::string_view body, const ServedModel& model,
                                       const HubOptions& options);
CompletionRequest read_completion(std::string_view body, const ServedModel& model,
                                  const HubOptions& options);

}  // namespace banter::serve
