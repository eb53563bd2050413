#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace banter::configs {

/// One value of a configuration, where it stands, and what was read of it.
struct Node {
  enum class Kind : std::uint8_t { kNull, kScalar, kList, kMapping };
  /// A key that a reader asked for: a value with its text as YAML, a mapping, or a list of them.
  struct Read {
    std::string key;
    std::string value;
    std::vector<std::shared_ptr<Node>> mappings;
    bool is_list = false;
  };

  Kind kind = Kind::kNull;
  std::string text;         ///< of a scalar
  bool quoted = false;      ///< the scalar stood in quotes: a string whatever it looks like
  std::string where, path;  ///< "recipe.yaml:12", "train.lr"
  std::vector<std::pair<std::string, std::shared_ptr<Node>>> children;  ///< of a mapping
  std::vector<std::shared_ptr<Node>> items;                             ///< of a list
  std::vector<Read> read;                                               ///< in the order of reading
  std::set<std::string, std::less<>> ignored;

  [[nodiscard]] std::shared_ptr<Node> child(std::string_view key) const {
    for (const auto& [name, node] : children)
      if (name == key) return node;
    return nullptr;
  }
  [[nodiscard]] std::string path_of(std::string_view key) const {
    return path.empty() ? std::string(key) : path + "." + std::string(key);
  }
  void record(Read entry) {
    for (auto& old : read) {
      if (old.key != entry.key) continue;
      old = std::move(entry);
      return;
    }
    read.push_back(std::move(entry));
  }
};

using NodePtr = std::shared_ptr<Node>;

/// The same values at the same places, none of them read, under another path.
NodePtr copy_of(const Node& node, const std::string& path);
/// A value on one line of YAML, which reads back to it.
std::string to_yaml(const Node& node);

}  // namespace banter::configs
