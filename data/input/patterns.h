#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace banter::data {

/// Whether a path has wildcards (`*`, `?`, `[`) and there is no file or folder of exactly its name.
bool is_pattern(const std::filesystem::path& path);

/// What a pattern matches, sorted by bytes: POSIX glob(3), so `*` crosses no `/` and hidden files
/// must be named. Throws   FileError when it matches nothing, or a folder cannot be read
std::vector<std::filesystem::path> matches_of(const std::filesystem::path& pattern);

/// Whether a path, there or not, is one that the pattern matches. Both absolute.
bool is_match(const std::filesystem::path& pattern, const std::filesystem::path& path);

/// What a match is called in the source that the pattern is: its path from the last folder without
/// wildcards on, `corpus/a/1.tsv` for `/data/corpus/*/*.tsv`, however both are spelt.
std::string name_of_match(const std::filesystem::path& pattern, const std::filesystem::path& match);

}  // namespace banter::data
