#include "data/formats/pairs/mnli.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "data/formats/json/json_record.h"
#include "data/formats/lost_record.h"
#include "data/formats/pairs/pair_form.h"
#include "data/input/lines.h"

namespace banter::data {
namespace {

constexpr PairForm kForm{.premise = "sentence1",
                         .hypothesis = "sentence2",
                         .label = "gold_label",
                         .id = "pairID",
                         .source = "genre",
                         .groups = {"promptID", "captionID"},
                         .label_of = &label_named,
                         .no_label = "-"};

/// Which column holds what, by the names in a header.
class Columns {
 public:
  /// Throws   DamagedInput when a column is missing, or its name stands twice
  Columns(std::string_view header, const Place& place) {
    const auto names = split_at('\t', header);
    count_ = names.size();
    const auto find = [&](std::string_view name) -> std::optional<std::size_t> {
      const auto found = std::ranges::find(names, name);
      if (found == names.end()) return std::nullopt;
      if (std::find(found + 1, names.end(), name) != names.end())
        throw DamagedInput(place.text() + ": the header names two columns " + std::string(name));
      return static_cast<std::size_t>(found - names.begin());
    };
    const auto need = [&](std::string_view name) {
      if (const auto column = find(name)) return *column;
      throw DamagedInput(place.text() + ": the header names no column " + std::string(name));
    };
    premise_ = need(kForm.premise);
    hypothesis_ = need(kForm.hypothesis);
    label_ = need(kForm.label);
    id_ = find(kForm.id);
    source_ = find(kForm.source);
    for (const auto name : kForm.groups)
      if (const auto column = find(name)) groups_.push_back(*column);
  }

  /// Throws   LostRecord when the line has another number of columns, or is no UTF-8
  [[nodiscard]] PairTexts texts(std::string_view line) const {
    if (const auto bad = base::first_bad_utf8(line))
      throw LostRecord{"a text is not valid UTF-8",
                       "byte " + std::to_string(*bad) + " of the line"};
    const auto cells = split_at('\t', line);
    if (cells.size() != count_)
      throw LostRecord{"a line has other columns than the header",
                       std::to_string(cells.size()) + " instead of " + std::to_string(count_)};
    PairTexts texts{cells[premise_],
                    cells[hypothesis_],
                    cells[label_],
                    id_ ? cells[*id_] : std::string_view(),
                    source_ ? cells[*source_] : std::string_view(),
                    {}};
    for (const auto column : groups_)
      if (texts.group.empty()) texts.group = cells[column];
    return texts;
  }

 private:
  std::size_t count_, premise_, hypothesis_, label_;
  std::optional<std::size_t> id_, source_;
  std::vector<std::size_t> groups_;
};

void read_table(InputStream& stream, const ReadLimits& limits, Receiver& receiver) {
  PairBuilder builder(kForm, receiver);
  LineReader lines(stream, static_cast<std::size_t>(limits.max_line_bytes));
  std::optional<Columns> columns;
  while (lines.next()) {
    if (lines.line().empty() && !lines.is_too_long()) continue;
    if (!columns) {
      columns.emplace(lines.line(), lines.place());
      continue;
    }
    try {
      if (lines.is_too_long()) throw LostRecord{"a line is longer than data.max_line_bytes", ""};
      builder.add(columns->texts(lines.line()), lines.place());
    } catch (const LostRecord& lost) {
      receiver.problem({lines.place(), Severity::kSkip, lost.rule, lost.detail, 1});
    }
  }
  builder.finish(stream.place());
}

bool is_header(std::string_view head) {
  const auto names = split_at('\t', take_line(head));
  return std::ranges::all_of(
      std::array{kForm.premise, kForm.hypothesis, kForm.label},
      [&](std::string_view name) { return std::ranges::find(names, name) != names.end(); });
}

}  // namespace

std::string_view recognises_mnli(std::string_view head) {
  if (json_opening(head) == '\0')
    return is_header(head) ? "its first line names columns sentence1, sentence2 and gold_label"
                           : "";
  if (!shows_records_of(head, {kForm.premise, kForm.hypothesis, kForm.label})) return {};
  return "JSON objects with sentence1, sentence2 and gold_label";
}

void read_mnli(InputStream& stream, const ReadLimits& limits, Receiver& receiver) {
  if (json_opening(stream.peek(kHeadBytes)) == '\0')
    read_table(stream, limits, receiver);
  else
    read_json_pairs(stream, limits, receiver, kForm);
}

}  // namespace banter::data
