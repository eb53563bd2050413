#include "train/range_rules.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "base/errors.h"
#include "base/utf8.h"

namespace banter::train {
namespace {

constexpr std::size_t kNearNames = 3;

struct Parameter {
  std::string name;
  torch::Tensor tensor;
};

std::vector<Parameter> parameters_of(const torch::nn::Module& module) {
  std::vector<Parameter> parameters;
  for (const auto& item : module.named_parameters())
    parameters.push_back({item.key(), item.value()});
  return parameters;
}

/// The number of the first group that takes a name, from 0; groups.size() = none.
std::size_t group_of(const std::vector<ParameterGroup>& groups, std::string_view name) {
  const auto takes = [&](const ParameterGroup& group) { return matches(group.match, name); };
  return static_cast<std::size_t>(std::ranges::find_if(groups, takes) - groups.begin());
}

/// Edits (insert, remove, replace one byte) that make `name` match `pattern`.
std::size_t distance(std::string_view pattern, std::string_view name) {
  std::vector<std::size_t> row(name.size() + 1);  // of the pattern so far to name's first j
  for (std::size_t j = 0; j <= name.size(); ++j) row[j] = j;
  for (const char c : pattern) {
    std::size_t diagonal = row[0];
    if (c != '*') ++row[0];
    for (std::size_t j = 1; j <= name.size(); ++j) {
      const auto replaced = diagonal + (c == '?' || c == name[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = c == '*' ? std::min(row[j], row[j - 1])
                        : std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

std::string near_names(std::string_view pattern, const std::vector<Parameter>& parameters) {
  std::vector<std::pair<std::size_t, std::string>> names;
  for (const auto& parameter : parameters)
    names.emplace_back(distance(pattern, parameter.name), parameter.name);
  std::ranges::stable_sort(names, {}, &std::pair<std::size_t, std::string>::first);
  std::string near;
  for (std::size_t i = 0; i < std::min(kNearNames, names.size()); ++i)
    near += (near.empty() ? "" : ", ") + names[i].second;
  return near;
}

/// Throws   ConfigError when group `number` has no parameters, or a decay that moves none of them
void check_group(const TrainOptions& options, std::size_t number,
                 const std::vector<Parameter>& parameters) {
  const auto& group = options.groups[number];
  const auto fail = [&](const std::string& key, const std::string& why) {
    throw base::ConfigError("train.groups." + std::to_string(number) + "." + key + ": \"" +
                            base::printable(group.match) + "\" " + why);
  };
  bool is_known = false, has_any = false, has_matrix = false;
  for (const auto& [name, tensor] : parameters) {
    is_known = is_known || matches(group.match, name);
    if (group_of(options.groups, name) != number) continue;
    has_any = true;
    has_matrix = has_matrix || tensor.dim() >= 2;
  }
  if (!is_known)
    fail("match",
         "matches no parameter of the model; near names: " + near_names(group.match, parameters));
  if (!has_any) fail("match", "matches only parameters that groups before it take");
  if (!has_matrix && group.weight_decay > 0 && group.weight_decay != options.weight_decay)
    fail("weight_decay", "has no matrix, and weight decay pulls at matrices only; leave it out");
}

/// Makes a rule one of a group's parameters alone, updated as the group says.
RangeRule within(RangeRule rule, const std::vector<ParameterGroup>& groups, std::size_t number) {
  if (number < groups.size()) {
    const auto& group = groups[number];
    rule.name += "_of_group_" + std::to_string(number + 1);
    rule.rate_scale = group.lr_scale;
    rule.weight_decay = group.weight_decay;
    if (group.frozen) rule.active_from = RangeRule::kNever;
  }
  rule.takes = [groups, number, takes = std::move(rule.takes)](const std::string& name,
                                                               const torch::Tensor& parameter) {
    return group_of(groups, name) == number && takes(name, parameter);
  };
  return rule;
}

}  // namespace

std::vector<RangeRule> range_rules(
    const torch::nn::Module& module, const TrainOptions& options,
    const std::function<std::int64_t(const std::string& name)>& active_from) {
  const auto& groups = options.groups;
  const auto parameters = parameters_of(module);
  for (std::size_t number = 0; number < groups.size(); ++number)
    check_group(options, number, parameters);
  const auto is_frozen = [&](const Parameter& parameter) {
    const auto number = group_of(groups, parameter.name);
    return number < groups.size() && groups[number].frozen;
  };
  if (!parameters.empty() && std::ranges::all_of(parameters, is_frozen))
    throw base::ConfigError("train.groups: every parameter of the model is frozen");

  std::vector<RangeRule> rules;
  for (std::size_t number = 0; number <= groups.size(); ++number)
    for (auto& rule : decay_rules(module, active_from))
      rules.push_back(within(std::move(rule), groups, number));
  return rules;
}

}  // namespace banter::train
