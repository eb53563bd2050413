#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <torch/nn/module.h>
#include <torch/types.h>

#include "train/arena.h"
#include "train/options.h"

namespace banter::train {

/// The ranges of a module's parameters: each parameter goes to the first of `options.groups` whose
/// pattern it matches, or else to none; within those, matrices and others apart, and apart by the
/// step that first touches them (`decay_rules`). Ranges outside of groups keep their names,
/// "matrices", ...; those of the second group are "matrices_of_group_2", ...
/// Throws   ConfigError when a pattern matches no parameter (with near names), or only those of
///          groups before it; when one without matrices has a decay of its own; when every
///          parameter is frozen
std::vector<RangeRule> range_rules(
    const torch::nn::Module& module, const TrainOptions& options,
    const std::function<std::int64_t(const std::string& name)>& active_from);

}  // namespace banter::train
