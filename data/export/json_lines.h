#pragma once

#include <string>

#include "data/dialogue.h"
#include "data/pair.h"

/// Records as our own JSON Lines: what `jsonl` and `pairs` read back to equal records.
namespace banter::data {

/// One line without its end; what a dialogue does not have is left out, and so is its group, which
/// the form does not know. Text other than ASCII stays as it is.
///
/// Throws   DataError when a key of meta or the persona of a speaker stands twice: an object cannot
///          hold both
std::string to_json_line(const Dialogue& dialogue);

/// One line without its end.
std::string to_json_line(const Pair& pair);

}  // namespace banter::data
