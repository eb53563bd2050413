#pragma once

#include <vector>

#include "train/experiment/options.h"

namespace banter::train {

/// The rows that a configuration names: each of `rows`, in every combination with one value of each
/// of `axes`, the first axis changing slowest.
///
///     rows:                                         axes:
///       none: {model.attention: none}                 model.combine: [concat, sum]
///       both: {model.attention: both}                 size:
///                                                       small: {model.hidden_dim: 128}
///                                                       large: {model.hidden_dim: 512}
///
/// gives none-concat-small, none-concat-large, none-sum-small, ... A value of a list is named by
/// itself, or with its key where it is no word (`hidden_dim-128`).
/// Throws   ConfigError with the place of what is wrong
std::vector<Row> read_rows(configs::Section& root);

}  // namespace banter::train
