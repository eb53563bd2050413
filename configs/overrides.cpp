#include "configs/overrides.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <vector>

#include "base/errors.h"
#include "base/utf8.h"
#include "configs/yaml_tree.h"

namespace banter::configs {
namespace {

using base::ConfigError;

void rename_paths(Node& node, const std::string& path, const std::string& where) {
  node.path = path;
  node.where = where;
  for (auto& [key, child] : node.children) rename_paths(*child, node.path_of(key), where);
  for (std::size_t i = 0; i < node.items.size(); ++i)
    rename_paths(*node.items[i], node.path_of(std::to_string(i)), where);
}

}  // namespace

void apply_override(const NodePtr& root, const std::string& text) {
  const auto equals = text.find('=');
  const std::string where = "--set " + base::printable(text);
  if (equals == std::string::npos || equals == 0)
    throw ConfigError(where + ": must be key.path=value");
  auto value = parse_tree(std::string_view(text).substr(equals + 1), where, /*has_lines=*/false);
  if (value == nullptr) value = std::make_shared<Node>();

  NodePtr node = root;
  std::string_view rest = std::string_view(text).substr(0, equals);
  if (rest.starts_with('.') || rest.ends_with('.') || rest.find("..") != std::string_view::npos)
    throw ConfigError(where + ": an empty key stands between dots; must be key.path=value");
  if (static_cast<std::size_t>(std::ranges::count(rest, '.')) >= kMaxDepth) {
    throw ConfigError(where + ": nested deeper than " + std::to_string(kMaxDepth) + " levels");
  }
  rename_paths(*value, std::string(rest), where);
  while (true) {
    const auto dot = rest.find('.');
    const std::string key(rest.substr(0, dot));
    const bool last = dot == std::string_view::npos;
    NodePtr* place = nullptr;
    if (node->kind == Node::Kind::kList) {
      std::size_t index = 0;
      const auto* end = key.data() + key.size();
      const auto parsed = std::from_chars(key.data(), end, index);
      if (parsed.ec != std::errc() || parsed.ptr != end || index >= node->items.size()) {
        throw ConfigError(where + ": " + node->path + ": is a list of " +
                          std::to_string(node->items.size()) + ", there is no place " + key);
      }
      place = &node->items[index];
    } else {
      if (node->kind == Node::Kind::kNull) node->kind = Node::Kind::kMapping;
      if (node->kind != Node::Kind::kMapping)
        throw ConfigError(where + ": " + node->path + ": is no mapping that could hold a key");
      const auto found =
          std::ranges::find(node->children, key, [](const auto& child) { return child.first; });
      if (found == node->children.end()) {
        auto made = std::make_shared<Node>();
        made->path = node->path_of(key);
        made->where = where;
        node->children.emplace_back(key, made);
        place = &node->children.back().second;
      } else {
        place = &found->second;
      }
    }
    if (last) {
      *place = value;
      return;
    }
    node = *place;
    rest.remove_prefix(dot + 1);
  }
}

}  // namespace banter::configs
