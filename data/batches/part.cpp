#include "data/batches/part.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/random.h"

namespace banter::data {
namespace {

/// Where groups stand in the order in which a part takes them.
class GroupOrder {
 public:
  explicit GroupOrder(std::uint64_t seed) : key_(base::join_keys(seed, base::key_of("part"))) {}
  [[nodiscard]] std::uint64_t operator()(std::string_view group) const {
    return base::join_keys(key_, base::key_of(group));
  }

 private:
  std::uint64_t key_;
};

/// The last place in that order that is in the part, of the places of all records.
std::uint64_t last_place(std::vector<std::uint64_t> places, double fraction) {
  if (places.empty()) return 0;
  std::ranges::sort(places);
  places.erase(std::unique(places.begin(), places.end()), places.end());
  // A product that is a whole number but for rounding is that number.
  const auto wanted = std::ceil(fraction * static_cast<double>(places.size()) - 1e-9);
  const auto groups = std::min(places.size(), static_cast<std::size_t>(std::max(wanted, 1.0)));
  return places[groups - 1];
}

}  // namespace

Subset dialogues_of(const Split& split, const Part& part) {
  if (part.fraction >= 1) return Subset::all(split.dialogues());
  const GroupOrder order(part.seed);
  std::vector<std::uint64_t> places;
  places.reserve(split.dialogues());
  for (std::uint64_t d = 0; d < split.dialogues(); ++d) {
    const auto group = split.group(d);
    places.push_back(order(group.empty() ? split.id(d) : group));
  }
  const auto last = last_place(places, part.fraction);
  std::vector<std::uint64_t> chosen;
  for (std::uint64_t d = 0; d < places.size(); ++d)
    if (places[d] <= last) chosen.push_back(d);
  return Subset::of(std::move(chosen));
}

std::vector<std::uint64_t> pairs_of(const Split& split, const std::vector<std::uint64_t>& pairs,
                                    const Part& part) {
  if (part.fraction >= 1) return pairs;
  const GroupOrder order(part.seed);
  std::vector<std::uint64_t> places;
  places.reserve(pairs.size());
  for (const auto pair : pairs) places.push_back(order(group_of(split.pair_record(pair))));
  const auto last = last_place(places, part.fraction);
  std::vector<std::uint64_t> chosen;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    if (places[i] <= last) chosen.push_back(pairs[i]);
  return chosen;
}

}  // namespace banter::data
