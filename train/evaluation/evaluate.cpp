#include "train/evaluation/evaluate.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/progress.h"
#include "base/signals.h"
#include "models/decoding/eval_mode.h"
#include "models/decoding/wording.h"
#include "train/evaluation/dialogue_groups.h"

namespace banter::train {
namespace {

/// Sums of one batch's replies added to the sums that each belongs to, by `groups_of_dialogues`.
void add_to_groups(const std::vector<Likelihood>& replies, const data::Batch& batch,
                   const std::vector<std::uint64_t>& groups, std::vector<Likelihood>& sums) {
  for (std::size_t b = 0; b < replies.size(); ++b)
    sums[groups[batch.examples[b].dialogue]] += replies[b];
}

/// The sums of a batch's replies, with their bounds where the model's scores are not exact.
std::vector<Likelihood> model_likelihoods(models::DialogueModel& model, const data::Batch& batch,
                                          const data::Batch& on_device) {
  auto replies = reply_likelihoods(model.score(on_device), batch);
  const auto bound = model.bound(on_device);  // (B), or nothing
  if (!bound) return replies;
  const auto nats = bound->to(torch::kCPU, torch::kDouble);
  for (std::size_t b = 0; b < replies.size(); ++b) replies[b].bound = nats.data_ptr<double>()[b];
  return replies;
}

std::vector<Likelihood> baseline_likelihoods(const NgramBaseline& baseline,
                                             const data::Batch& batch, bool bigram) {
  const auto labels = batch.labels.accessor<std::int64_t, 2>();
  const auto inputs = batch.decoder_input.accessor<std::int64_t, 2>();
  std::vector<Likelihood> sums;
  for (std::int64_t b = 0; b < batch.replies(); ++b) {
    const auto row = static_cast<std::size_t>(b);
    Likelihood sum{.words = static_cast<double>(batch.words[row]),
                   .bytes = static_cast<double>(batch.bytes[row]),
                   .replies = 1};
    for (std::int64_t t = 0; t < labels.size(1) && labels[b][t] >= 0; ++t) {
      const auto label = labels[b][t], history = inputs[b][t];
      sum.nll -= bigram ? baseline.bigram(history, label) : baseline.unigram(label);
      const auto best = bigram ? baseline.bigram_best(history) : baseline.unigram_best();
      sum.correct += best == label ? 1 : 0;
      ++sum.labels;
    }
    sums.push_back(sum);
  }
  return sums;
}

/// Replies number 0, 1, ... of `count` that are spread evenly over all of a split's.
std::vector<data::Example> spread_examples(const data::Split& split, const data::ReplyRule& rule,
                                           std::uint64_t count) {
  std::uint64_t all = 0;
  for (std::uint64_t d = 0; d < split.dialogues(); ++d) all += rule.count(split, split.dialogue(d));
  count = std::min(count, all);
  std::vector<data::Example> examples;
  std::uint64_t number = 0;
  for (std::uint64_t d = 0; d < split.dialogues() && examples.size() < count; ++d) {
    const auto view = split.dialogue(d);
    for (auto turn = rule.next(split, view, 1); turn < view.turns && examples.size() < count;
         turn = rule.next(split, view, turn + 1))
      if (number++ == examples.size() * all / count)
        examples.push_back({.dialogue = d, .turn = turn});
  }
  return examples;
}

}  // namespace

std::vector<Likelihood> reply_likelihoods(const models::Score& score, const data::Batch& batch) {
  const auto counted = batch.labels.ne(-100);
  const auto nll = score.log_probs.sum(1, false, torch::kDouble).neg().to(torch::kCPU);
  const auto correct =
      score.correct.to(torch::kCPU).logical_and(counted.to(torch::kCPU)).sum(1);  // (B)
  const auto labels = counted.sum(1).to(torch::kCPU);
  const auto* nlls = nll.data_ptr<double>();
  const auto* corrects = correct.data_ptr<std::int64_t>();
  const auto* counts = labels.data_ptr<std::int64_t>();
  std::vector<Likelihood> sums(batch.words.size());
  for (std::size_t b = 0; b < sums.size(); ++b)
    sums[b] = {.nll = nlls[b],
               .labels = static_cast<double>(counts[b]),
               .correct = static_cast<double>(corrects[b]),
               .words = static_cast<double>(batch.words[b]),
               .bytes = static_cast<double>(batch.bytes[b]),
               .replies = 1};
  return sums;
}

Evaluation evaluate(models::DialogueModel& model, const data::Split& split,
                    const data::BatchOptions& options, const NgramBaseline* baseline,
                    torch::Device device, bool quiet) {
  const torch::NoGradGuard no_grad;
  const models::EvalMode eval(model);
  data::EvaluationStream stream(split, options, model.vocabulary().special);
  base::Progress progress(
      {.label = "evaluate", .unit = "replies", .total = stream.replies(), .quiet = quiet});
  const auto groups = groups_of_dialogues(split);
  Evaluation sums{.replies = {},
                  .model = std::vector<Likelihood>(groups.size()),
                  .bigram = std::vector<Likelihood>(groups.size()),
                  .unigram = std::vector<Likelihood>(groups.size()),
                  .by_turn = TurnSums(groups.size()),
                  .further = {}};
  data::Batch batch;
  while (stream.next(batch)) {
    base::throw_if_stopped();
    const auto on_device = batch.to(device);
    const auto replies = model_likelihoods(model, batch, on_device);
    add_to_groups(replies, batch, groups, sums.model);
    for (const auto& [name, score] : model.further_scores(on_device)) {
      auto& further = sums.further.try_emplace(name, groups.size()).first->second;
      add_to_groups(reply_likelihoods(score, batch), batch, groups, further);
    }
    for (std::size_t b = 0; b < replies.size(); ++b) {
      const auto [dialogue, turn] = batch.examples[b];
      sums.replies.push_back(
          {.dialogue = dialogue, .turn = turn, .group = groups[dialogue], .sums = replies[b]});
      sums.by_turn.add(groups[dialogue], turn, replies[b]);
    }
    if (baseline != nullptr) {
      add_to_groups(baseline_likelihoods(*baseline, batch, true), batch, groups, sums.bigram);
      add_to_groups(baseline_likelihoods(*baseline, batch, false), batch, groups, sums.unigram);
    }
    progress.advance(batch.examples.size());
  }
  const auto drop_empty = [](std::vector<Likelihood>& all) {
    std::erase_if(all, [](const Likelihood& group) { return group.replies == 0; });
  };
  for (auto* all : {&sums.model, &sums.bigram, &sums.unigram}) drop_empty(*all);
  for (auto& [name, all] : sums.further) drop_empty(all);
  return sums;
}

std::vector<Answer> answers(models::DialogueModel& model, const data::Tokenizer& tokenizer,
                            const data::Split& split, const data::BatchOptions& options,
                            const AnswerOptions& how, std::uint64_t count) {
  const auto examples =
      spread_examples(split, data::ReplyRule(options.reply_by, split.format()), count);
  base::Progress progress(
      {.label = "answer", .unit = "replies", .total = examples.size(), .quiet = how.quiet});
  std::vector<Answer> answered;
  for (const auto& example : examples)
    answered.push_back({example, data::context_of(split, example, options), {}});
  const auto wording = std::make_shared<models::Wording>(how.decoding, tokenizer);
  std::size_t asked = 0;
  const auto next = [&]() -> std::optional<models::Request> {
    base::throw_if_stopped();
    if (asked == examples.size()) return std::nullopt;
    models::Request request;
    request.number = asked;
    request.context = answered[asked++].context;
    request.options = how.decoding;
    request.options.with_log_probs = false;
    request.wording = wording;
    request.reranker = how.reranker;
    return request;
  };
  const auto done = [&](models::Replies replies) {
    auto& place = answered[replies.number].replies;
    place = std::move(replies);
    progress.advance();
  };
  models::decode(model, options, how.rows, next, done);
  return answered;
}

std::vector<Sample> answer(models::DialogueModel& model, const data::Tokenizer& tokenizer,
                           const data::Split& split, const data::BatchOptions& options,
                           const AnswerOptions& how, std::uint64_t count) {
  const auto groups = groups_of_dialogues(split);
  std::vector<Sample> samples;
  for (const auto& [example, context, replies] :
       answers(model, tokenizer, split, options, how, count)) {
    auto& sample =
        samples.emplace_back(Sample{.reply = models::text_of(replies.best.at(0), tokenizer),
                                    .references = {tokenizer.decode(context.reply)},
                                    .group = groups[example.dialogue]});
    for (const auto& turn : context.turns) sample.context.push_back(tokenizer.decode(turn.ids));
    for (const auto& fact : context.facts) sample.persona.push_back(tokenizer.decode(fact.ids));
  }
  return samples;
}

}  // namespace banter::train
