#include "configs/yaml_tree.h"

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "base/errors.h"
#include "base/utf8.h"

namespace banter::configs {
namespace {

using base::ConfigError;

constexpr std::size_t kMaxNodes = 10'000;

/// Builds our tree from the parser's events, within limits and without following aliases.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string name, bool has_lines) : name_(std::move(name)), has_lines_(has_lines) {}

  NodePtr root;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(mark, anchor, Node::Kind::kNull);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw ConfigError(where(mark) + ": aliases (*name) are not read; write the value again");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (tag != "?" && tag != "!") refuse_tag(mark, tag);
    // the parser turns the escapes \N and \_ into a single byte that is no character
    if (base::first_bad_utf8(value))
      throw ConfigError(where(mark) + ": an escape stands for no character; use \\u0085 for \\N " +
                        "and \\u00a0 for \\_");
    if (!open_.empty() && open_.back()->kind == Node::Kind::kMapping && !has_key_) {
      take_key(mark, anchor, value);
      return;
    }
    const bool plain = tag == "?";
    const bool null = plain && (value.empty() || value == "~" || value == "null");
    auto node = add(mark, anchor, null ? Node::Kind::kNull : Node::Kind::kScalar);
    node->text = value;
    node->quoted = !plain;
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    if (tag != "?" && !tag.empty()) refuse_tag(mark, tag);
    open(add(mark, anchor, Node::Kind::kList), mark);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    if (tag != "?" && !tag.empty()) refuse_tag(mark, tag);
    open(add(mark, anchor, Node::Kind::kMapping), mark);
  }
  void OnMapEnd() override { close(); }

 private:
  [[nodiscard]] std::string where(const YAML::Mark& mark) const {
    return has_lines_ ? name_ + ":" + std::to_string(mark.line + 1) : name_;
  }
  [[noreturn]] void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    throw ConfigError(where(mark) + ": the tag " + base::printable(tag) +
                      " is not read; leave it out");
  }

  NodePtr add(const YAML::Mark& mark, YAML::anchor_t anchor, Node::Kind kind) {
    if (anchor != YAML::NullAnchor)
      throw ConfigError(where(mark) + ": anchors (&name) are not read; write the value out");
    if (++nodes_ > kMaxNodes) {
      throw ConfigError(where(mark) + ": more than " + std::to_string(kMaxNodes) +
                        " values; a configuration is smaller");
    }
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->where = where(mark);
    if (open_.empty()) {
      root = node;
    } else if (auto& parent = *open_.back(); parent.kind == Node::Kind::kList) {
      node->path = parent.path_of(std::to_string(parent.items.size()));
      parent.items.push_back(node);
    } else {
      if (!has_key_)
        throw ConfigError(where(mark) + ": a key must be plain text, not a list or mapping");
      node->path = parent.path_of(keys_.back());
      node->where = key_where_;
      parent.children.emplace_back(keys_.back(), node);
      keys_.pop_back();
      has_key_ = false;
    }
    return node;
  }

  void take_key(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& key) {
    if (anchor != YAML::NullAnchor)
      throw ConfigError(where(mark) + ": anchors (&name) are not read; write the value out");
    if (const auto old = open_.back()->child(key); old != nullptr) {
      throw ConfigError(where(mark) + ": " + open_.back()->path_of(base::printable(key)) +
                        ": stands twice, first at " + old->where + "; keep one");
    }
    key_where_ = where(mark);
    keys_.push_back(key);
    has_key_ = true;
  }

  void open(const NodePtr& node, const YAML::Mark& mark) {
    open_.push_back(node);
    if (open_.size() > kMaxDepth) {
      throw ConfigError(where(mark) + ": nested deeper than " + std::to_string(kMaxDepth) +
                        " levels");
    }
  }
  void close() { open_.pop_back(); }

  std::string name_;
  bool has_lines_;
  std::vector<NodePtr> open_;
  std::vector<std::string> keys_;
  std::string key_where_;
  bool has_key_ = false;
  std::size_t nodes_ = 0;
};

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
}

/// Whether some line has a tab before its first other character.
bool is_indented_by_tab(std::string_view yaml) {
  bool at_start = true;
  for (const char c : yaml) {
    if (at_start && c == '\t') return true;
    at_start = c == '\n' || (at_start && c == ' ');
  }
  return false;
}

}  // namespace

NodePtr parse_tree(std::string_view yaml, std::string_view name, bool has_lines) {
  const std::string shown(name);
  if (yaml.size() > kMaxBytes)
    throw ConfigError(shown + ": longer than 1 MB; a configuration is smaller");
  const auto line_of = [&](std::size_t at) {
    if (!has_lines) return std::string(name);
    return shown + ":" + std::to_string(1 + std::ranges::count(yaml.substr(0, at), '\n'));
  };
  if (const auto bad = base::first_bad_utf8(yaml)) {
    throw ConfigError(line_of(*bad) + ": byte " + std::to_string(*bad) +
                      " is not UTF-8; a configuration is UTF-8 text");
  }
  // the parser would take 0x04 for the end of the text and others for letters
  if (const auto at = std::ranges::find_if(yaml, is_control); at != yaml.end()) {
    throw ConfigError(line_of(static_cast<std::size_t>(at - yaml.begin())) +
                      ": holds the control character " + base::printable({at, at + 1}) +
                      "; a configuration is text");
  }
  TreeBuilder builder(shown, has_lines);
  try {
    // the end marker: without it the parser takes an open quote at the end for a closed one
    std::istringstream in(std::string(yaml) + (yaml.ends_with('\n') ? "...\n" : "\n...\n"));
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(builder)) return nullptr;
    TreeBuilder second(shown, has_lines);
    if (parser.HandleNextDocument(second) && second.root != nullptr)
      throw ConfigError(shown + ": holds a second document (---); one is read");
  } catch (const YAML::Exception& error) {
    const bool has_mark = has_lines && !error.mark.is_null();
    throw ConfigError(shown + (has_mark ? ":" + std::to_string(error.mark.line + 1) : "") +
                      ": not valid YAML: " + base::printable(error.msg) +
                      (is_indented_by_tab(yaml) ? " (indent with spaces, not with tabs)" : ""));
  }
  return builder.root;
}

}  // namespace banter::configs
