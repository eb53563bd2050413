#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "configs/section.h"
#include "models/pair_classifier.h"

namespace banter::models {

/// The names of the table of classifiers, sorted.
std::vector<std::string> pair_classifier_types();
bool is_pair_classifier(std::string_view type);

/// Builds the classifier that `model.type` names from the keys beside it, with parameters started
/// from `seed` by the rule of `start_parameters`. It is in training mode.
/// Throws   ConfigError on another type (lists the known ones), an unknown key or value
PairClassifierPtr build_pair_classifier(configs::Section section, const Vocabulary& vocabulary,
                                        std::uint64_t seed);

/// Reads and checks the same keys without building anything. Throws   ConfigError
void check_pair_classifier(configs::Section section);

}  // namespace banter::models
