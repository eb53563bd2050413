#include "data/input/patterns.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

#include <fnmatch.h>
#include <glob.h>

#include "base/errors.h"
#include "base/utf8.h"

namespace banter::data {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWildcards = "*?[";

bool has_wildcards(const fs::path& path) {
  return path.string().find_first_of(kWildcards) != std::string::npos;
}

/// The folder in front of the first part with wildcards.
fs::path fixed_folder(const fs::path& pattern) {
  fs::path fixed;
  for (const auto& part : pattern.parent_path()) {
    if (has_wildcards(part)) break;
    fixed /= part;
  }
  return fixed;
}

fs::path plain_absolute(const fs::path& path) { return fs::absolute(path).lexically_normal(); }

}  // namespace

bool is_pattern(const fs::path& path) {
  std::error_code error;
  return has_wildcards(path) && fs::status(path, error).type() == fs::file_type::not_found;
}

std::vector<fs::path> matches_of(const fs::path& pattern) {
  glob_t found{};
  const std::unique_ptr<glob_t, decltype(&globfree)> freed(&found, &globfree);
  const int status = ::glob(pattern.c_str(), GLOB_ERR | GLOB_NOSORT, nullptr, &found);
  const auto shown = base::printable(pattern.string(), 1000);
  if (status == GLOB_NOSPACE) throw std::bad_alloc();
  if (status == GLOB_NOMATCH)
    throw base::FileError(shown + ": no file or folder matches this pattern");
  if (status != 0)
    throw base::FileError(shown +
                          ": a folder of this pattern cannot be read: " + std::strerror(errno));
  std::vector<fs::path> matches(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  std::ranges::sort(matches, {}, &fs::path::native);
  return matches;
}

bool is_match(const fs::path& pattern, const fs::path& path) {
  return ::fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0;
}

std::string name_of_match(const fs::path& pattern, const fs::path& match) {
  const auto folder = plain_absolute(fixed_folder(pattern) / "x").parent_path();
  return plain_absolute(match).lexically_relative(folder.parent_path()).string();
}

}  // namespace banter::data
