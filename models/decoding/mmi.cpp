#include "models/decoding/mmi.h"

#include <numeric>

#include "models/decoding/composed.h"
#include "models/decoding/eval_mode.h"

namespace banter::models {
namespace {

/// log p(last turn | reply) of each reply.
std::vector<double> reverse_log_probs(DialogueModel& reverse, const data::BatchOptions& limits,
                                      const data::Tokenizer& tokenizer,
                                      const data::Context& context,
                                      std::span<const Reply> replies) {
  const auto& last = context.turns.back();
  const auto turn = tokenizer.begin_reply(tokenizer.decode(last.ids));
  std::vector<data::Context> turned;
  for (const auto& reply : replies)
    turned.push_back(
        {.turns = {{.ids = said_ids(reply, tokenizer), .speaker = context.reply_speaker}},
         .facts = {},
         .reply_speaker = last.speaker,
         .reply = turn});
  const auto batch = data::make_batch(turned, limits, reverse.vocabulary().special);
  const auto log_probs =
      reverse.score(batch.to(device_of(reverse)), /*with_attention=*/false).log_probs.cpu();
  const auto sums = log_probs.masked_fill(batch.labels.lt(0), 0.0).sum(1);  // (B)
  std::vector<double> scores(replies.size());
  for (std::int64_t b = 0; b < batch.replies(); ++b)
    scores[batch.examples[static_cast<std::size_t>(b)].dialogue] = sums[b].item<double>();
  return scores;
}

}  // namespace

Reranker mmi_reranker(DialogueModel& reverse, const data::BatchOptions& limits,
                      const data::Tokenizer& tokenizer, double weight) {
  return [&reverse, limits, tokenizer, weight](const data::Context& context,
                                               std::span<const Reply> replies) {
    const c10::InferenceMode guard;
    const EvalMode eval(reverse);
    std::vector<double> scores(replies.size(), 0);
    if (!context.turns.empty())
      scores = reverse_log_probs(reverse, limits, tokenizer, context, replies);
    for (std::size_t i = 0; i < replies.size(); ++i) {
      const auto& log_probs = replies[i].log_probs;
      const auto own = std::accumulate(log_probs.begin(), log_probs.end(), 0.0);
      scores[i] = (1 - weight) * own + weight * scores[i];
    }
    return scores;
  };
}

}  // namespace banter::models
