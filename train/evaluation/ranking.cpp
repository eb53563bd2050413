#include "train/evaluation/ranking.h"

#include <utility>

#include "base/errors.h"
#include "base/progress.h"
#include "base/signals.h"
#include "models/decoding/candidates.h"
#include "train/evaluation/dialogue_groups.h"
#include "train/metrics/texts/f1.h"

namespace banter::train {
namespace {

/// Rows of a step that are scored together, when a context does not bring more by itself.
constexpr std::size_t kRows = 256;

/// The replies that have distractors.
std::vector<data::Example> ranked_examples(const data::Split& split, const data::ReplyRule& rule) {
  std::vector<data::Example> examples;
  for (std::uint64_t d = 0; d < split.dialogues(); ++d) {
    const auto view = split.dialogue(d);
    for (auto turn = rule.next(split, view, 1); turn < view.turns;
         turn = rule.next(split, view, turn + 1))
      if (split.distractors(view.first_turn + turn) > 0)
        examples.push_back({.dialogue = d, .turn = turn});
  }
  return examples;
}

/// The true reply, then what else it could have been.
models::Candidates candidates_of(const data::Split& split, const data::Tokenizer& tokenizer,
                                 const data::Example& example, const data::BatchOptions& options) {
  models::Candidates candidates{.context = data::context_of(split, example, options),
                                .replies = {}};
  candidates.replies.push_back(candidates.context.reply);
  const auto words = f1_words(tokenizer.decode(candidates.context.reply));
  const auto turn = split.dialogue(example.dialogue).first_turn + example.turn;
  for (std::uint32_t i = 0; i < split.distractors(turn); ++i) {
    std::vector<data::TokenId> ids;
    split.append_distractor(turn, i, ids);
    if (f1_words(tokenizer.decode(ids)) != words) candidates.replies.push_back(std::move(ids));
  }
  return candidates;
}

[[noreturn]] void fail_without_candidates(const data::Split& split) {
  throw base::DataError("split \"" + split.name() +
                        "\": no reply has other candidates beside it, and hits@k ranks it among "
                        "them; prepare a corpus that brings some (ConvAI2 with candidates, "
                        "valid or test of Ubuntu v2), or leave hits out of --metrics");
}

std::uint32_t rank_of_first(const std::vector<models::ReplyFit>& fits, RankScore score) {
  std::vector<double> scores;
  for (const auto& fit : fits)
    scores.push_back(score == RankScore::kSum ? fit.log_prob
                                              : fit.log_prob / static_cast<double>(fit.labels));
  return rank_of(scores, 0);
}

}  // namespace

std::vector<Rank> rank_replies(models::DialogueModel& model, const data::Tokenizer& tokenizer,
                               const data::Split& split, const data::BatchOptions& options,
                               RankScore score, bool quiet) {
  const auto examples = ranked_examples(split, data::ReplyRule(options.reply_by, split.format()));
  base::Progress progress(
      {.label = "rank", .unit = "replies", .total = examples.size(), .quiet = quiet});
  std::vector<Rank> ranks;
  std::vector<models::Candidates> asked;
  const auto group_of = groups_of_dialogues(split);
  std::vector<std::uint64_t> groups;
  std::size_t rows = 0;
  const auto rank_asked = [&] {
    const auto fits = models::fit_candidates(model, options, asked);
    for (std::size_t i = 0; i < fits.size(); ++i)
      ranks.push_back({.group = groups[i],
                       .rank = rank_of_first(fits[i], score),
                       .candidates = static_cast<std::uint32_t>(fits[i].size())});
    asked.clear();
    groups.clear();
    rows = 0;
  };
  for (const auto& example : examples) {
    base::throw_if_stopped();
    progress.advance();
    auto candidates = candidates_of(split, tokenizer, example, options);
    if (candidates.replies.size() == 1) continue;
    if (rows > 0 && rows + candidates.replies.size() > kRows) rank_asked();
    rows += candidates.replies.size();
    asked.push_back(std::move(candidates));
    groups.push_back(group_of[example.dialogue]);
  }
  rank_asked();
  if (ranks.empty()) fail_without_candidates(split);
  return ranks;
}

}  // namespace banter::train
