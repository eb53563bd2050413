#include "data/formats/turns/convai2.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "base/hash.h"
#include "base/utf8.h"
#include "data/input/lines.h"

namespace banter::data {
namespace {

constexpr std::string_view kSilence = "__SILENCE__";
constexpr std::string_view kTooLong = "a line is longer than data.max_line_bytes";
constexpr std::size_t kGroupTexts = 3;

struct NumberedLine {
  std::uint64_t number = 0;
  std::string_view rest;  ///< behind the number and one space
};

std::optional<NumberedLine> split_number(std::string_view line) {
  NumberedLine result;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), result.number);
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  if (error != std::errc() || !line.starts_with(' ')) return std::nullopt;
  result.rest = line.substr(1);
  return result;
}

struct Fact {
  std::string_view speaker, text;
};

/// What a persona line says; nothing when the line is none.
std::optional<Fact> split_persona(std::string_view rest) {
  for (const auto& [mark, speaker] :
       {std::pair<std::string_view, std::string_view>{"your persona:", "B"},
        {"partner's persona:", "A"}}) {
    if (!rest.starts_with(mark)) continue;
    rest.remove_prefix(mark.size());
    if (rest.starts_with(' ')) rest.remove_prefix(1);
    return Fact{speaker, rest};
  }
  return std::nullopt;
}

/// The offered replies, each once, in their order; the true one is always among them.
void add_candidates(std::string_view candidates, Turn& turn) {
  if (candidates.empty()) return;
  std::unordered_set<std::string_view> seen;
  for (const auto candidate : split_at('|', candidates))
    if (!base::is_blank(candidate) && seen.insert(candidate).second)
      turn.distractors.emplace_back(candidate);
  drop_true_distractors(turn);
}

std::string group_of(const Dialogue& dialogue) {
  std::string beginning;
  for (std::size_t i = 0; i < std::min(kGroupTexts, dialogue.turns.size()); ++i)
    beginning += dialogue.turns[i].text + '\n';
  return base::sha256_hex(beginning).substr(0, 16);
}

/// Reads the dialogues of a file one after the other.
class DialoguesReader {
 public:
  DialoguesReader(InputStream& stream, const ReadLimits& limits, Receiver& receiver)
      : lines_(stream, static_cast<std::size_t>(limits.max_line_bytes)),
        max_bytes_(static_cast<std::size_t>(limits.max_line_bytes)),
        max_turns_(static_cast<std::size_t>(limits.max_turns)),
        receiver_(receiver) {}

  void read() {
    while (lines_.next()) {
      if (lines_.is_too_long())
        keep_unnumbered(kTooLong);
      else if (!trimmed(lines_.line()).empty())
        read_line(lines_.line());
    }
    settle_unnumbered(last_number_ + unnumbered_ + 1);
    end();
  }

 private:
  void read_line(std::string_view line) {
    const auto numbered = split_number(line);
    if (!numbered) return keep_unnumbered("a line has no number");
    const auto fact = split_persona(numbered->rest);
    enter(numbered->number, fact.has_value());
    if (!fact) has_pairs_ = true;
    if (is_lost_) return;
    bytes_ += line.size();
    if (without_tab_)
      lose(*without_tab_, "a line has no tab: which text is whose is not known");
    else if (bytes_ > max_bytes_)
      lose(lines_.place(), "a dialogue is longer than data.max_line_bytes");
    else if (const auto bad = base::first_bad_utf8(line))
      lose(lines_.place(), "a text is not valid UTF-8",
           "byte " + std::to_string(*bad) + " of the line");
    else if (line.find('\0') != std::string_view::npos)
      lose(lines_.place(), "a text holds NUL");
    else if (fact)
      add_fact(*fact);
    else
      add_pair(numbered->rest);
  }

  /// A line whose number is not known waits for the next one that has a number: until then nobody
  /// knows whether it ended this dialogue or began another.
  void keep_unnumbered(std::string_view rule) {
    if (unnumbered_++ > 0) return;
    unnumbered_place_ = lines_.place();
    unnumbered_rule_ = rule;
  }

  void settle_unnumbered(std::uint64_t next_number) {
    if (unnumbered_ == 0) return;
    const auto lines = std::exchange(unnumbered_, 0);
    const bool go_on = next_number == last_number_ + lines + 1;
    if (!is_open_ || (!go_on && next_number == lines + 1)) begin(unnumbered_place_);
    lose(unnumbered_place_, unnumbered_rule_);
    has_pairs_ = false;  // persona lines from here on may lack some: lost with it
    last_number_ = next_number - 1;
  }

  /// Finds the dialogue that a line belongs to.
  void enter(std::uint64_t number, bool is_persona) {
    settle_unnumbered(number);
    const auto expected = last_number_ + 1;
    last_number_ = number;
    if (number == 1) {
      begin(lines_.place());
    } else if (!is_open_ || number != expected) {
      if (!is_open_) begin(lines_.place());
      lose(lines_.place(), "the numbers of the lines do not follow one another",
           std::to_string(number) + " instead of " + std::to_string(expected));
      has_pairs_ = false;  // as above
    } else if (is_persona && has_pairs_) {
      receiver_.problem({lines_.place(), Severity::kNote,
                         "a persona line behind turns: another dialogue begins", "", 0});
      begin(lines_.place());
    }
  }

  void begin(const Place& place) {
    end();
    dialogue_ = {};
    dialogue_.id = std::to_string(++dialogues_);
    place_ = place;
    bytes_ = 0;
    without_tab_.reset();
    is_open_ = true;
    is_lost_ = has_pairs_ = false;
  }

  void end() {
    if (!std::exchange(is_open_, false) || is_lost_) return;
    if (without_tab_)
      receiver_.problem({*without_tab_, Severity::kNote,
                         "the last line of a dialogue has no reply: it ends with A", "", 0});
    if (dialogue_.turns.empty()) return lose(place_, "a dialogue has no turns");
    dialogue_.group = group_of(dialogue_);
    receiver_.record(std::move(dialogue_), place_);
  }

  void lose(const Place& place, std::string_view rule, std::string detail = "") {
    if (std::exchange(is_lost_, true)) return;
    dialogue_ = {};
    receiver_.problem({place, Severity::kSkip, rule, std::move(detail), 1});
  }

  void add_fact(const Fact& fact) {
    if (fact.text.find('\t') != std::string_view::npos)
      return lose(lines_.place(), "a persona line holds a tab");
    if (base::is_blank(fact.text))
      return receiver_.problem(
          {lines_.place(), Severity::kNote, "a fact of a persona is blank: it is left out", "", 0});
    auto& personas = dialogue_.personas;
    auto persona = std::ranges::find_if(
        personas, [&](const auto& known) { return known.first == fact.speaker; });
    if (persona == personas.end())
      persona = personas.insert(persona, {std::string(fact.speaker), {}});
    persona->second.emplace_back(fact.text);
  }

  void add_pair(std::string_view rest) {
    const auto columns = split_at('\t', rest);
    if (columns.size() > 4) return lose(lines_.place(), "a line has more than four columns");
    if (columns.size() > 2 && !columns[2].empty())
      return lose(lines_.place(), "the third column of a line is not empty");
    add_turn("A", columns[0]);
    if (columns.size() == 1)
      without_tab_ = lines_.place();
    else
      add_turn("B", columns[1], columns.size() == 4 ? columns[3] : std::string_view());
  }

  void add_turn(std::string_view speaker, std::string_view text, std::string_view candidates = {}) {
    if (is_lost_ || text == kSilence) return;
    if (const auto fault = text_fault(text); !fault.empty())
      return lose(lines_.place(), fault, std::string(speaker));
    if (dialogue_.turns.size() == max_turns_)
      return lose(lines_.place(), "a dialogue has more turns than data.max_turns");
    dialogue_.turns.push_back({std::string(speaker), std::string(text), ""});
    add_candidates(candidates, dialogue_.turns.back());
  }

  LineReader lines_;
  std::size_t max_bytes_;  ///< of a dialogue
  std::size_t max_turns_;
  Receiver& receiver_;

  Dialogue dialogue_;  ///< the open one; empty once it is lost
  Place place_;        ///< of its first line
  std::size_t bytes_ = 0;
  std::optional<Place> without_tab_;  ///< its line without a reply: it must be the last
  bool is_open_ = false, is_lost_ = false, has_pairs_ = false;

  std::uint64_t dialogues_ = 0, last_number_ = 0;
  std::uint64_t unnumbered_ = 0;  ///< lines in a row whose number is not known
  Place unnumbered_place_;        ///< of the first of them
  std::string_view unnumbered_rule_;
};

}  // namespace

std::string_view recognises_convai2(std::string_view head) {
  const auto first = split_number(take_line(head));
  if (!first || first->number != 1) return {};
  if (split_persona(first->rest)) return "its first line is numbered 1 and holds a persona";
  if (first->rest.find('\t') == std::string_view::npos) return {};
  if (!head.empty()) {
    const auto second = split_number(take_line(head));
    if (!second || second->number > 2) return {};
  }
  return "its lines are numbered from 1 and hold two texts";
}

void read_convai2(InputStream& stream, const ReadLimits& limits, Receiver& receiver) {
  DialoguesReader(stream, limits, receiver).read();
}

}  // namespace banter::data
