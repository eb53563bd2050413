#pragma once

#include <array>
#include <charconv>
#include <filesystem>
#include <string>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"

namespace banter::models {

/// The object in a file. Throws   FileError; DataError when it holds no JSON object
inline base::json::object read_json_file(const std::filesystem::path& path) {
  return base::as_object(base::parse_json(base::read_file(path), path.string()), path.string());
}

/// The same; an empty one where there is no such file.
inline base::json::object read_json_file_if_there(const std::filesystem::path& path) {
  return std::filesystem::exists(path) ? read_json_file(path) : base::json::object();
}

/// A number as people write it, "0.1", with as few digits as tell it from its neighbours.
inline std::string number_text(double value) {
  std::array<char, 32> digits{};
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

}  // namespace banter::models
