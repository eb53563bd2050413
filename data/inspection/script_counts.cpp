#include "data/inspection/script_counts.h"

#include <algorithm>
#include <tuple>

namespace banter::data {

std::uint64_t non_ascii_code_points(std::string_view text) {
  return static_cast<std::uint64_t>(std::ranges::count_if(text, [](char c) {
    return static_cast<unsigned char>(c) >= 0xC0;  // lead bytes
  }));
}

void ScriptCounts::add(std::string_view text) {
  for (const auto& [script, letters] : letters_by_script(text)) {
    auto& count = counts_[script];
    count.characters += letters;
    ++count.texts;
  }
  const auto others = non_ascii_code_points(text);
  non_ascii_characters_ += others;
  non_ascii_texts_ += others > 0 ? 1 : 0;
}

std::vector<ScriptCounts::Row> ScriptCounts::rows() const {
  std::vector<Row> rows;
  for (const auto& [script, count] : counts_)
    rows.push_back({name_of(script), count.characters, count.texts});
  std::ranges::sort(rows, [](const Row& a, const Row& b) {
    return std::tie(b.characters, a.script) < std::tie(a.characters, b.script);
  });
  return rows;
}

}  // namespace banter::data
