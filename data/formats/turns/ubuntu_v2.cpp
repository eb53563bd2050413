#include "data/formats/turns/ubuntu_v2.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "data/formats/turns/marked_text.h"
#include "data/input/csv_rows.h"

namespace banter::data {
namespace {

constexpr std::size_t kRowsLookedAt = 5;
constexpr std::string_view kLeftOut = "label 0: the reply is of another dialogue, it is left out";

/// Which field of a row is what.
struct Columns {
  std::size_t count = 3;  ///< fields of a whole row
  std::size_t context = 0;
  std::size_t reply = 1;
  std::optional<std::size_t> label = 2;  ///< nothing in the form for rankings
  std::vector<std::size_t> distractors = {};
};

std::optional<std::size_t> column_named(const CsvRows& header, std::string_view name) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (trimmed(header.field(i)) != name) continue;
    if (found) return std::nullopt;  // which one is meant is not known
    found = i;
  }
  return found;
}

/// The columns that a row names, or nothing when it is no header.
std::optional<Columns> columns_of(const CsvRows& header) {
  const auto context = column_named(header, "Context");
  if (!context) return std::nullopt;
  const auto reply = column_named(header, "Utterance");
  const auto label = column_named(header, "Label");
  if (reply && label) return Columns{header.size(), *context, *reply, label};
  const auto truth = column_named(header, "Ground Truth Utterance");
  if (!truth) return std::nullopt;
  Columns columns{header.size(), *context, *truth, std::nullopt};
  for (std::size_t i = 0; i < header.size(); ++i)
    if (trimmed(header.field(i)).starts_with("Distractor_")) columns.distractors.push_back(i);
  return columns;
}

/// How a file writes its labels.
struct LabelSpelling {
  std::string_view zero, one;
  std::string_view fault;  ///< of a label that is neither
  [[nodiscard]] bool has(std::string_view label) const { return label == zero || label == one; }
};

constexpr std::array kSpellings = {
    LabelSpelling{"0", "1", "a label is neither 0 nor 1"},
    LabelSpelling{"0.0", "1.0", "a label is neither 0.0 nor 1.0"},
};

/// The spelling that has a label, or nothing.
const LabelSpelling* spelling_of(std::string_view label) {
  const auto* const found =
      std::ranges::find_if(kSpellings, [&](const auto& one) { return one.has(label); });
  return found == kSpellings.end() ? nullptr : found;
}

std::string with_spaces_for_line_ends(std::string_view text) {
  if (text.find('\n') == std::string_view::npos && text.find('\r') == std::string_view::npos)
    return std::string(text);
  std::string spaced;
  spaced.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    spaced += text[i] == '\n' || text[i] == '\r' ? ' ' : text[i];
  }
  return spaced;
}

struct Lost {
  std::string_view rule;
  std::string detail = {};
};

class RowReader {
 public:
  RowReader(InputStream& stream, const ReadLimits& limits, Receiver& receiver)
      : rows_(stream, static_cast<std::size_t>(limits.max_line_bytes)),
        max_turns_(static_cast<std::size_t>(limits.max_turns)),
        receiver_(receiver) {}

  void read() {
    bool has_row = rows_.next();
    if (has_row && rows_.fault().empty()) has_row = read_header();
    for (; has_row; has_row = rows_.next()) {
      ++number_;
      try {
        read_row();
      } catch (const Lost& lost) {
        receiver_.problem({rows_.place(), Severity::kSkip, lost.rule, lost.detail, 1});
      }
    }
  }

 private:
  void note(std::string_view rule) {
    receiver_.problem({rows_.place(), Severity::kNote, rule, "", 0});
  }

  /// Whether a row is there behind the header, or in its place.
  bool read_header() {
    const auto columns = columns_of(rows_);
    if (!columns) {
      note("there is no header: the columns are taken as Context, Utterance, Label");
      return true;
    }
    columns_ = *columns;
    const auto place = rows_.place();
    if (rows_.next()) return true;
    receiver_.problem(
        {place, Severity::kNote, "no rows: there is a header and nothing else", "", 0});
    return false;
  }

  void read_row() {
    check_row();
    if (columns_.label) {
      if (!is_true(rows_.field(*columns_.label)))
        return receiver_.problem({rows_.place(), Severity::kCount, kLeftOut, "", 0});
    }
    odd_marks_ = {};
    auto dialogue = read_dialogue();
    note_oddities();
    receiver_.record(std::move(dialogue), rows_.place());
  }

  /// Whether a label is 1, spelt as the first label of the file that is one.
  bool is_true(std::string_view label) {
    if (spelling_ == nullptr) spelling_ = spelling_of(label);
    const auto& spelling = spelling_ != nullptr ? *spelling_ : kSpellings.front();
    if (!spelling.has(label)) throw Lost{spelling.fault, base::printable(label)};
    return label == spelling.one;
  }

  void check_row() {
    if (!rows_.fault().empty()) {
      behind_a_break_ = true;
      throw Lost{rows_.fault(), rows_.fault_span()};
    }
    if (rows_.size() != columns_.count)
      throw Lost{"a row has more or fewer columns than there should be",
                 std::to_string(rows_.size()) + " instead of " + std::to_string(columns_.count)};
    if (behind_a_break_ && rows_.has_stray_quote())
      throw Lost{"a row with stray quotes stands behind a broken row: it may be the rest of it"};
    behind_a_break_ = false;
  }

  Dialogue read_dialogue() {
    auto texts =
        turns_in(columns_.context, max_turns_ - 1, "a context is empty: no turns before the reply");
    texts.push_back(one_turn(columns_.reply, "a reply is empty"));
    auto dialogue = by_turns(std::to_string(number_), std::move(texts));
    read_distractors(dialogue.turns.back());
    return dialogue;
  }

  void read_distractors(Turn& reply) {
    for (const auto column : columns_.distractors)
      reply.distractors.push_back(one_turn(column, "a distractor is empty"));
    if (drop_true_distractors(reply)) note(kTrueDistractor);
  }

  [[nodiscard]] std::string text_of(std::size_t column) const {
    return with_spaces_for_line_ends(rows_.field(column));
  }

  std::vector<std::string> turns_in(std::size_t column, std::size_t max_turns,
                                    std::string_view when_empty) {
    auto found = split_at_marks(text_of(column), Mark::kTurn, max_turns);
    if (found.fault == kNoTurns) throw Lost{when_empty};
    if (!found.fault.empty()) throw Lost{found.fault, "column " + std::to_string(column + 1)};
    if (!found.note.empty()) odd_marks_ = found.note;
    return std::move(found.texts);
  }

  std::string one_turn(std::size_t column, std::string_view when_empty) {
    auto texts = turns_in(column, max_turns_, when_empty);
    if (texts.size() > 1) throw Lost{"a reply or a distractor holds several turns"};
    return std::move(texts.front());
  }

  void note_oddities() {
    if (rows_.has_stray_quote())
      note("a quote stands inside an unquoted field: it is kept as written");
    if (!has_mark(text_of(columns_.context)))
      note("a context has no __eou__ and no __eot__: it is one turn");
    if (!odd_marks_.empty()) note(odd_marks_);
  }

  CsvRows rows_;
  std::size_t max_turns_;
  Receiver& receiver_;
  Columns columns_;
  const LabelSpelling* spelling_ = nullptr;  // not known before the first label
  std::string_view odd_marks_;               // the note on the row's texts, "" = none
  std::uint64_t number_ = 0;                 // of the row, the header not counted
  bool behind_a_break_ = false;              // no whole row without stray quotes has come since
};

/// A stream over bytes that are there.
InputStream stream_over(std::string_view bytes) {
  return {{}, "", [bytes](char* buffer, std::size_t size) mutable {
            const auto count = bytes.copy(buffer, size);
            bytes.remove_prefix(count);
            return count;
          }};
}

}  // namespace

std::string_view recognises_ubuntu_v2(std::string_view head) {
  const bool may_have_header = head.substr(0, head.find('\n')).find("Context") != head.npos;
  if (!may_have_header && head.find("__eo") == head.npos) return {};
  auto stream = stream_over(head);
  CsvRows rows(stream, head.size());
  for (std::size_t i = 0; i < kRowsLookedAt && rows.next(); ++i) {
    if (!rows.fault().empty()) continue;
    if (i == 0 && columns_of(rows)) return "its header names a context and an utterance";
    if (rows.size() == 3 && spelling_of(rows.field(2)) != nullptr && has_mark(rows.field(0)))
      return "a row is a context with marks, an utterance and a label";
  }
  return {};
}

void read_ubuntu_v2(InputStream& stream, const ReadLimits& limits, Receiver& receiver) {
  RowReader(stream, limits, receiver).read();
}

}  // namespace banter::data
