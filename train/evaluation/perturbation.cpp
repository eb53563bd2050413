#include "train/evaluation/perturbation.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/progress.h"
#include "base/signals.h"
#include "models/decoding/eval_mode.h"
#include "train/evaluation/dialogue_groups.h"
#include "train/evaluation/evaluate.h"

namespace banter::train {
namespace {

/// The turns as texts, altered, and as ids again. A text that stays keeps its very ids.
std::vector<data::Context::Row> altered(const std::vector<data::Context::Row>& rows,
                                        const data::Tokenizer& tokenizer,
                                        const data::TransformOptions& transform,
                                        const std::string& key) {
  data::Turns turns;
  std::map<std::string, std::vector<data::TokenId>> known;
  for (const auto& row : rows) {
    turns.push_back(
        {.speaker = std::to_string(row.speaker), .text = tokenizer.decode(row.ids), .time = {}});
    known.try_emplace(turns.back().text, row.ids);
  }
  std::vector<data::Context::Row> after;
  for (const auto& turn : data::transform(std::move(turns), transform, key)) {
    const auto same = known.find(turn.text);
    after.push_back({.ids = same == known.end() ? tokenizer.encode(turn.text) : same->second,
                     .speaker = std::stoll(turn.speaker)});
  }
  if (after.empty()) after.emplace_back();
  return after;
}

/// The replies of a batch of a split, each behind the altered context.
class AlteredBatches {
 public:
  AlteredBatches(const data::Tokenizer& tokenizer, const data::Split& split,
                 const data::BatchOptions& options, const data::TransformOptions& transform)
      : tokenizer_(tokenizer), split_(split), options_(options), transform_(transform) {}

  [[nodiscard]] data::Batch of(const data::Batch& batch) const {
    std::vector<data::Context> contexts;
    for (std::size_t b = 0; b < batch.examples.size(); ++b)
      contexts.push_back(context_of(batch, static_cast<std::int64_t>(b)));
    auto changed = data::make_batch(contexts, options_, tokenizer_.special());
    changed.examples = batch.examples;  // replies of equal labels in equal order
    changed.words = batch.words;
    changed.bytes = batch.bytes;
    return changed;
  }

 private:
  [[nodiscard]] data::Context context_of(const data::Batch& batch, std::int64_t b) const {
    const auto& example = batch.examples[static_cast<std::size_t>(b)];
    auto context = data::context_of(split_, example, options_);
    auto& turns = context.turns;
    const auto seen = batch.context[b].ge(0).sum().item<std::int64_t>();
    turns.erase(turns.begin(), turns.end() - seen);  // cut by `max_context_tokens`
    for (auto& turn : turns)
      turn.ids.resize(
          std::min(turn.ids.size(), static_cast<std::size_t>(options_.max_turn_tokens)));
    const auto key = std::string(split_.id(example.dialogue)) + ":" + std::to_string(example.turn);
    turns = altered(turns, tokenizer_, transform_, key);
    return context;
  }

  const data::Tokenizer& tokenizer_;
  const data::Split& split_;
  const data::BatchOptions& options_;
  const data::TransformOptions& transform_;
};

}  // namespace

std::vector<Likelihood> altered_likelihoods(models::DialogueModel& model,
                                            const data::Tokenizer& tokenizer,
                                            const data::Split& split,
                                            const data::BatchOptions& options,
                                            const data::TransformOptions& transform,
                                            torch::Device device, bool quiet) {
  const torch::NoGradGuard no_grad;
  const models::EvalMode eval(model);
  const AlteredBatches batches(tokenizer, split, options, transform);
  data::EvaluationStream stream(split, options, tokenizer.special());
  base::Progress progress(
      {.label = transform.name, .unit = "replies", .total = stream.replies(), .quiet = quiet});
  const auto groups = groups_of_dialogues(split);
  std::vector<Likelihood> sums(groups.size());
  for (data::Batch batch; stream.next(batch); progress.advance(batch.examples.size())) {
    base::throw_if_stopped();
    const auto changed = batches.of(batch);
    const auto replies = reply_likelihoods(model.score(changed.to(device)), changed);
    for (std::size_t b = 0; b < replies.size(); ++b)
      sums[groups[changed.examples[b].dialogue]] += replies[b];
  }
  std::erase_if(sums, [](const Likelihood& group) { return group.replies == 0; });
  return sums;
}

}  // namespace banter::train
