#include "data/pair.h"

#include <array>
#include <utility>

namespace banter::data {
namespace {
constexpr std::array kNames = {
    std::pair{Label::kEntailment, std::string_view("entailment")},
    std::pair{Label::kNeutral, std::string_view("neutral")},
    std::pair{Label::kContradiction, std::string_view("contradiction")},
};
}  // namespace

std::string_view to_text(Label label) { return kNames[static_cast<std::size_t>(label)].second; }

std::optional<Label> label_named(std::string_view name) {
  for (const auto& [label, known] : kNames)
    if (known == name) return label;
  return std::nullopt;
}

}  // namespace banter::data
