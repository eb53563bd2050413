#include "configs/section.h"

#include <algorithm>

#include "base/files.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "configs/node.h"
#include "configs/overrides.h"
#include "configs/values.h"
#include "configs/yaml_tree.h"

namespace banter::configs {
namespace {

void dump_mapping(const Node& node, const std::string& indent, std::string& out) {
  for (const auto& entry : node.read) {
    out += indent + to_yaml(entry.key) + ":";
    if (entry.is_list && entry.mappings.empty()) {
      out += " []\n";
    } else if (entry.is_list) {
      out += '\n';
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
  for (const auto& named_child : node_->children) {
    const auto& key = named_child.first;
    const auto is_this = [&](const Node::Read& entry) { return entry.key == key; };
    if (node_->ignored.contains(key) || std::ranges::any_of(node_->read, is_this)) continue;
    std::vector<std::string> known(node_->ignored.begin(), node_->ignored.end());
    for (const auto& entry : node_->read) known.push_back(entry.key);
    const auto nearest = base::nearest_word(key, known);
    throw ConfigError(named_child.second->where + ": " + node_->path_of(base::printable(key)) +
                      ": unknown key" + (nearest.empty() ? "" : "; the nearest one is " + nearest));
  }
}

std::string Section::path() const { return node_->path; }

std::string Section::where(std::string_view key) const {
  const auto child = node_->child(key);
  return child == nullptr ? node_->where : child->where;
}

Value Section::value(std::string_view key) {
  const auto node = node_->child(key);
  if (node == nullptr)
    throw ConfigError(node_->where + ": " + node_->path_of(key) +
                      ": is missing, and has no default");
  node_->record({std::string(key), to_yaml(*node), {}, false});
  return Value(node);
}

// ---- Value --------------------------------------------------------------------------------------

bool Value::is_list() const { return node_->kind == Node::Kind::kList; }
bool Value::is_mapping() const { return node_->kind == Node::Kind::kMapping; }

std::vector<std::pair<std::string, Value>> Value::entries() const {
  if (!is_mapping()) wrong_type(*node_, "a mapping");
  std::vector<std::pair<std::string, Value>> entries;
  for (const auto& [key, child] : node_->children) entries.emplace_back(key, Value(child));
  return entries;
}

std::vector<Value> Value::items() const {
  if (!is_list()) wrong_type(*node_, "a list");
  std::vector<Value> items;
  for (const auto& item : node_->items) items.push_back(Value(item));
  return items;
}

std::string Value::yaml() const { return to_yaml(*node_); }
const std::string& Value::where() const { return node_->where; }

void Value::fail(std::string_view sentence) const {
  throw ConfigError(node_->where + ": " + node_->path + ": " + std::string(sentence));
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

Config Config::of(const Value& mapping) {
  if (!mapping.is_mapping()) wrong_type(*mapping.node_, "a mapping");
  Config config;
  config.root_ = copy_of(*mapping.node_, "");
  return config;
}

void Config::set(std::string_view key, const Value& value) {
  lay_over(root_, key, *value.node_, value.where());
}

void Config::set(std::string_view key, std::string_view yaml, std::string_view where) {
  lay_over(root_, key, yaml, std::string(where));
}

Config Config::copy() const {
  Config config;
  config.root_ = copy_of(*root_, "");
  return config;
}

Section Config::root() const { return Section(root_); }

std::string Config::dump() const {
  std::string out;
  dump_mapping(*root_, "", out);
  return out;
}

}  // namespace banter::configs
