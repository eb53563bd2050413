#include "data/formats/pairs/kvpi.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "data/formats/lost_record.h"
#include "data/formats/pairs/pair_form.h"
#include "data/input/lines.h"

namespace banter::data {
namespace {

constexpr std::size_t kColumns = 7;
constexpr std::string_view kSpaces = " \t\n\v\f\r";

using Columns = std::array<std::string_view, kColumns>;

std::optional<Columns> split_line(std::string_view line) {
  const auto cells = split_at('\t', line);
  if (cells.size() != kColumns) return std::nullopt;
  Columns columns;
  std::ranges::copy(cells, columns.begin());
  return columns;
}

std::optional<Label> label_in(std::string_view text) {
  constexpr std::array kNames = {
      std::pair{std::string_view("0"), Label::kEntailment},
      std::pair{std::string_view("entailed"), Label::kEntailment},
      std::pair{std::string_view("1"), Label::kContradiction},
      std::pair{std::string_view("contradicted"), Label::kContradiction},
      std::pair{std::string_view("2"), Label::kNeutral},
      std::pair{std::string_view("irrelevant"), Label::kNeutral},
  };
  for (const auto& [name, label] : kNames)
    if (base::equal_but_for_case(text, name)) return label;
  return std::nullopt;
}

constexpr PairForm kForm{.premise = "profile",
                         .hypothesis = "reply",
                         .label = "label",
                         .id = "",
                         .source = "",
                         .groups = {},
                         .label_of = &label_in,
                         .no_label = ""};

struct Sentences {
  std::string_view premise, hypothesis;
};

/// Cuts a text at the mark between profile and reply.
std::optional<Sentences> split_text(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), base::small_ascii);
  for (const std::string_view mark : {"[sep]", " sep "})
    if (const auto at = lower.find(mark); at != std::string::npos)
      return Sentences{text.substr(0, at), text.substr(at + mark.size())};
  return std::nullopt;
}

/// The text without ASCII white space at its ends.
std::string_view stripped(std::string_view text) {
  const auto begin = text.find_first_not_of(kSpaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
}

/// Which column holds what.
struct Layout {
  std::size_t label = 1;
  std::size_t text = 0;  ///< or, where `is_split`, the profile
  std::size_t reply = 0;
  bool is_split = false;
};

std::optional<std::size_t> column_named(const Columns& header, std::string_view name) {
  for (std::size_t i = 0; i < kColumns; ++i)
    if (base::equal_but_for_case(stripped(header[i]), name)) return i;
  return std::nullopt;
}

/// The layout that a header names; nothing when the line is none.
std::optional<Layout> layout_named(const Columns& header) {
  const auto label = column_named(header, "label");
  if (!label) return std::nullopt;
  const auto profile = column_named(header, "profile");
  auto reply = column_named(header, "response");
  if (!reply) reply = column_named(header, "reply");
  if (profile && reply) return Layout{*label, *profile, *reply, true};
  if (const auto text = column_named(header, "text")) return Layout{*label, *text, 0, false};
  return std::nullopt;
}

bool is_numbers(std::string_view text) {
  return text.find_first_not_of("0123456789- ") == std::string_view::npos;
}

/// The texts of a line, in place. Throws   LostRecord
PairTexts texts_of(std::string_view line, const Layout& layout) {
  if (const auto bad = base::first_bad_utf8(line))
    throw LostRecord{"a text is not valid UTF-8", "byte " + std::to_string(*bad) + " of the line"};
  if (line.find('\0') != std::string_view::npos) throw LostRecord{"a text holds NUL", ""};
  const auto columns = split_line(line);
  if (!columns) throw LostRecord{"a line has not seven columns", ""};
  const auto text = (*columns)[layout.text];
  const auto sentences =
      layout.is_split ? Sentences{text, (*columns)[layout.reply]} : split_text(text);
  if (!sentences) throw LostRecord{"no [SEP] stands between profile and reply", ""};
  return {.premise = stripped(sentences->premise),
          .hypothesis = stripped(sentences->hypothesis),
          .label = (*columns)[layout.label],
          .id = {},
          .source = {},
          .group = {}};
}

/// The layout that the first line names, if it does.
std::optional<Layout> layout_in(std::string_view line) {
  const auto columns = split_line(line);
  return columns ? layout_named(*columns) : std::nullopt;
}

}  // namespace

std::string_view recognises_kvpi(std::string_view head) {
  const auto first = split_line(take_line(head));
  if (!first) return {};
  if (const auto layout = layout_named(*first)) {
    if (layout->is_split) return "its header names a profile, a response and a label";
    const auto second = split_line(take_line(head));
    if (second && split_text((*second)[layout->text]))
      return "its header names a text and a label, and the text is a profile [SEP] reply";
    return {};
  }
  const auto& [text, label, domain, words, tree, reply_words, reply_tree] = *first;
  if (!split_text(text) || !label_in(label) || !is_numbers(tree) || !is_numbers(reply_tree))
    return {};
  return "its seven columns begin with a profile [SEP] reply and a label";
}

void read_kvpi(InputStream& stream, const ReadLimits& limits, Receiver& receiver) {
  PairBuilder builder(kForm, receiver);
  LineReader lines(stream, static_cast<std::size_t>(limits.max_line_bytes));
  Layout layout;
  for (bool is_first = true; lines.next();) {
    if (!lines.is_too_long() && base::is_blank(lines.line())) continue;
    if (std::exchange(is_first, false))
      if (const auto named = layout_in(lines.line())) {
        layout = *named;
        continue;
      }
    try {
      if (lines.is_too_long()) throw LostRecord{"a line is longer than data.max_line_bytes", ""};
      builder.add(texts_of(lines.line(), layout), lines.place());
    } catch (const LostRecord& lost) {
      receiver.problem({lines.place(), Severity::kSkip, lost.rule, lost.detail, 1});
    }
  }
  builder.finish(stream.place());
}

}  // namespace banter::data
