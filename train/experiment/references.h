#pragma once

#include <optional>
#include <string_view>

#include "base/json.h"

namespace banter::train {

/// The value of a metric in a part of what `banter evaluate` said; nothing where there is none.
std::optional<double> reference_value(const base::json::object& measured, std::string_view part,
                                      std::string_view metric);

}  // namespace banter::train
