#include "data/reading/found_cleaning.h"

#include <iterator>
#include <utility>
#include <variant>

namespace banter::data {

void clean_found(const Cleaner& cleaner, FoundItem&& item,
                 const std::function<void(FoundItem&&)>& take) {
  auto* found = std::get_if<FoundRecord>(&item);
  if (found == nullptr || cleaner.is_idle()) return take(std::move(item));
  const auto tell = [&](Problem&& problem) { take(std::move(problem)); };
  if (auto* pair = std::get_if<Pair>(&found->record)) {
    if (cleaner.clean(*pair, found->place, tell)) take(std::move(item));
    return;
  }
  auto parts = cleaner.clean(std::get<Dialogue>(std::move(found->record)), found->place, tell);
  if (parts.empty()) return;
  found->record = std::move(parts.front());
  found->further_parts.assign(std::make_move_iterator(parts.begin() + 1),
                              std::make_move_iterator(parts.end()));
  take(std::move(item));
}

}  // namespace banter::data
