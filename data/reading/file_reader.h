#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "data/formats/formats.h"
#include "data/input/place.h"
#include "data/problems.h"
#include "data/record.h"

namespace banter::data {

/// A stream of a file was opened; what follows is in it.
struct StreamFound {
  enum class Kind : std::uint8_t {
    kRead,         ///< its records follow
    kEmpty,        ///< there is nothing in it, which `why` says
    kPassedOver,   ///< it has no known, or not the wanted, format
    kPassedUtf16,  ///< the same, and it is UTF-16
  };
  Kind kind = Kind::kRead;
  Place place;
  const Format* format = nullptr;  ///< of kRead
  std::string_view why;            ///< it was taken for that format
};

struct FoundRecord {
  Record record;
  Place place;
  std::vector<Dialogue> further_parts = {};  ///< where the record is the first of a run that is cut
};

/// So many more bytes of the file were read.
struct BytesRead {
  std::uint64_t bytes = 0;
};

/// What reading a file gives, in the order of the file.
using FoundItem = std::variant<StreamFound, FoundRecord, Problem, BytesRead>;

/// How the files of a source are read.
struct FileReading {
  ReadLimits limits;
  const Format* wanted = nullptr;  ///< nothing: the content decides
  bool is_the_source = false;      ///< the file is all of it, so that plain formats are believed
};

/// Opens a file and its archive's members, recognises and reads them. Has no state, so that files
/// may be read side by side.
/// Throws   FileError, DamagedInput, Stopped; what `take` throws
void read_found(const std::filesystem::path& file, const std::string& name, const Place& place,
                const FileReading& how, const std::function<void(FoundItem&&)>& take);

/// Why a file that is UTF-16 is not read, behind its place.
inline constexpr const char* kUtf16 = ": is UTF-16, not UTF-8: convert it, for example with iconv";

}  // namespace banter::data
