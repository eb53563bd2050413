#pragma once

#include <cstddef>

#include "data/record.h"

namespace banter::data {

/// About how many bytes of memory a record takes, however short its texts are.
std::size_t memory_of(const Record& record);

}  // namespace banter::data
