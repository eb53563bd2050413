#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace banter::models {

/// The sentences of a persona, which may change while its speaker talks. All are valid UTF-8
/// without NUL and not blank.
class Persona {
 public:
  static constexpr std::size_t kMostLines = 1000;

  /// Adds the lines of a file, a sentence each; blank ones are passed over.
  /// Throws   FileError; DataError naming file and line for bad UTF-8, NUL and too many lines, or
  ///          when there is no sentence; UsageError for "-", standard input
  void add_file(const std::string& file);
  /// Throws   DataError when it is no such text, or there are kMostLines already
  void add(std::string_view text);

  /// Does what stands behind /persona: `add TEXT`, `N TEXT` (line N becomes that), `drop N`,
  /// `clear`. Throws   UsageError that says what there is; DataError as `add`
  void change(std::string_view command);

  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  [[nodiscard]] std::size_t place_of(std::string_view number) const;

  std::vector<std::string> lines_;
};

}  // namespace banter::models
