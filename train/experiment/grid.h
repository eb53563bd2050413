#pragma once

#include <optional>
#include <string>
#include <utility>
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

/// The name of the row that a row is tested against: `baseline` where that is a row, or that which
/// stands where the row does, but for one coordinate, which is named `baseline`. Nothing where
/// there is none, or it is the row itself.
std::optional<std::string> baseline_of(const Row& row, const std::vector<Row>& rows,
                                       const std::string& baseline);

/// The names that `baseline` may have beside those of rows: of values on axes, once for each axis.
std::vector<std::string> coordinate_names(const std::vector<Row>& rows);

/// The axes whose values are two numbers or more, by name, with the values in rising order.
std::vector<std::pair<std::string, std::vector<double>>> numeric_axes(const std::vector<Row>& rows);

}  // namespace banter::train
