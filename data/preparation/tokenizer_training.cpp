#include "data/preparation/tokenizer_training.h"

#include <string>
#include <utility>

#include "base/progress.h"
#include "data/tokenizer/text_sample.h"

namespace banter::data {
namespace {

void sample_texts(const Record& record, TextSample& sample) {
  if (const auto* pair = std::get_if<Pair>(&record)) {
    sample.add(pair->premise);
    sample.add(pair->hypothesis);
    return;
  }
  const auto& dialogue = std::get<Dialogue>(record);
  for (const auto& turn : dialogue.turns) sample.add(turn.text);
  for (const auto& [speaker, facts] : dialogue.personas)
    for (const auto& fact : facts) sample.add(fact);
}

}  // namespace

TrainedTokenizer train_tokenizer(const Work& work) {
  const auto& data = work.request.data;
  for (auto below = data.valid_share;;) {
    Problems problems(static_cast<std::uint64_t>(data.max_skipped));
    TextSample sample(static_cast<std::uint64_t>(data.tokenizer.sample_bytes), data.tokenizer.seed);
    const auto reading = read_sources(work, "reading", below, Shard{}, problems,
                                      [&](const std::string& split, Record&& record) {
                                        if (split == "train") sample_texts(record, sample);
                                      });
    const auto wanted = valid_below(data, reading, below);
    if (wanted != below) {
      below = wanted;  // the corpus is small: it is soon read again
      continue;
    }
    check_anything_is_left(reading, problems);
    if (!work.request.quiet)
      base::Progress({}).say("training the tokenizer on " + std::to_string(sample.bytes()) +
                             " bytes of text");
    return {Tokenizer(Tokenizer::train(data.tokenizer, sample)), std::move(problems), below};
  }
}

}  // namespace banter::data
