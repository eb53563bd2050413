#include "data/batches/example_order.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/errors.h"
#include "base/random.h"
#include "data/batches/windows.h"

namespace banter::data {
namespace {

constexpr std::uint64_t kDialoguesPerBlock = 32;
/// The newest batches of a window that a part may still join: enough to fill them, few enough that
/// parts of like length meet.
constexpr std::size_t kOpenBatches = 8;

std::uint64_t divided_up(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

}  // namespace

/// Replies that stay together: a range of the window's examples.
struct ExampleOrder::Part {
  std::size_t first = 0, count = 0;
  std::int64_t longest = 0, labels = 0;
};

ExampleOrder::ExampleOrder(const Split& split, const BatchOptions& options, std::uint64_t seed)
    : ExampleOrder(split, Subset::all(split.dialogues()), options, seed) {}

ExampleOrder::ExampleOrder(const Split& split, Subset dialogues, const BatchOptions& options,
                           std::uint64_t seed)
    : split_(&split),
      dialogues_(std::move(dialogues)),
      options_(options),
      rule_(options.reply_by, split.format()),
      seed_(seed),
      replies_per_part_(options.shuffle == "reply"
                            ? 1
                            : static_cast<std::uint64_t>(options.max_replies_per_part)) {
  parts_before_.reserve(divided_up(dialogues_.size(), kDialoguesPerBlock));
  for (std::uint64_t i = 0; i < dialogues_.size(); ++i) {
    if (i % kDialoguesPerBlock == 0) parts_before_.push_back(parts_);
    const auto view = split.dialogue(dialogues_[i]);
    std::uint64_t replies = 0;
    for (auto turn = rule_.next(split, view, 1); turn < view.turns;
         turn = rule_.next(split, view, turn + 1)) {
      labels_ += static_cast<std::uint64_t>(
          training_labels(split.turn_length(view.first_turn + turn), options_));
      ++replies;
    }
    replies_ += replies;
    parts_ += parts_of(replies);
  }
  if (replies_ == 0)
    throw base::DataError("split \"" + split.name() + "\": no turn of " +
                          std::to_string(dialogues_.size()) +
                          " dialogues is a reply by reply_by \"" + options.reply_by +
                          "\"; give dialogues of two turns or more");
  windows_ = windows_of(labels_, parts_, options_);
}

std::uint64_t ExampleOrder::parts_of(std::uint64_t replies) const {
  return divided_up(replies, replies_per_part_);
}

ExampleOrder::Part ExampleOrder::part(std::uint64_t number, std::vector<Example>& examples) const {
  const auto block = std::upper_bound(parts_before_.begin(), parts_before_.end(), number) - 1;
  auto place = static_cast<std::uint64_t>(block - parts_before_.begin()) * kDialoguesPerBlock;
  number -= *block;
  auto view = split_->dialogue(dialogues_[place]);
  std::uint64_t replies = rule_.count(*split_, view);
  while (number >= parts_of(replies)) {
    number -= parts_of(replies);
    view = split_->dialogue(dialogues_[++place]);
    replies = rule_.count(*split_, view);
  }

  // Parts of one dialogue are of equal size, give or take one reply.
  const auto parts = parts_of(replies);
  const auto first = replies * number / parts, last = replies * (number + 1) / parts;
  Part made{.first = examples.size(), .count = last - first};
  auto turn = rule_.nth(*split_, view, first);
  for (std::uint64_t reply = first; reply < last; ++reply) {
    const auto labels = training_labels(split_->turn_length(view.first_turn + turn), options_);
    examples.push_back({.dialogue = dialogues_[place], .turn = turn});
    made.longest = std::max(made.longest, labels);
    made.labels += labels;
    turn = rule_.next(*split_, view, turn + 1);
  }
  return made;
}

std::vector<std::vector<Example>> ExampleOrder::window(std::uint64_t epoch,
                                                       std::uint64_t window) const {
  check_window(window, windows_, name());
  const auto order_key = base::join_keys(seed_, epoch);
  std::vector<Example> examples;
  std::vector<Part> parts;
  const auto end = parts_ * (window + 1) / windows_;
  for (auto i = parts_ * window / windows_; i < end; ++i)
    parts.push_back(part(base::permuted(i, parts_, order_key), examples));
  // Stable: parts of equal length keep their random order.
  std::ranges::stable_sort(parts, std::ranges::greater{}, &Part::longest);

  std::vector<std::vector<Example>> cut;
  std::vector<std::int64_t> room;  // labels that still fit into each
  const auto batch_with_room = [&](std::int64_t labels) {
    const auto open = std::min(cut.size(), kOpenBatches);
    for (auto batch = cut.size() - open; batch < cut.size(); ++batch)
      if (room[batch] >= labels) return batch;
    cut.emplace_back();
    room.push_back(options_.tokens_per_batch);
    return cut.size() - 1;
  };
  for (const auto& part : parts) {
    auto batch = batch_with_room(std::min(part.labels, options_.tokens_per_batch));
    for (std::size_t i = part.first; i < part.first + part.count; ++i) {
      const auto turn = split_->dialogue(examples[i].dialogue).first_turn + examples[i].turn;
      const auto labels = training_labels(split_->turn_length(turn), options_);
      if (labels > room[batch] && !cut[batch].empty())  // a part larger than a batch
        batch = batch_with_room(options_.tokens_per_batch);
      cut[batch].push_back(examples[i]);
      room[batch] -= labels;
    }
  }
  return permuted_by(base::join_keys(order_key, window), std::move(cut));
}

}  // namespace banter::data
