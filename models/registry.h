#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "configs/section.h"
#include "models/dialogue_model.h"

namespace banter::models {

/// The type that a model's section names, of a dialogue model or a classifier of sentence pairs.
/// Throws   ConfigError on an unknown type (lists the known ones)
std::string model_type(configs::Section& section);

/// Builds the dialogue model that `model.type` names from the keys beside it, with parameters
/// started from `seed` by the rule of `start_parameters`. The model is in training mode. Throws
/// ConfigError on an unknown type (lists the known ones), key or value; on a classifier
ModelPtr build_model(configs::Section section, const Vocabulary& vocabulary, std::uint64_t seed);

/// Reads and checks the keys of a model or a classifier without building anything.
/// Throws   ConfigError
void check_model(configs::Section section);

/// The names of the dialogue models, sorted.
std::vector<std::string> model_types();

}  // namespace banter::models
