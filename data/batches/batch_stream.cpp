#include <optional>
#include <string>

#include "data/batches/batch.h"
#include "data/batches/example_order.h"
#include "data/batches/order_cursor.h"

namespace banter::data {

struct BatchStream::Impl {
  const Split& split;
  BatchOptions options;
  SpecialIds special;
  OrderCursor<ExampleOrder> cursor;
};

BatchStream::BatchStream(const Split& split, const BatchOptions& options, const SpecialIds& special,
                         std::uint64_t seed)
    : impl_(new Impl{split, options, special, OrderCursor(ExampleOrder(split, options, seed))}) {}

BatchStream::~BatchStream() = default;

Batch BatchStream::next() {
  auto& [split, options, special, cursor] = *impl_;
  return make_batch(split, cursor.next(), options, special, ReplyLength::kCut);
}

Position BatchStream::position() const { return impl_->cursor.position(); }
void BatchStream::seek(const Position& position) { impl_->cursor.seek(position); }
std::uint64_t BatchStream::replies() const { return impl_->cursor.order().replies(); }
std::uint64_t BatchStream::windows() const { return impl_->cursor.order().windows(); }

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
