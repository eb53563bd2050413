#pragma once

#include <optional>
#include <string_view>

#include "train/experiment/columns.h"
#include "train/experiment/results.h"

namespace banter::train {

/// A metric of what stands beside the models, as n-grams and the corpus's own replies do: its value
/// in a part of what `banter evaluate` said of the runs. Runs that do not have the part are passed
/// over; nothing where none has it, or where runs differ in the digits of the column, as those on
/// other data do: then no value is that of the table.
std::optional<double> reference_value(const GridResults& results, std::string_view part,
                                      const Column& column);

}  // namespace banter::train
