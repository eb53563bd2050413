#include "data/inspection/script_counts.h"

#include <algorithm>
#include <tuple>

#include "base/utf8.h"

namespace banter::data {

void ScriptCounts::add(std::string_view text) {
  for (const auto& [script, letters] : letters_by_script(text)) {
    auto& count = counts_[script];
    count.characters += letters;
    ++count.texts;
  }
  const auto others = base::count_non_ascii_code_points(text);
  non_ascii_characters_ += others;
  non_ascii_texts_ += others > 0 ? 1 : 0;
}

std::vector<ScriptCounts::Row> ScriptCounts::rows() const {
  std::vector<Row> rows;
  rows.reserve(counts_.size());
  for (const auto& [script, count] : counts_)
    rows.push_back({name_of(script), count.characters, count.texts});
  std::ranges::sort(rows, [](const Row& a, const Row& b) {
    return std::tie(b.characters, a.script) < std::tie(a.characters, b.script);
  });
  return rows;
}

}  // namespace banter::data
