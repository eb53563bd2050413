#include "data/inspection/script_counts.h"

#include <algorithm>
#include <tuple>

#include <unicode/uscript.h>
#include <unicode/utf8.h>

namespace banter::data {
namespace {

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

bool is_ascii_letter(char c) {
  const auto small = static_cast<unsigned char>(c) | 0x20U;
  return small - 'a' < 26U;
}

}  // namespace

void ScriptCounts::count(std::size_t script, std::uint64_t characters) {
  if (script >= counts_.size()) counts_.resize(script + 1);
  auto& count = counts_[script];
  count.characters += characters;
  if (count.last_text == texts_) return;
  count.last_text = texts_;
  ++count.texts;
}

void ScriptCounts::add(std::string_view text) {
  ++texts_;
  if (const auto letters = std::ranges::count_if(text, is_ascii_letter); letters > 0)
    count(USCRIPT_LATIN, static_cast<std::uint64_t>(letters));

  std::uint64_t others = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (is_ascii(text[at])) {
      ++at;
      continue;
    }
    UChar32 c = 0;
    U8_NEXT_UNSAFE(text.data(), at, c);
    ++others;
    UErrorCode error = U_ZERO_ERROR;
    const auto script = uscript_getScript(c, &error);
    if (script > USCRIPT_INHERITED && script != USCRIPT_UNKNOWN)
      count(static_cast<std::size_t>(script), 1);
  }
  non_ascii_characters_ += others;
  non_ascii_texts_ += others > 0 ? 1 : 0;
}

std::vector<ScriptCounts::Row> ScriptCounts::rows() const {
  std::vector<Row> rows;
  for (std::size_t script = 0; script < counts_.size(); ++script)
    if (counts_[script].characters > 0)
      rows.push_back({uscript_getName(static_cast<UScriptCode>(script)), counts_[script].characters,
                      counts_[script].texts});
  std::ranges::sort(rows, [](const Row& a, const Row& b) {
    return std::tie(b.characters, a.script) < std::tie(a.characters, b.script);
  });
  return rows;
}

}  // namespace banter::data
