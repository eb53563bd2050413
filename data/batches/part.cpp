#include "data/batches/part.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/errors.h"
#include "base/random.h"

namespace banter::data {
namespace {

/// What keeps records together: the group, or the id of one that has none.
std::string group_of(const Dialogue& dialogue) {
  return dialogue.group.empty() ? dialogue.id : dialogue.group;
}
std::string group_of(const Pair& pair) { return pair.group.empty() ? pair.id : pair.group; }

/// The groups of a part, of all those named.
std::set<std::string> groups_of_part(const std::vector<std::string>& names, const Part& part) {
  const auto seed = base::join_keys(part.seed, base::key_of("part"));
  std::vector<std::pair<std::uint64_t, std::string>> groups;
  for (const auto& name : std::set<std::string>(names.begin(), names.end()))
    groups.emplace_back(base::join_keys(seed, base::key_of(name)), name);
  std::ranges::sort(groups);
  // A product that is a whole number but for rounding is that number.
  const auto wanted = std::ceil(part.fraction * static_cast<double>(groups.size()) - 1e-9);
  groups.resize(std::min(groups.size(), static_cast<std::size_t>(std::max(wanted, 1.0))));
  std::set<std::string> chosen;
  for (auto& [key, name] : groups) chosen.insert(std::move(name));
  return chosen;
}

/// The places whose group is in the part.
std::vector<std::size_t> places_of_part(const std::vector<std::string>& names, const Part& part) {
  const auto chosen = groups_of_part(names, part);
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (chosen.contains(names[i])) places.push_back(i);
  return places;
}

}  // namespace

Subset dialogues_of(const Split& split, const Part& part) {
  if (part.fraction >= 1) return Subset::all(split.dialogues());
  std::vector<std::string> names;
  names.reserve(split.dialogues());
  for (std::uint64_t d = 0; d < split.dialogues(); ++d) names.push_back(group_of(split.record(d)));
  const auto places = places_of_part(names, part);
  return Subset::of({places.begin(), places.end()});
}

std::vector<std::uint64_t> pairs_of(const Split& split, const std::vector<std::uint64_t>& pairs,
                                    const Part& part) {
  if (part.fraction >= 1) return pairs;
  std::vector<std::string> names;
  names.reserve(pairs.size());
  for (const auto pair : pairs) names.push_back(group_of(split.pair_record(pair)));
  std::vector<std::uint64_t> chosen;
  for (const auto place : places_of_part(names, part)) chosen.push_back(pairs[place]);
  return chosen;
}

void DialogueNames::add(const Split& split, const Part& part) {
  const auto dialogues = dialogues_of(split, part);
  for (std::uint64_t d = 0, next = 0; d < split.dialogues(); ++d) {
    const bool is_kept = next < dialogues.size() && dialogues[next] == d;
    if (is_kept) ++next;
    const auto record = split.record(d);
    auto& names = is_kept ? kept : dropped;
    names.insert({record.id, group_of(record)});
  }
}

std::vector<std::uint64_t> pairs_without_dropped(const Split& split,
                                                 const std::vector<std::uint64_t>& pairs,
                                                 const DialogueNames& names) {
  std::vector<std::uint64_t> left;
  bool names_any = false;
  for (const auto pair : pairs) {
    const auto group = split.pair_record(pair).group;
    const bool is_dropped = names.dropped.contains(group);
    names_any = names_any || is_dropped || names.kept.contains(group);
    if (!is_dropped) left.push_back(pair);
  }
  if (!names_any && !pairs.empty())
    throw base::DataError("split \"" + split.name() +
                          "\": no sentence pair has a dialogue that is learned from as its group, "
                          "so that those of dropped dialogues cannot be told; set pairs.exclude "
                          "to none");
  return left;
}

}  // namespace banter::data
