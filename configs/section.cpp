#include "configs/section.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "base/files.h"
#include "base/nearest.h"
#include "base/utf8.h"

namespace banter::configs {

namespace {

constexpr std::size_t kMaxBytes = 1 << 20;
constexpr std::size_t kMaxDepth = 20;
constexpr std::size_t kMaxNodes = 10'000;  // the search for a key that stands twice is quadratic

}  // namespace

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

namespace {

using NodePtr = std::shared_ptr<Node>;

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

/// The tree of one YAML text, or null when it holds nothing.
NodePtr parse_tree(std::string_view yaml, std::string_view name, bool has_lines) {
  const std::string shown(name);
  if (yaml.size() > kMaxBytes)
    throw ConfigError(shown + ": longer than 1 MB; a configuration is smaller");
  const auto line_of = [&](std::size_t at) {
    if (!has_lines) return shown;
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
    std::istringstream in{std::string(yaml)};
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

void rename_paths(Node& node, const std::string& path, const std::string& where) {
  node.path = path;
  node.where = where;
  for (auto& [key, child] : node.children) rename_paths(*child, node.path_of(key), where);
  for (std::size_t i = 0; i < node.items.size(); ++i)
    rename_paths(*node.items[i], node.path_of(std::to_string(i)), where);
}

template <typename T>
bool parse_number(std::string_view text, T& value) {
  const auto* end = text.data() + text.size();
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const auto result = std::from_chars(text.data(), end, value);
  return result.ec == std::errc() && result.ptr == end;
}

/// Lays one `a.b.0.c=value` over the tree.
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
      if (!parse_number(key, index) || index >= node->items.size()) {
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

// ---- values -----------------------------------------------------------------------------------

/// A string that YAML reads back as the same string.
std::string quoted_if_needed(const std::string& text) {
  const auto is_plain = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '/' || c == '-' || c == '.';
  };
  const bool starts_well = !text.empty() && (std::isalpha(static_cast<unsigned char>(text[0])) ||
                                             text[0] == '_' || text[0] == '/');
  static const std::set<std::string, std::less<>> kWords = {"true", "false", "null", "yes", "no",
                                                            "on",   "off",   "y",    "n"};
  std::string lower = text;
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (starts_well && std::ranges::all_of(text, is_plain) && !kWords.contains(lower)) return text;
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      quoted += std::string("\\x") + kDigits[byte >> 4U] + kDigits[byte & 15U];
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string to_yaml(bool value) { return value ? "true" : "false"; }
std::string to_yaml(std::int64_t value) { return std::to_string(value); }
std::string to_yaml(std::uint64_t value) { return std::to_string(value); }
std::string to_yaml(double value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}
std::string to_yaml(const std::string& value) { return quoted_if_needed(value); }
template <typename T>
std::string to_yaml(const std::vector<T>& values) {
  std::string text = "[";
  for (std::size_t i = 0; i < values.size(); ++i) text += (i > 0 ? ", " : "") + to_yaml(values[i]);
  return text + "]";
}

[[noreturn]] void wrong_type(const Node& node, std::string_view expected) {
  const auto got = node.kind == Node::Kind::kMapping ? std::string("a mapping")
                   : node.kind == Node::Kind::kList  ? std::string("a list")
                   : node.kind == Node::Kind::kNull  ? std::string("nothing")
                                                     : "\"" + base::printable(node.text) + "\"";
  throw ConfigError(node.where + ": " + node.path + ": expected " + std::string(expected) +
                    ", got " + got);
}

void read_value(const Node& node, bool& value) {
  const bool is_true = node.text == "true";
  if (node.kind != Node::Kind::kScalar || node.quoted || (!is_true && node.text != "false"))
    wrong_type(node, "true or false");
  value = is_true;
}

template <typename T>
void read_integer(const Node& node, T& value, std::string_view expected) {
  if (node.kind != Node::Kind::kScalar || node.quoted || !parse_number(node.text, value))
    wrong_type(node, expected);
}
void read_value(const Node& node, std::int64_t& value) {
  read_integer(node, value, "an integer of 64 bits");
}
void read_value(const Node& node, std::uint64_t& value) {
  read_integer(node, value, "a whole number of 64 bits, 0 or more");
}

void read_value(const Node& node, double& value) {
  if (node.kind != Node::Kind::kScalar || node.quoted || !parse_number(node.text, value) ||
      !std::isfinite(value))
    wrong_type(node, "a finite number");
}

void read_value(const Node& node, std::string& value) {
  if (node.kind != Node::Kind::kScalar) wrong_type(node, "text");
  value = node.text;
}

template <typename T>
void read_value(const Node& node, std::vector<T>& values) {
  if (node.kind != Node::Kind::kList) wrong_type(node, "a list, as in [a, b]");
  values.clear();
  for (const auto& item : node.items) {
    T value{};
    read_value(*item, value);
    values.push_back(std::move(value));
  }
}

void dump_mapping(const Node& node, const std::string& indent, std::string& out) {
  for (const auto& entry : node.read) {
    out += indent + quoted_if_needed(entry.key) + ":";
    if (entry.is_list && entry.mappings.empty()) {
      out += " []\n";
    } else if (entry.is_list) {
      out += "\n";
      for (const auto& mapping : entry.mappings) {
        std::string inner;
        dump_mapping(*mapping, indent + "    ", inner);
        if (inner.empty()) {
          out += indent + "  - {}\n";
        } else {
          out += indent + "  - " + inner.substr(indent.size() + 4);
        }
      }
    } else if (!entry.mappings.empty()) {
      std::string inner;
      dump_mapping(*entry.mappings.front(), indent + "  ", inner);
      out += inner.empty() ? " {}\n" : "\n" + inner;
    } else {
      out += " " + entry.value + "\n";
    }
  }
}

}  // namespace

// ---- Section ------------------------------------------------------------------------------------

template <typename T>
T Section::get(std::string_view key, const T& fallback) {
  T value = fallback;
  if (const auto node = node_->child(key); node != nullptr) read_value(*node, value);
  node_->record({std::string(key), to_yaml(value), {}, false});
  return value;
}

template <typename T>
T Section::require(std::string_view key) {
  if (!has(key)) {
    throw ConfigError(node_->where + ": " + node_->path_of(key) +
                      ": is missing, and has no default");
  }
  return get<T>(key, T{});
}

template <typename T>
std::optional<T> Section::maybe(std::string_view key) {
  const auto node = node_->child(key);
  if (node == nullptr || node->kind == Node::Kind::kNull) {
    node_->record({std::string(key), "~", {}, false});
    return std::nullopt;
  }
  return get<T>(key, T{});
}

template bool Section::get(std::string_view, const bool&);
template std::int64_t Section::get(std::string_view, const std::int64_t&);
template std::uint64_t Section::get(std::string_view, const std::uint64_t&);
template double Section::get(std::string_view, const double&);
template std::string Section::get(std::string_view, const std::string&);
template std::vector<std::int64_t> Section::get(std::string_view, const std::vector<std::int64_t>&);
template std::vector<double> Section::get(std::string_view, const std::vector<double>&);
template std::vector<std::string> Section::get(std::string_view, const std::vector<std::string>&);
template bool Section::require(std::string_view);
template std::int64_t Section::require(std::string_view);
template std::uint64_t Section::require(std::string_view);
template double Section::require(std::string_view);
template std::string Section::require(std::string_view);
template std::vector<std::int64_t> Section::require(std::string_view);
template std::vector<double> Section::require(std::string_view);
template std::vector<std::string> Section::require(std::string_view);
template std::optional<bool> Section::maybe(std::string_view);
template std::optional<std::int64_t> Section::maybe(std::string_view);
template std::optional<std::uint64_t> Section::maybe(std::string_view);
template std::optional<double> Section::maybe(std::string_view);
template std::optional<std::string> Section::maybe(std::string_view);
template std::optional<std::vector<std::int64_t>> Section::maybe(std::string_view);
template std::optional<std::vector<double>> Section::maybe(std::string_view);
template std::optional<std::vector<std::string>> Section::maybe(std::string_view);

std::string Section::choice(std::string_view key, std::string_view fallback,
                            const std::vector<std::string>& allowed) {
  auto value = get<std::string>(key, std::string(fallback));
  if (std::ranges::find(allowed, value) == allowed.end()) {
    std::string known;
    for (const auto& name : allowed) known += (known.empty() ? "" : "|") + name;
    check(false, key, "one of " + known);
  }
  return value;
}

Section Section::section(std::string_view key) {
  auto node = node_->child(key);
  if (node == nullptr || node->kind == Node::Kind::kNull) {
    const auto where = node == nullptr ? node_->where : node->where;
    // an absent mapping is an empty one, and the same one at the next call
    for (const auto& entry : node_->read)
      if (entry.key == key && !entry.mappings.empty()) return Section(entry.mappings.front());
    node = std::make_shared<Node>();
    node->kind = Node::Kind::kMapping;
    node->path = node_->path_of(key);
    node->where = where;
  }
  if (node->kind != Node::Kind::kMapping) wrong_type(*node, "a mapping");
  node_->record({std::string(key), "", {node}, false});
  return Section(node);
}

std::vector<Section> Section::sections(std::string_view key) {
  std::vector<Section> list;
  Node::Read entry{std::string(key), "", {}, true};
  if (const auto node = node_->child(key); node != nullptr) {
    if (node->kind != Node::Kind::kList) wrong_type(*node, "a list of mappings");
    for (const auto& item : node->items) {
      if (item->kind != Node::Kind::kMapping) wrong_type(*item, "a mapping");
      list.push_back(Section(item));
      entry.mappings.push_back(item);
    }
  }
  node_->record(std::move(entry));
  return list;
}

bool Section::has(std::string_view key) const { return node_->child(key) != nullptr; }

void Section::check(bool ok, std::string_view key, std::string_view rule) const {
  if (ok) return;
  std::string got;
  for (const auto& entry : node_->read)
    if (entry.key == key) got = entry.value;
  fail(key, "must be " + std::string(rule) + (got.empty() ? "" : ", got " + got));
}

void Section::fail(std::string_view key, std::string_view sentence) const {
  throw ConfigError(where(key) + ": " + node_->path_of(key) + ": " + std::string(sentence));
}

void Section::ignore(std::initializer_list<std::string_view> keys) {
  for (const auto key : keys) node_->ignored.emplace(key);
}

void Section::reject_unknown() const {
  for (const auto& [key, child] : node_->children) {
    const auto is_this = [&](const Node::Read& entry) { return entry.key == key; };
    if (node_->ignored.contains(key) || std::ranges::any_of(node_->read, is_this)) continue;
    std::vector<std::string> known(node_->ignored.begin(), node_->ignored.end());
    for (const auto& entry : node_->read) known.push_back(entry.key);
    const auto nearest = base::nearest_word(key, known);
    throw ConfigError(child->where + ": " + node_->path_of(base::printable(key)) + ": unknown key" +
                      (nearest.empty() ? "" : "; the nearest one is " + nearest));
  }
}

std::string Section::path() const { return node_->path; }

std::string Section::where(std::string_view key) const {
  const auto child = node_->child(key);
  return child == nullptr ? node_->where : child->where;
}

// ---- Config -------------------------------------------------------------------------------------

Config Config::load(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  std::string text;
  try {
    text = base::read_file(file, kMaxBytes);
  } catch (const base::FileError& error) {
    throw ConfigError(error.what());  // a recipe that cannot be read is wrong usage: exit code 2
  }
  return parse(text, file.string(), overrides);
}

Config Config::parse(std::string_view yaml, std::string_view name,
                     const std::vector<std::string>& overrides) {
  Config config;
  config.root_ = parse_tree(yaml, name, /*has_lines=*/true);
  if (config.root_ == nullptr || config.root_->kind == Node::Kind::kNull)
    throw ConfigError(std::string(name) + ": is empty; a configuration has at least one key");
  if (config.root_->kind != Node::Kind::kMapping)
    throw ConfigError(config.root_->where + ": must be a mapping, as in \"key: value\"");
  config.root_->where = name;
  for (const auto& text : overrides) apply_override(config.root_, text);
  return config;
}

Section Config::root() const { return Section(root_); }

std::string Config::dump() const {
  std::string out;
  dump_mapping(*root_, "", out);
  return out;
}

}  // namespace banter::configs
