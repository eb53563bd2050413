#include "train/experiment/references.h"

#include <cmath>
#include <limits>

#include "train/metrics/texts/scores.h"

namespace banter::train {
namespace {

namespace json = base::json;

/// NaN where there was nothing to measure; nothing where it was not measured.
std::optional<double> value_in(const json::object& measured, std::string_view part,
                               std::string_view metric) {
  const auto* object = measured.if_contains(part);
  if (object == nullptr || !object->is_object()) return {};
  const auto* found = object->get_object().if_contains(metric);
  if (found == nullptr || !found->is_object()) return {};
  const auto* value = found->get_object().if_contains("value");
  if (value == nullptr) return {};
  return value->is_number() ? value->to_number<double>() : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

std::optional<double> reference_value(const GridResults& results, std::string_view part,
                                      const Column& column) {
  std::optional<double> shared;
  for (const auto& run : results.finished) {
    const auto value = value_in(run.measured, part, column.name);
    if (!value) continue;
    if (!shared) shared = value;
    if (fixed(*value, column.digits) != fixed(*shared, column.digits)) return {};
  }
  return shared && std::isfinite(*shared) ? shared : std::nullopt;
}

}  // namespace banter::train
