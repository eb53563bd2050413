#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "data/dialogue.h"

/// What a record is checked for on the way from a file.
namespace banter::data {

/// Why a record is lost: thrown where its fault is found, caught by the reader that knows the
/// place.
struct LostRecord {
  std::string_view rule;  ///< a literal
  std::string detail;
};

/// A name or an id, without NUL. Throws   LostRecord
std::string checked_name(std::string_view text, std::string_view what);

/// The same; "?" when it is empty.
std::string checked_speaker(std::string_view name);

/// A turn that may be kept. Throws   LostRecord naming the turn, counted from 1
Turn checked_turn(std::string_view speaker, std::string_view text, std::string_view time,
                  std::size_t number);

}  // namespace banter::data
