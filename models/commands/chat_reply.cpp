#include "models/commands/chat_reply.h"

#include <optional>
#include <utility>

#include "base/random.h"
#include "models/decoding/search.h"

namespace banter::models {

Request chat_request(const ChatSession& session, Composed composed, const DecodingOptions& options,
                     std::shared_ptr<const Wording> wording, std::uint64_t number) {
  Request request{.number = number,
                  .context = {},
                  .options = options,
                  .composed = std::move(composed),
                  .prefix = {},
                  .wording = std::move(wording)};
  request.context.turns.assign(session.turns().begin(), session.turns().end());
  request.context.facts = session.facts();
  if (options.rerank == "none") request.options.replies = 1;
  request.options.seed = base::join_keys(options.seed, number);
  return request;
}

Replies chat_reply(const LoadedModel& loaded, Request request, bool with_draft) {
  const DecodeLimits limits{
      .max_rows = most_rows(request.options), .with_attention = true, .with_draft = with_draft};
  request.prefix = loaded.tokenizer.begin_reply("");
  auto asked = std::optional(std::move(request));
  Replies answer;
  decode(
      *loaded.model, loaded.batch, limits, [&] { return std::exchange(asked, std::nullopt); },
      [&](Replies replies) { answer = std::move(replies); });
  return answer;
}

}  // namespace banter::models
