#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace banter::data {

/// Counts which scripts texts are written in.
class ScriptCounts {
 public:
  struct Row {
    std::string script;            ///< "Latin", "Han", ...: Unicode's name of it
    std::uint64_t characters = 0;  ///< code points of it
    std::uint64_t texts = 0;       ///< with one of them at least
  };

  /// Requires valid UTF-8.
  void add(std::string_view text);

  /// The most used first. Digits, punctuation, emoji and marks belong to no script.
  [[nodiscard]] std::vector<Row> rows() const;
  [[nodiscard]] std::uint64_t non_ascii_characters() const { return non_ascii_characters_; }
  [[nodiscard]] std::uint64_t non_ascii_texts() const { return non_ascii_texts_; }

 private:
  struct Count {
    std::uint64_t characters = 0, texts = 0;
    std::uint64_t last_text = 0;  ///< number of the last text with it, from 1
  };
  void count(std::size_t script, std::uint64_t characters);

  std::uint64_t texts_ = 0, non_ascii_characters_ = 0, non_ascii_texts_ = 0;
  std::vector<Count> counts_;  ///< by Unicode's number of the script
};

}  // namespace banter::data
