#pragma once

#include <cstdint>
#include <filesystem>

#include <boost/json.hpp>

namespace banter::data {

/// What stands where a store is to be.
enum class Existing : std::uint8_t {
  kNone,
  kSame,   ///< the store that is wanted
  kOther,  ///< a store, to be replaced
};

/// Looks at it. `wanted` is what the store will say of itself; `force` allows to replace another.
/// Throws   FileError, DataError when it is not ours to replace; Stopped
Existing look_at(const std::filesystem::path& store, const boost::json::object& wanted, bool force,
                 bool quiet);

/// Puts the finished folder where the store is to be; an old one is swapped out in the same step.
/// Throws   FileError
void put_in_place(const std::filesystem::path& made, const std::filesystem::path& store,
                  Existing existing);

}  // namespace banter::data
