#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

/// The repository as text, for the tests that hold it to its own rules.
namespace banter::tests {

/// Files of the repository by path from its root, sorted: what stands in its own folders and
/// files, build outputs and downloads not among them.
std::map<std::string, std::string> read_source_tree();

/// What `text` includes: `"x.h"` as x.h, `<x>` as <x>.
std::vector<std::string> includes_of(const std::string& text);

}  // namespace banter::tests
