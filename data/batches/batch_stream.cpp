#include <algorithm>
#include <optional>
#include <string>

#include "base/errors.h"
#include "data/batches/batch.h"
#include "data/batches/example_order.h"

namespace banter::data {

struct BatchStream::Impl {
  const Split& split;
  BatchOptions options;
  SpecialIds special;
  ExampleOrder order;
  Position at;
  std::optional<std::vector<std::vector<Example>>> window;  ///< the batches of `at`'s, when made
};

BatchStream::BatchStream(const Split& split, const BatchOptions& options, const SpecialIds& special,
                         std::uint64_t seed)
    : impl_(new Impl{split, options, special, ExampleOrder(split, options, seed), {}, {}}) {}

BatchStream::~BatchStream() = default;

Batch BatchStream::next() {
  auto& [split, options, special, order, at, window] = *impl_;
  if (!window) window = order.window(at.epoch, at.window);
  auto batch = make_batch(split, (*window)[at.batch], options, special, ReplyLength::kCut);
  if (++at.batch == window->size()) {
    window.reset();
    at.batch = 0;
    if (++at.window == order.windows()) {
      at.window = 0;
      ++at.epoch;
    }
  }
  return batch;
}

Position BatchStream::position() const { return impl_->at; }

void BatchStream::seek(const Position& position) {
  auto& [split, options, special, order, at, window] = *impl_;
  auto wanted = order.window(position.epoch, position.window);
  if (position.batch >= wanted.size())
    throw base::DataError("split \"" + split.name() + "\": batch " +
                          std::to_string(position.batch) + " of " + std::to_string(wanted.size()) +
                          " in window " + std::to_string(position.window) +
                          " does not exist; the run was made with other data or batch options");
  at = position;
  window = std::move(wanted);
}

std::uint64_t BatchStream::replies() const { return impl_->order.replies(); }
std::uint64_t BatchStream::windows() const { return impl_->order.windows(); }

struct EvaluationStream::Impl {
  const Split& split;
  BatchOptions options;
  SpecialIds special;
  ReplyRule rule;
  std::uint64_t replies = 0;
  std::uint64_t dialogue = 0;  ///< where the next reply is looked for
  std::uint32_t turn = 1;

  std::optional<Example> next_reply() {
    for (; dialogue < split.dialogues(); ++dialogue, turn = 1) {
      const auto view = split.dialogue(dialogue);
      turn = rule.next(split, view, turn);
      if (turn < view.turns) return Example{.dialogue = dialogue, .turn = turn};
    }
    return std::nullopt;
  }
};

EvaluationStream::EvaluationStream(const Split& split, const BatchOptions& options,
                                   const SpecialIds& special)
    : impl_(new Impl{split, options, special, ReplyRule(options.reply_by, split.format())}) {
  std::uint64_t replies = 0;
  for (std::uint64_t d = 0; d < split.dialogues(); ++d)
    replies += impl_->rule.count(split, split.dialogue(d));
  impl_->replies = replies;
}

EvaluationStream::~EvaluationStream() = default;

bool EvaluationStream::next(Batch& batch) {
  auto& it = *impl_;
  std::vector<Example> examples;
  std::int64_t labels = 0;
  while (const auto example = it.next_reply()) {
    const auto first_turn = it.split.dialogue(example->dialogue).first_turn;
    const std::int64_t more = it.split.turn_length(first_turn + example->turn) + std::int64_t{1};
    if (!examples.empty() && labels + more > it.options.tokens_per_batch) break;
    examples.push_back(*example);
    labels += more;
    ++it.turn;
  }
  if (examples.empty()) return false;
  batch = make_batch(it.split, examples, it.options, it.special, ReplyLength::kWhole);
  return true;
}

std::uint64_t EvaluationStream::replies() const { return impl_->replies; }

}  // namespace banter::data
