#pragma once

#include <functional>

#include "data/cleaning/cleaning.h"
#include "data/reading/file_reader.h"

namespace banter::data {

/// Cleans what reading has found and gives on what is left: before a record what is told of it, and
/// of a run that was cut all parts at once.
///
/// Threads  any number at once
void clean_found(const Cleaner& cleaner, FoundItem&& item,
                 const std::function<void(FoundItem&&)>& take);

}  // namespace banter::data
