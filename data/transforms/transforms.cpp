#include "data/transforms/transforms.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "base/errors.h"
#include "base/random.h"

namespace banter::data {
namespace {

/// A change that needs nothing but the turns, as a row takes it.
template <Turns (*kChange)(Turns)>
Turns plain(Turns context, const TransformOptions&, std::uint64_t) {
  return kChange(std::move(context));
}

template <Turns (*kChange)(Turns, std::uint64_t)>
Turns drawn(Turns context, const TransformOptions&, std::uint64_t key) {
  return kChange(std::move(context), key);
}

Turns drop_share(Turns context, const TransformOptions& options, std::uint64_t key) {
  return drop_turns(std::move(context), options.share, key);
}

constexpr std::array kTransforms = {
    Transform{"drop_first_half", "the first half of a context is dropped (drop_first_half)",
              &plain<drop_first_half>},
    Transform{"drop_last_turn", "the turn before a reply is dropped (drop_last_turn)",
              &plain<drop_last_turn>},
    Transform{"drop_turns", "turns before a reply are dropped (drop_turns)", &drop_share,
              /*is_random=*/true, /*has_share=*/true},
    Transform{"keep_last_turn", "all but the last turn before a reply is dropped (keep_last_turn)",
              &plain<keep_last_turn>},
    Transform{"reverse_turns", "turns before a reply are reversed (reverse_turns)",
              &plain<reverse_turns>},
    Transform{"shuffle_turns", "turns before a reply are shuffled (shuffle_turns)",
              &drawn<shuffle_turns>, /*is_random=*/true},
    Transform{"shuffle_words", "words of turns before a reply are shuffled (shuffle_words)",
              &drawn<shuffle_words>, /*is_random=*/true},
};

}  // namespace

TransformOptions TransformOptions::from(configs::Section& section) {
  TransformOptions o;
  std::vector<std::string> names;
  names.reserve(kTransforms.size());
  for (const auto& row : kTransforms) names.emplace_back(row.name);
  (void)section.require<std::string>("name");
  o.name = section.choice("name", "", names);
  const auto& row = transform_named(o.name);
  if (row.has_share) o.share = section.get("share", o.share);
  if (row.is_random) {
    const auto seed = section.get("seed", static_cast<std::int64_t>(o.seed));
    section.check(seed >= 0, "seed", "0 or more");
    o.seed = static_cast<std::uint64_t>(seed);
  }
  section.check(o.share >= 0 && o.share <= 1, "share", "in [0, 1]");
  section.reject_unknown();
  return o;
}

std::span<const Transform> transforms() { return kTransforms; }

const Transform& transform_named(std::string_view name) {
  const auto found = std::ranges::find(kTransforms, name, &Transform::name);
  if (found != kTransforms.end()) return *found;
  std::string known;
  for (const auto& row : kTransforms) known += " " + std::string(row.name);
  throw base::DataError("transform \"" + std::string(name) + "\" is unknown; known:" + known);
}

std::uint64_t transform_key(const TransformOptions& options, std::string_view id) {
  return base::join_keys(base::join_keys(options.seed, base::key_of(options.name)),
                         base::key_of(id));
}

Turns transform(Turns context, const TransformOptions& options, std::string_view id) {
  return transform_named(options.name)
      .change(std::move(context), options, transform_key(options, id));
}

Dialogue transform(Dialogue dialogue, const TransformOptions& options) {
  if (dialogue.turns.empty()) return dialogue;
  auto reply = std::move(dialogue.turns.back());
  dialogue.turns.pop_back();
  dialogue.turns = transform(std::move(dialogue.turns), options, dialogue.id);
  dialogue.turns.push_back(std::move(reply));
  return dialogue;
}

}  // namespace banter::data
