#include "configs/node.h"

#include "configs/values.h"

namespace banter::configs {
namespace {

/// Whether a scalar that stood without quotes may stand so in a list or mapping on one line.
bool is_plain(std::string_view text) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '/';
  };
  const auto first = text.find_first_not_of("+-");
  return first <= 1 && std::ranges::all_of(text.substr(first), [&](char c) {
           return is_word(c) || c == '-' || c == '+';
         });
}

}  // namespace

NodePtr copy_of(const Node& node, const std::string& path) {
  auto copy = std::make_shared<Node>();
  copy->kind = node.kind;
  copy->text = node.text;
  copy->quoted = node.quoted;
  copy->where = node.where;
  copy->path = path;
  for (const auto& [key, child] : node.children)
    copy->children.emplace_back(key, copy_of(*child, copy->path_of(key)));
  for (std::size_t i = 0; i < node.items.size(); ++i)
    copy->items.push_back(copy_of(*node.items[i], copy->path_of(std::to_string(i))));
  return copy;
}

std::string to_yaml(const Node& node) {
  std::string text;
  switch (node.kind) {
    case Node::Kind::kNull:
      return "null";
    case Node::Kind::kScalar:
      return !node.quoted && is_plain(node.text) ? node.text : to_yaml(node.text);
    case Node::Kind::kList:
      for (const auto& item : node.items) text += (text.empty() ? "" : ", ") + to_yaml(*item);
      return "[" + text + "]";
    case Node::Kind::kMapping:
      for (const auto& [key, child] : node.children)
        text += (text.empty() ? "" : ", ") + to_yaml(key) + ": " + to_yaml(*child);
      return "{" + text + "}";
  }
  return text;
}

}  // namespace banter::configs
