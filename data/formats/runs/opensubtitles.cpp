#include "data/formats/runs/opensubtitles.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "data/formats/document_name.h"
#include "data/formats/runs/runs.h"
#include "data/input/xml.h"

namespace banter::data {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

/// The number that digits write; nothing for any other text.
std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!all_digits(text) || error != std::errc()) return std::nullopt;
  return value;
}

/// "00:01:02,345" (or with a dot) in milliseconds; nothing for any other text.
std::optional<std::int64_t> milliseconds(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon > 3) return std::nullopt;
  const auto rest = text.substr(colon + 1);
  if (rest.size() != 9 || rest[2] != ':' || (rest[5] != ',' && rest[5] != '.')) return std::nullopt;
  const auto hours = number(text.substr(0, colon));
  const auto minutes = number(rest.substr(0, 2));
  const auto seconds = number(rest.substr(3, 2));
  const auto thousandths = number(rest.substr(6));
  if (!hours || !minutes || !seconds || !thousandths || *minutes > 59 || *seconds > 59)
    return std::nullopt;
  return ((*hours * 60 + *minutes) * 60 + *seconds) * 1000 + *thousandths;
}

/// What stays in one split: the folder of a film's versions, YEAR/FILM, or the document alone.
std::string film_group(const std::string& film) {
  const auto document = film.rfind('/');
  if (document == std::string::npos) return film;
  const auto versions = film.substr(0, document);
  const auto folder = versions.rfind('/');
  if (folder == std::string::npos || !all_digits(std::string_view(versions).substr(folder + 1)))
    return film;
  const auto year = std::string_view(versions).substr(0, folder);
  return all_digits(year.substr(year.rfind('/') + 1)) ? versions : film;  // npos + 1 is 0
}

/// Keeps what is told of a film until it is known to be whole.
class HeldFilm : public Receiver {
 public:
  void record(Record&& record, const Place& place) override {
    records_.emplace_back(std::move(record), place);
  }
  void problem(const Problem& problem) override { problems_.push_back(problem); }

  void give_to(Receiver& receiver) {
    for (const auto& problem : problems_) receiver.problem(problem);
    for (auto& [record, place] : records_) receiver.record(std::move(record), place);
  }

 private:
  std::vector<std::pair<Record, Place>> records_;
  std::vector<Problem> problems_;  // each kind once, but those of sentences that are too long
};

/// The text of a sentence: words with one space between them, whatever stands there.
class SentenceText {
 public:
  explicit SentenceText(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  /// Whether there was anything but spaces.
  bool add(std::string_view text) {
    for (bool any = false;; any = true) {
      const auto word = text.find_first_not_of(kSpaces);
      if (word != 0 && !text.empty()) end_word();
      if (word == std::string_view::npos) return any;
      text.remove_prefix(word);
      const auto size = std::min(text.find_first_of(kSpaces), text.size());
      add_part(text.substr(0, size));
      text.remove_prefix(size);
    }
  }
  void end_word() { ended_ = true; }

  [[nodiscard]] bool is_empty() const { return text_.empty() && !too_long_; }
  [[nodiscard]] bool is_too_long() const { return too_long_; }
  std::string take() {
    too_long_ = ended_ = false;
    return std::exchange(text_, {});
  }

 private:
  void add_part(std::string_view part) {
    const std::size_t space = ended_ && !text_.empty() ? 1 : 0;
    ended_ = false;
    if (text_.size() + space + part.size() > max_bytes_) {
      too_long_ = true;
      text_.clear();
    }
    if (too_long_) return;
    text_.append(space, ' ').append(part);
  }

  std::size_t max_bytes_;
  std::string text_;
  bool ended_ = false;     ///< a space stands before what comes
  bool too_long_ = false;  ///< then the text is empty
};

/// Tells where talk pauses, from the times of the blocks that subtitles are shown in.
class Pauses {
 public:
  explicit Pauses(double max_pause) : max_pause_(max_pause * 1000) {}

  /// False when time runs backwards.
  [[nodiscard]] bool start(std::int64_t at) {
    if (last_start_ && at < *last_start_) return false;
    if (last_end_ && static_cast<double>(at - *last_end_) > max_pause_) is_pause_ = true;
    last_start_ = at;
    last_end_.reset();
    any_start_ = true;
    return true;
  }
  void end(std::int64_t at) {
    last_end_ = at;
    any_end_ = true;
  }
  void unknown() { last_end_.reset(); }

  /// Whether there was a pause since this was asked last.
  bool take() { return std::exchange(is_pause_, false); }
  [[nodiscard]] bool can_be_seen() const { return any_start_ && any_end_; }

 private:
  double max_pause_;  ///< ms
  std::optional<std::int64_t> last_start_, last_end_;
  bool is_pause_ = false, any_start_ = false, any_end_ = false;
};

/// Makes dialogues of a document; what is odd in it is told once a kind.
class FilmReader : public XmlEvents {
 public:
  FilmReader(const InputStream& stream, const ReadLimits& limits, HeldFilm& held)
      : place_(stream.place()),
        max_bytes_(kFilmRecords * limits.max_line_bytes),
        text_(static_cast<std::size_t>(limits.max_line_bytes)),
        pauses_(limits.max_pause),
        held_(held),
        runs_(film_runs(document_name(stream.name(), ".xml"), limits, held)) {}

  void start(std::string_view name, const XmlAttributes& attributes, std::uint64_t line) override {
    place_.line = line;
    if (!std::exchange(any_root_, true) && name != "document")
      throw XmlFault{"is no subtitle document", "its root element is " + base::printable(name),
                     line, XmlFault::Kind::kForeign};
    if (name == "s") start_sentence(attributes);
    if (name == "w") text_.end_word();
    if (name == "time") read_time(attributes);
  }

  void end(std::string_view name, std::uint64_t) override {
    if (name == "w") text_.end_word();
    if (name == "s") end_sentence();
  }

  void text(std::string_view text) override {
    if (!in_sentence_) return;
    const bool begins = text_.is_empty();
    if (text_.add(text) && pauses_.take() && begins) runs_.end();
  }

  void reference(std::string_view name, std::uint64_t line) override {
    if (!in_sentence_) return;
    place_.line = line;
    note_once(entity_told_, "an entity is kept as written: none is expanded");
    text("&" + std::string(name) + ";");
  }

  /// At the end of a whole document.
  void finish() {
    runs_.end();
    place_.line = 0;
    bool told = false;
    if (sentences_ == 0) note_once(told, "no dialogues: a document without sentences");
    if (turns_ > 1 && !pauses_.can_be_seen())
      note_once(told, "without times no pause can be seen: a film is one dialogue");
  }

 private:
  static Runs film_runs(const std::string& film, const ReadLimits& limits, HeldFilm& held) {
    return {film + ":", 0, film_group(film), limits, held};
  }

  [[nodiscard]] std::string sentence() const { return "sentence " + std::to_string(sentences_); }

  void note_once(bool& told, std::string_view rule) {
    if (!told)
      held_.problem({place_, Severity::kNote, rule, in_sentence_ ? sentence() : std::string(), 0});
    told = true;
  }

  void start_sentence(const XmlAttributes& attributes) {
    if (in_sentence_)
      throw XmlFault{"a sentence is not closed before the next", sentence(), begin_.line};
    in_sentence_ = true;
    ++sentences_;
    begin_ = place_;
    time_.clear();
    const auto id = number(attributes.find("id"));
    if (id && *id <= last_id_)
      note_once(order_told_, "sentence numbers do not rise: the order of the document counts");
    if (id) last_id_ = std::max(last_id_, *id);
  }

  void read_time(const XmlAttributes& attributes) {
    text_.end_word();
    const auto id = attributes.find("id");
    const auto value = attributes.find("value");
    const bool is_start = id.ends_with('S');
    if (is_start && in_sentence_ && text_.is_empty() && time_.empty()) time_ = value;
    const auto at = milliseconds(value);
    if (!at || (!is_start && !id.ends_with('E'))) {
      pauses_.unknown();
      return note_once(time_told_, "a time cannot be read: the gap there is unknown, and no pause");
    }
    if (!is_start) return pauses_.end(*at);
    if (!pauses_.start(*at))
      throw XmlFault{"times run backwards: they are not to be trusted", sentence(), place_.line};
  }

  void end_sentence() {
    if (text_.is_too_long()) {
      runs_.break_off({begin_, Severity::kSkip, "a sentence is longer than data.max_line_bytes",
                       sentence(), 1});
      text_.take();
    } else if (text_.is_empty()) {
      note_once(silence_told_, "a sentence without words is passed over");
    } else {
      Turn turn{"?", text_.take(), std::exchange(time_, {})};
      bytes_ += static_cast<std::int64_t>(sizeof(Turn) + turn.text.size() + turn.time.size());
      if (bytes_ > max_bytes_)
        throw XmlFault{"a film is longer than data.max_line_bytes allows",
                       sentence() + ": at most " + std::to_string(max_bytes_) + " bytes",
                       begin_.line};
      ++turns_;
      runs_.add(std::move(turn), begin_);
    }
    in_sentence_ = false;
  }

  Place place_;  ///< of what was told of last
  Place begin_;  ///< of the sentence
  std::int64_t max_bytes_;
  SentenceText text_;
  Pauses pauses_;
  HeldFilm& held_;
  Runs runs_;
  std::string time_;  ///< of the sentence
  std::uint64_t sentences_ = 0, turns_ = 0;
  std::int64_t last_id_ = -1;
  std::int64_t bytes_ = 0;  ///< of the turns that are held
  bool any_root_ = false, in_sentence_ = false;
  bool entity_told_ = false, order_told_ = false, time_told_ = false, silence_told_ = false;
};

}  // namespace

std::string_view recognises_opensubtitles(std::string_view head) {
  if (!head.starts_with('<') || xml_root(head) != "document") return {};
  return "XML with the root element document";
}

void read_opensubtitles(InputStream& stream, const ReadLimits& limits, Receiver& receiver) {
  HeldFilm held;
  FilmReader film(stream, limits, held);
  try {
    read_xml(stream,
             {.max_depth = limits.max_depth,
              .max_tag_bytes = limits.max_line_bytes,
              .max_document_bytes = kFilmRecords * limits.max_line_bytes},
             film);
    film.finish();
  } catch (const XmlFault& fault) {
    Place place = stream.place();
    place.line = fault.line;
    const Problem problem{place, Severity::kSkip, fault.rule, fault.detail, 1};
    if (fault.kind != XmlFault::Kind::kFaulty && place.member.empty())
      throw DamagedInput(problem.text());
    receiver.problem(problem);
    return;
  }
  held.give_to(receiver);
}

}  // namespace banter::data
