#include "train/evaluation/dialogue_groups.h"

#include <string>
#include <unordered_map>

namespace banter::train {

std::vector<std::uint64_t> groups_of_dialogues(const data::Split& split) {
  std::unordered_map<std::string, std::uint64_t> first;
  std::vector<std::uint64_t> groups(split.dialogues());
  for (std::uint64_t d = 0; d < groups.size(); ++d) {
    auto name = split.group(d);
    groups[d] = name.empty() ? d : first.try_emplace(std::move(name), d).first->second;
  }
  return groups;
}

}  // namespace banter::train
