#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/errors.h"

namespace banter::configs {

using base::ConfigError;

struct Node;  // one value with its file:line, whether it was read, and its effective value

/// One value of a configuration, of any type, with the place where it stands: what is read from
/// one configuration and laid over another (`Config::set`).
class Value {
 public:
  [[nodiscard]] bool is_list() const;
  [[nodiscard]] bool is_mapping() const;
  /// Of a mapping, in order. Throws   ConfigError when it is none
  [[nodiscard]] std::vector<std::pair<std::string, Value>> entries() const;
  /// Of a list. Throws   ConfigError when it is none
  [[nodiscard]] std::vector<Value> items() const;
  [[nodiscard]] std::string yaml() const;          ///< on one line, reads back to the same value
  [[nodiscard]] const std::string& where() const;  ///< "recipe.yaml:12"
  /// Throws   ConfigError "<where>: <key>: <sentence>"
  [[noreturn]] void fail(std::string_view sentence) const;

 private:
  friend class Section;
  friend class Config;
  explicit Value(std::shared_ptr<Node> node) : node_(std::move(node)) {}
  std::shared_ptr<Node> node_;
};

/// A mapping of a configuration, read key by key into plain structs.
///
/// Each `get` states the type and the default once; what was read (defaults too) is what
/// `Config::dump` prints. Every message starts with file:line (or `--set`) and the full key.
/// A Section is a view: the `Config` it came from must outlive it.
class Section {
 public:
  /// The value of `key`, or `fallback` when the key is absent.
  /// Types    bool, int64_t, uint64_t, double (integers accepted, finite), std::string, and
  ///          vectors of int64_t, double and std::string; an empty value or a wrong type is an
  ///          error, never the default
  /// Throws   ConfigError "recipe.yaml:12: model.hidden_dim: expected an integer, got \"big\""
  template <typename T>
  T get(std::string_view key, const T& fallback);
  std::string get(std::string_view key, const char* fallback) {
    return get<std::string>(key, std::string(fallback));
  }

  /// The value of a key that must be there. Throws   ConfigError
  template <typename T>
  T require(std::string_view key);

  /// One of `allowed`; the error lists them.
  std::string choice(std::string_view key, std::string_view fallback,
                     const std::vector<std::string>& allowed);

  /// What stands under a key that must be there, whatever it is. Throws   ConfigError
  Value value(std::string_view key);

  /// The mapping under `key`; an empty one when the key is absent.
  Section section(std::string_view key);
  /// The mappings of the list under `key`; an empty vector when the key is absent.
  std::vector<Section> sections(std::string_view key);

  [[nodiscard]] bool has(std::string_view key) const;
  /// Throws   ConfigError "<where>: <key>: must be <rule>, got <value>" unless `ok`
  void check(bool ok, std::string_view key, std::string_view rule) const;
  /// Throws   ConfigError "<where>: <key>: <sentence>"
  [[noreturn]] void fail(std::string_view key, std::string_view sentence) const;
  /// Marks keys as known although this reader does not use them (another command's).
  void ignore(std::initializer_list<std::string_view> keys);
  /// Throws   ConfigError naming the first key that nobody read, file:line, and the nearest valid
  ///          key of this mapping
  void reject_unknown() const;

  [[nodiscard]] std::string path() const;  ///< "train.optimizer", "" at the top
  [[nodiscard]] std::string where(std::string_view key) const;  ///< "recipe.yaml:12"

 private:
  friend class Config;
  explicit Section(std::shared_ptr<Node> node) : node_(std::move(node)) {}
  std::shared_ptr<Node> node_;
};

/// A whole configuration: one YAML file with overrides laid over it.
class Config {
 public:
  /// Reads a file, then applies `overrides` ("model.hidden_dim=256", in order; the value is YAML).
  ///
  /// Throws   ConfigError for: a missing, unreadable, empty or too long file (1 MB), bad YAML, a
  ///          control character, a key twice in one mapping, an alias, an anchor, a tag, nesting
  ///          deeper than 20, more than 10,000 values, a second document, a top that is no mapping,
  ///          an override without `=` or through a value that is no mapping
  static Config load(const std::filesystem::path& file,
                     const std::vector<std::string>& overrides = {});
  /// The same from a string; `name` stands for the file in messages.
  static Config parse(std::string_view yaml, std::string_view name,
                      const std::vector<std::string>& overrides = {});

  /// A mapping that stands in another configuration, as one of its own: its keys lose the path in
  /// front of them and keep their places. Throws   ConfigError when it is no mapping
  static Config of(const Value& mapping);

  /// Lays a copy of `value` over the key `a.b.c`, as an override does; messages about it begin
  /// with the value's place. Throws   ConfigError
  void set(std::string_view key, const Value& value);
  /// The same with a value as YAML text; `where` stands for its place.
  void set(std::string_view key, std::string_view yaml, std::string_view where);
  /// The same values, none of them read.
  [[nodiscard]] Config copy() const;

  [[nodiscard]] Section root() const;
  /// What is in force: every key that was read, with its value (defaults included), in the order
  /// of reading, as YAML that `parse` reads back to the same values.
  [[nodiscard]] std::string dump() const;

 private:
  std::shared_ptr<Node> root_;
};

}  // namespace banter::configs
