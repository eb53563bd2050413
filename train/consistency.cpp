#include "train/consistency.h"

#include "base/progress.h"
#include "base/signals.h"

namespace banter::train {

void judge_replies(models::ConsistencyJudge& judge, std::vector<Sample>& samples, bool quiet) {
  base::Progress progress(
      {.label = "judge", .unit = "replies", .total = samples.size(), .quiet = quiet});
  for (auto& sample : samples) {
    base::throw_if_stopped();
    const auto judgements = judge.judge(sample.reply, sample.persona);
    sample.judgements.clear();
    for (const auto& one : judgements) sample.judgements.push_back(one.label());
    sample.judge = judge.signature();
    progress.advance();
  }
}

}  // namespace banter::train
