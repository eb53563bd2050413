#include "train/parameter_groups.h"

#include <cmath>
#include <vector>

namespace banter::train {

std::vector<ParameterGroup> read_groups(configs::Section& section, double weight_decay) {
  std::vector<ParameterGroup> groups;
  for (auto& entry : section.sections("groups")) {
    ParameterGroup group;
    group.match = entry.require<std::string>("match");
    group.lr_scale = entry.get("lr_scale", group.lr_scale);
    group.weight_decay = entry.get("weight_decay", weight_decay);
    group.frozen = entry.get("frozen", group.frozen);
    entry.check(!group.match.empty(), "match", "a pattern of parameters' names");
    entry.check(group.lr_scale >= 0, "lr_scale", "0 or more");
    entry.check(group.weight_decay >= 0, "weight_decay", "0 or more");
    entry.check(!group.frozen || group.lr_scale == 1, "lr_scale", "absent where frozen is true");
    entry.reject_unknown();
    groups.push_back(std::move(group));
  }
  return groups;
}

bool matches(std::string_view pattern, std::string_view name) {
  std::vector<bool> fits(name.size() + 1, false);  // the pattern so far against name's first i
  fits[0] = true;
  for (const char c : pattern) {
    if (c == '*') {
      for (std::size_t i = 1; i <= name.size(); ++i) fits[i] = fits[i] || fits[i - 1];
      continue;
    }
    for (std::size_t i = name.size(); i > 0; --i)
      fits[i] = fits[i - 1] && (c == '?' || c == name[i - 1]);
    fits[0] = false;
  }
  return fits[name.size()];
}

}  // namespace banter::train
