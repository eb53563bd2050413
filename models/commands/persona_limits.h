#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/batches/examples.h"

namespace banter::models {

/// What a model leaves out of a persona's lines, a sentence each; none where it reads all.
///
/// `tokens`: of each line.
std::vector<std::string> notes_on_persona(const std::vector<std::int64_t>& tokens,
                                          const data::BatchOptions& limits);

}  // namespace banter::models
