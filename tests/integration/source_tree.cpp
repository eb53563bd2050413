#include "tests/integration/source_tree.h"

#include <array>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "base/files.h"

namespace banter::tests {

std::map<std::string, std::string> read_source_tree() {
  namespace fs = std::filesystem;
  const fs::path root = BANTER_SOURCE_DIR;
  std::map<std::string, std::string> files;
  const auto add = [&](const fs::path& path) {
    if (!fs::is_regular_file(path) || fs::is_symlink(path)) return;
    files[fs::relative(path, root).generic_string()] = base::read_file(path);
  };
  constexpr std::array kFolders = {".ci",    "base",  "cmake", "configs", "data",
                                   "models", "serve", "tests", "train",   "scripts"};
  for (const char* folder : kFolders) {
    if (!fs::is_directory(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) add(entry.path());
  }
  for (const auto& entry : fs::directory_iterator(root)) add(entry.path());
  if (files.size() < 20) throw std::runtime_error("no source tree at " + root.string());
  return files;
}

std::vector<std::string> includes_of(const std::string& text) {
  static const std::regex kInclude(R"re(^\s*#\s*include\s*(<[^>]+>|"[^"]+"))re");
  std::vector<std::string> included;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (!std::regex_search(line, match, kInclude)) continue;
    const std::string name = match[1];
    included.push_back(name.front() == '<' ? name : name.substr(1, name.size() - 2));
  }
  return included;
}

}  // namespace banter::tests
