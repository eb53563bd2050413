#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace banter::serve {

/// The bearer tokens that a server takes, known by their SHA-256 only.
class Tokens {
 public:
  Tokens() = default;

  /// Reads a file of lines `NAME SHA256`, the hash in hexadecimal; empty lines and those that begin
  /// with `#` say nothing.
  /// Throws   FileError; ConfigError with file:line for another line, a name or a hash twice, or a
  ///          file without a token
  explicit Tokens(const std::filesystem::path& file);

  [[nodiscard]] bool is_empty() const { return known_.empty(); }

  /// The name of a token, or nothing. Takes as long for one that nearly fits as for any other.
  [[nodiscard]] std::optional<std::string> name_of(std::string_view token) const;

  /// What stands in an `Authorization: Bearer TOKEN` field, or "" when it is something else.
  static std::string_view bearer(std::string_view authorization);

 private:
  struct Known {
    std::string name, hash;
  };
  std::vector<Known> known_;
};

}  // namespace banter::serve
