#include "data/formats/turns/tsv.h"

#include <algorithm>
#include <vector>

#include "base/utf8.h"
#include "data/formats/turns/by_turns.h"
#include "data/formats/turns/marked_text.h"
#include "data/input/lines.h"

namespace banter::data {
namespace {

constexpr std::size_t kLinesLookedAt = 20;

using Columns = std::vector<std::string_view>;

/// The line without the blank columns at its end.
std::string_view without_blank_end(std::string_view line) {
  for (auto tab = line.rfind('\t');
       tab != std::string_view::npos && base::is_blank(line.substr(tab + 1));
       tab = line.rfind('\t'))
    line = line.substr(0, tab);
  return line;
}

Columns columns_of(std::string_view line) { return split_at('\t', without_blank_end(line)); }

/// The first lines that are not blank; the last one may be cut where it is not the only one.
std::vector<Columns> first_lines(std::string_view head) {
  std::vector<Columns> lines;
  while (!head.empty() && lines.size() < kLinesLookedAt) {
    const bool may_be_cut = head.find('\n') == std::string_view::npos;
    const auto line = take_line(head);
    if (may_be_cut && !lines.empty()) break;
    if (!base::is_blank(line)) lines.push_back(columns_of(line));
  }
  return lines;
}

/// Whether a column has control characters: then it is no text, but something packed.
bool has_controls(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

bool begins_with_digit(std::string_view text) {
  return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

/// Whether a column is a number, a time, a key or a label rather than something said.
bool is_value(std::string_view text) {
  return (begins_with_digit(text) && text.find(' ') == std::string_view::npos) ||
         label_named(text).has_value();
}

/// "1 text", as ConvAI2 has it.
bool is_numbered(const Columns& columns) {
  const auto first = columns.front();
  const auto end = first.find_first_not_of("0123456789");
  return begins_with_digit(first) && end != std::string_view::npos && first[end] == ' ';
}

bool names_columns_of_nli(const Columns& columns) {
  return std::ranges::any_of(columns,
                             [](auto name) { return name == "gold_label" || name == "sentence1"; });
}

/// Whether most of the lines that have a column `index` have a value in it.
bool is_column_of_values(const std::vector<Columns>& lines, std::size_t index) {
  std::size_t all = 0;
  std::size_t values = 0;
  for (const auto& columns : lines) {
    if (index >= columns.size()) continue;
    ++all;
    if (is_value(columns[index])) ++values;
  }
  return all > 1 && values * 2 > all;
}

}  // namespace

std::string_view recognises_tsv(std::string_view head) {
  const auto lines = first_lines(head);
  if (lines.empty() || lines.front().size() < 2 || names_columns_of_nli(lines.front())) return {};
  if (std::ranges::any_of(lines.front(), has_controls)) return {};
  if (lines.size() > 1 && std::ranges::all_of(lines, is_numbered)) return {};
  for (const auto& columns : lines)
    if (std::ranges::any_of(columns, has_mark)) return {};
  for (std::size_t i = 0; i < lines.front().size(); ++i)
    if (is_column_of_values(lines, i)) return {};
  return "its first lines are texts between tabs";
}

void read_tsv(InputStream& stream, const ReadLimits& limits, Receiver& receiver) {
  const auto max_turns = static_cast<std::size_t>(limits.max_turns);
  read_dialogue_lines(stream, limits, receiver, [&](std::string_view line) -> TurnTexts {
    const auto columns = columns_of(line);
    if (columns.size() > max_turns)
      return {{}, "a dialogue has more turns than data.max_turns", {}};
    for (const auto column : columns)
      if (const auto fault = text_fault(column); !fault.empty()) return {{}, fault, {}};
    return {{columns.begin(), columns.end()}, {}, {}};
  });
}

}  // namespace banter::data
