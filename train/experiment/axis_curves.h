#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "train/experiment/document.h"
#include "train/experiment/options.h"
#include "train/experiment/summary.h"

namespace banter::train {

/// The means of a metric over an axis of numbers, a line for all rows that differ by the axis
/// alone, whiskers as in bars; nothing where no two values of a line are there.
///
/// `values` of the axis, rising; where they are above 0 and the largest is 8 times the smallest or
/// more, equal factors are equal distances. `column` of the summary.
std::optional<Figure> curves_over(const std::string& axis, const std::vector<double>& values,
                                  const Summary& summary, std::size_t column,
                                  const std::vector<Row>& rows);

}  // namespace banter::train
