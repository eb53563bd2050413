#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "data/cleaning/unicode_text.h"

namespace banter::data {

/// Counts which scripts texts are written in.
class ScriptCounts {
 public:
  struct Row {
    std::string script;            ///< "Latin", "Han", ...: Unicode's name of it
    std::uint64_t characters = 0;  ///< letters of it, as letters_by_script counts them
    std::uint64_t texts = 0;       ///< with one of them at least
  };

  /// Requires valid UTF-8.
  void add(std::string_view text);

  /// The most used first.
  [[nodiscard]] std::vector<Row> rows() const;
  [[nodiscard]] std::uint64_t non_ascii_characters() const { return non_ascii_characters_; }
  [[nodiscard]] std::uint64_t non_ascii_texts() const { return non_ascii_texts_; }

 private:
  struct Count {
    std::uint64_t characters = 0, texts = 0;
  };

  std::uint64_t non_ascii_characters_ = 0, non_ascii_texts_ = 0;
  std::map<Script, Count> counts_;
};

}  // namespace banter::data
