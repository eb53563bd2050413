#include "data/store/split.h"

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "data/store/split_files.h"

namespace banter::data {
namespace {

/// The files of one shard and how much stands before them.
struct ShardFiles {
  std::shared_ptr<const SplitFiles> files;
  SplitCounts before;
};

/// What a number in the whole split is in a shard.
struct Local {
  const SplitFiles& files;
  const SplitCounts& before;
  std::uint64_t index;
};

Range first_of(Range range, std::uint32_t max) {
  return {range.begin, std::min(range.end, range.begin + max)};
}

}  // namespace

struct Split::Impl {
  std::string name, format;
  SplitCounts counts;
  std::vector<ShardFiles> shards;

  /// `what` is counted by `count`. Past the end it is the last shard, which says so.
  [[nodiscard]] Local local(std::uint64_t index, std::uint64_t SplitCounts::*count) const {
    auto shard = shards.begin();
    if (shards.size() > 1)
      shard = std::ranges::upper_bound(shards, index, {},
                                       [&](const ShardFiles& s) { return s.before.*count; }) -
              1;
    return {*shard->files, shard->before, index - shard->before.*count};
  }
  [[nodiscard]] Local dialogue(std::uint64_t index) const {
    return local(index, &SplitCounts::dialogues);
  }
  [[nodiscard]] Local turn(std::uint64_t index) const { return local(index, &SplitCounts::turns); }
  [[nodiscard]] Local fact(std::uint64_t index) const { return local(index, &SplitCounts::facts); }
  [[nodiscard]] Local pair(std::uint64_t index) const { return local(index, &SplitCounts::pairs); }
};

Split::Split(std::string name, std::string format,
             std::vector<std::shared_ptr<const SplitFiles>> shards) {
  auto impl = std::make_shared<Impl>();
  impl->name = std::move(name);
  impl->format = std::move(format);
  for (auto& files : shards) {
    const auto before = impl->counts;
    impl->counts += files->counts();
    impl->shards.push_back({std::move(files), before});
  }
  impl_ = std::move(impl);
}

const std::string& Split::name() const { return impl_->name; }
const std::string& Split::format() const { return impl_->format; }
const SplitCounts& Split::counts() const { return impl_->counts; }

DialogueView Split::dialogue(std::uint64_t index) const {
  const auto at = impl_->dialogue(index);
  const auto turns = at.files.turns_of(at.index);
  const auto facts = at.files.facts_of(at.index);
  return {at.before.turns + turns.begin, static_cast<std::uint32_t>(turns.size()),
          at.before.facts + facts.begin, static_cast<std::uint32_t>(facts.size())};
}

std::uint32_t Split::turn_length(std::uint64_t turn) const {
  const auto at = impl_->turn(turn);
  return static_cast<std::uint32_t>(at.files.turn_ids(at.index).size());
}

void Split::append_turn(std::uint64_t turn, std::vector<TokenId>& out, std::uint32_t max) const {
  const auto at = impl_->turn(turn);
  at.files.append_turn_ids(first_of(at.files.turn_ids(at.index), max), out);
}

std::uint16_t Split::turn_speaker(std::uint64_t turn) const {
  const auto at = impl_->turn(turn);
  return at.files.turn(at.index).speaker;
}

std::uint32_t Split::turn_words(std::uint64_t turn) const {
  const auto at = impl_->turn(turn);
  return at.files.turn(at.index).words;
}

std::uint32_t Split::turn_bytes(std::uint64_t turn) const {
  const auto at = impl_->turn(turn);
  return at.files.turn(at.index).bytes;
}

std::uint32_t Split::fact_length(std::uint64_t fact) const {
  const auto at = impl_->fact(fact);
  return static_cast<std::uint32_t>(at.files.fact_ids(at.index).size());
}

void Split::append_fact(std::uint64_t fact, std::vector<TokenId>& out, std::uint32_t max) const {
  const auto at = impl_->fact(fact);
  at.files.append_fact_ids(first_of(at.files.fact_ids(at.index), max), out);
}

std::uint16_t Split::fact_speaker(std::uint64_t fact) const {
  const auto at = impl_->fact(fact);
  return at.files.fact(at.index).speaker;
}

std::uint32_t Split::distractors(std::uint64_t turn) const {
  const auto at = impl_->turn(turn);
  return static_cast<std::uint32_t>(at.files.distractors_beside(at.index).size());
}

void Split::append_distractor(std::uint64_t turn, std::uint32_t number, std::vector<TokenId>& out,
                              std::uint32_t max) const {
  const auto at = impl_->turn(turn);
  const auto all = at.files.distractors_beside(at.index);
  if (number >= all.size())
    throw base::DataError("turn " + std::to_string(turn) + " of split " + name() + " has no " +
                          "distractor " + std::to_string(number) + ", only " +
                          std::to_string(all.size()));
  at.files.append_distractor_ids(first_of(at.files.distractor_ids(all.begin + number), max), out);
}

std::string_view Split::id(std::uint64_t dialogue) const {
  const auto at = impl_->dialogue(dialogue);
  return at.files.dialogue_id(at.index);
}

std::string Split::group(std::uint64_t dialogue) const {
  const auto at = impl_->dialogue(dialogue);
  return at.files.dialogue_group(at.index);
}

Dialogue Split::record(std::uint64_t dialogue) const {
  const auto at = impl_->dialogue(dialogue);
  return at.files.dialogue_record(at.index);
}

Label Split::pair_label(std::uint64_t pair) const {
  const auto at = impl_->pair(pair);
  return at.files.label(at.index);
}

std::uint32_t Split::premise_length(std::uint64_t pair) const {
  const auto at = impl_->pair(pair);
  return static_cast<std::uint32_t>(at.files.premise_ids(at.index).size());
}

std::uint32_t Split::hypothesis_length(std::uint64_t pair) const {
  const auto at = impl_->pair(pair);
  return static_cast<std::uint32_t>(at.files.hypothesis_ids(at.index).size());
}

void Split::append_premise(std::uint64_t pair, std::vector<TokenId>& out, std::uint32_t max) const {
  const auto at = impl_->pair(pair);
  at.files.append_pair_ids(first_of(at.files.premise_ids(at.index), max), out);
}

void Split::append_hypothesis(std::uint64_t pair, std::vector<TokenId>& out,
                              std::uint32_t max) const {
  const auto at = impl_->pair(pair);
  at.files.append_pair_ids(first_of(at.files.hypothesis_ids(at.index), max), out);
}

Pair Split::pair_record(std::uint64_t pair) const {
  const auto at = impl_->pair(pair);
  return at.files.pair_record(at.index);
}

}  // namespace banter::data
