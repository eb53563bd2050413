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

void rename_places(Node& node, const std::string& where) {
  node.where = where;
  for (auto& [key, child] : node.children) rename_places(*child, where);
  for (auto& item : node.items) rename_places(*item, where);
}

/// The place that `key` names in a list. Throws   ConfigError
NodePtr& place_in_list(Node& list, const std::string& key, const std::string& where) {
  std::size_t index = 0;
  const auto* end = key.data() + key.size();
  const auto parsed = std::from_chars(key.data(), end, index);
  if (parsed.ec != std::errc() || parsed.ptr != end || index >= list.items.size())
    throw ConfigError(where + ": " + list.path + ": is a list of " +
                      std::to_string(list.items.size()) + ", there is no place " + key);
  return list.items[index];
}

/// The place of `key` in a mapping, made when it is missing. Throws   ConfigError
NodePtr& place_in_mapping(Node& node, const std::string& key, const std::string& where) {
  if (node.kind == Node::Kind::kNull) node.kind = Node::Kind::kMapping;
  if (node.kind != Node::Kind::kMapping)
    throw ConfigError(where + ": " + node.path + ": is no mapping that could hold a key");
  const auto found =
      std::ranges::find(node.children, key, [](const auto& child) { return child.first; });
  if (found != node.children.end()) return found->second;
  auto made = std::make_shared<Node>();
  made->path = node.path_of(key);
  made->where = where;
  node.children.emplace_back(key, made);
  return node.children.back().second;
}

}  // namespace

void lay_over(const NodePtr& root, std::string_view key, const Node& value,
              const std::string& where) {
  if (key.empty() || key.starts_with('.') || key.ends_with('.') ||
      key.find("..") != std::string_view::npos)
    throw ConfigError(where + ": an empty key stands between dots; must be key.path=value");
  if (static_cast<std::size_t>(std::ranges::count(key, '.')) >= kMaxDepth) {
    throw ConfigError(where + ": nested deeper than " + std::to_string(kMaxDepth) + " levels");
  }
  const auto laid = copy_of(value, std::string(key));
  NodePtr node = root;
  while (true) {
    const auto dot = key.find('.');
    const std::string part(key.substr(0, dot));
    auto& place = node->kind == Node::Kind::kList ? place_in_list(*node, part, where)
                                                  : place_in_mapping(*node, part, where);
    if (dot == std::string_view::npos) {
      place = laid;
      return;
    }
    node = NodePtr(place);
    key.remove_prefix(dot + 1);
  }
}

void lay_over(const NodePtr& root, std::string_view key, std::string_view yaml,
              const std::string& where) {
  auto value = parse_tree(yaml, where, /*has_lines=*/false);
  if (value == nullptr) value = std::make_shared<Node>();
  rename_places(*value, where);
  lay_over(root, key, *value, where);
}

void apply_override(const NodePtr& root, const std::string& text) {
  const auto equals = text.find('=');
  const std::string where = "--set " + base::printable(text);
  if (equals == std::string::npos || equals == 0)
    throw ConfigError(where + ": must be key.path=value");
  const std::string_view all = text;
  lay_over(root, all.substr(0, equals), all.substr(equals + 1), where);
}

}  // namespace banter::configs
