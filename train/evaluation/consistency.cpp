#include "train/evaluation/consistency.h"

#include <algorithm>
#include <span>

#include "base/progress.h"
#include "base/signals.h"

namespace banter::train {
namespace {

constexpr std::size_t kRepliesAtOnce = 64;  // between two looks for a signal

void judge_some(models::ConsistencyJudge& judge, std::span<Sample> samples) {
  std::vector<models::ReplyOfPersona> asked;
  for (const auto& sample : samples)
    asked.push_back({.reply = sample.reply, .persona = sample.persona});
  const auto judged = judge.judge(asked);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i].judgements.clear();
    for (const auto& one : judged[i]) samples[i].judgements.push_back(one.label());
    samples[i].judge = judge.signature();
  }
}

}  // namespace

void judge_replies(models::ConsistencyJudge& judge, std::vector<Sample>& samples, bool quiet) {
  base::Progress progress(
      {.label = "judge", .unit = "replies", .total = samples.size(), .quiet = quiet});
  for (std::size_t begin = 0; begin < samples.size(); begin += kRepliesAtOnce) {
    base::throw_if_stopped();
    const auto count = std::min(kRepliesAtOnce, samples.size() - begin);
    judge_some(judge, std::span(samples).subspan(begin, count));
    progress.advance(count);
  }
}

}  // namespace banter::train
