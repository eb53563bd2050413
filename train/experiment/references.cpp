#include "train/experiment/references.h"

namespace banter::train {

namespace json = base::json;

std::optional<double> reference_value(const json::object& measured, std::string_view part,
                                      std::string_view metric) {
  const auto* object = measured.if_contains(part);
  if (object == nullptr || !object->is_object()) return {};
  const auto* found = object->get_object().if_contains(metric);
  if (found == nullptr || !found->is_object()) return {};
  const auto* value = found->get_object().if_contains("value");
  if (value == nullptr || !value->is_number()) return {};
  return value->to_number<double>();
}

}  // namespace banter::train
