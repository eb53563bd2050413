#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "configs/section.h"

namespace banter::train {

/// Parameters that are learned in a way of their own: an entry of `train.groups`.
struct ParameterGroup {
  std::string match;          ///< names of parameters; `*` = any text, `?` = any character
  double lr_scale = 1.0;      ///< times the learning rate, >= 0
  double weight_decay = 0.0;  ///< in place of train.weight_decay; of matrices only, >= 0
  bool frozen = false;        ///< never moved, nor part of the gradient's norm

  bool operator==(const ParameterGroup&) const = default;
};

/// Reads `groups` of a section; `weight_decay` is what a group has that names none.
/// Throws   ConfigError on a bad value or an unknown key
std::vector<ParameterGroup> read_groups(configs::Section& section, double weight_decay);

/// Whether all of `name` is of the form `pattern`, where `*` stands for any text (none, too) and
/// `?` for one character. Cost   O(length * length)
bool matches(std::string_view pattern, std::string_view name);

}  // namespace banter::train
