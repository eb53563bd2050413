#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"

namespace banter::models {

/// Keys of one config.json, read with its place in every message. What is not there, or null, has
/// the fallback.
class ConfigKeys {
 public:
  /// `config` must outlive it.
  ConfigKeys(const base::json::object& config, std::string_view where)
      : config_(config), where_(where) {}

  /// Throws   DataError naming the place, the key, its value and the rule
  [[noreturn]] void fail(std::string_view key, const std::string& rule) const;
  [[nodiscard]] bool has(std::string_view key) const;
  /// The readers. Throw   DataError when the value is of another kind or out of bounds
  [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t least) const;
  [[nodiscard]] bool flag(std::string_view key, bool fallback) const;
  [[nodiscard]] double share(std::string_view key, double fallback) const;
  [[nodiscard]] std::string text(std::string_view key, std::string_view fallback) const;
  /// An activation by our name for it; "gelu" where none is said.
  [[nodiscard]] std::string activation(std::string_view key) const;
  /// Throws   DataError when the key is there with another value
  void expect(std::string_view key, bool value) const;
  void expect_equal(std::string_view key, std::string_view other) const;

 private:
  const base::json::object& config_;
  std::string where_;
};

/// The name there of one of our activations.
std::string_view activation_there(std::string_view ours);

}  // namespace banter::models
