#include "data/formats/turns/ubuntu_v1.h"

#include <array>
#include <optional>

#include "base/utf8.h"
#include "data/formats/document_name.h"
#include "data/input/lines.h"

namespace banter::data {
namespace {

constexpr std::string_view kTimePattern = "0000-00-00T00:00:00";

/// "2004-11-15T12:18:00.000Z": four digits of a year and so on; only such times can be compared.
bool is_time(std::string_view text) {
  if (text.size() < kTimePattern.size()) return false;
  for (std::size_t i = 0; i < kTimePattern.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kTimePattern[i] == '0' ? !digit : text[i] != kTimePattern[i]) return false;
  }
  return text.substr(5, 2) <= "12" && text.substr(8, 2) <= "31" && text.substr(11, 2) < "24" &&
         text.substr(14, 2) < "60";
}

/// Whether a path ends in N/M.tsv, packed or not.
bool is_dialogue_name(std::string_view name) {
  if (name.ends_with(".gz")) name.remove_suffix(3);
  if (!name.ends_with(".tsv")) return false;
  name.remove_suffix(4);
  const auto slash = name.rfind('/');
  if (slash == std::string_view::npos || !all_digits(name.substr(slash + 1))) return false;
  name = name.substr(0, slash);
  return all_digits(name.substr(name.rfind('/') + 1));  // npos + 1 is 0
}

std::string dialogue_id(std::string_view name) {
  auto id = document_name(name, ".tsv");
  if (id.starts_with("dialogs/")) id.erase(0, 8);
  return id;
}

using Columns = std::array<std::string_view, 4>;

std::optional<Columns> split_line(std::string_view line) {
  Columns columns;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto tab = line.find('\t');
    if (tab == std::string_view::npos) return std::nullopt;
    columns[i] = line.substr(0, tab);
    line.remove_prefix(tab + 1);
  }
  columns[3] = line;
  return columns;
}

/// Reads one dialogue; what is odd in it is told once a kind.
class DialogueReader {
 public:
  DialogueReader(InputStream& stream, const ReadLimits& limits, Receiver& receiver)
      : lines_(stream, static_cast<std::size_t>(limits.max_line_bytes)),
        max_bytes_(static_cast<std::size_t>(limits.max_line_bytes)),
        max_turns_(static_cast<std::size_t>(limits.max_turns)),
        receiver_(receiver) {}

  /// Nothing when the dialogue is lost, which was told.
  std::optional<Dialogue> read(std::string id) {
    Dialogue dialogue;
    dialogue.id = std::move(id);
    std::size_t bytes = 0;
    while (lines_.next()) {
      if (lines_.is_too_long()) return lose("a line is longer than data.max_line_bytes");
      const auto line = lines_.line();
      if (line.empty()) continue;
      bytes += line.size();
      if (bytes > max_bytes_) return lose("a dialogue is longer than data.max_line_bytes");
      if (dialogue.turns.size() == max_turns_)
        return lose("a dialogue has more turns than data.max_turns");
      if (const auto bad = base::first_bad_utf8(line))
        return lose("a text is not valid UTF-8", "byte " + std::to_string(*bad) + " of the line");
      const auto columns = split_line(line);
      if (!columns) return lose("a line has fewer than four columns");
      const auto& [time, from, to, text] = *columns;
      if (base::is_blank(from)) return lose("a line has no sender");
      if (line.find('\0') != std::string_view::npos) return lose("a text holds NUL");
      if (const auto fault = text_fault(text); !fault.empty()) return lose(fault);
      note_oddities(time, text);
      dialogue.turns.push_back({std::string(from), std::string(text), std::string(time)});
    }
    if (dialogue.turns.empty()) return lose("a dialogue has no turns");
    return dialogue;
  }

 private:
  std::nullopt_t lose(std::string_view rule, std::string detail = "") {
    receiver_.problem({lines_.place(), Severity::kSkip, rule, std::move(detail), 1});
    return std::nullopt;
  }

  void note_once(bool& told, std::string_view rule) {
    if (!told) receiver_.problem({lines_.place(), Severity::kNote, rule, "", 0});
    told = true;
  }

  void note_oddities(std::string_view time, std::string_view text) {
    if (text.find('\t') != std::string_view::npos)
      note_once(tab_told_, "a text holds a tab: all behind the third tab is the text");
    if (!is_time(time))
      note_once(time_told_, "what should be a time is none (2009-03-01T10:05:00.000Z)");
    else if (time < last_time_)
      note_once(order_told_,
                "messages are not in the order of their times: the file's order stays");
    else
      last_time_ = time;
  }

  LineReader lines_;
  std::size_t max_bytes_;  ///< of a dialogue: a record, whatever its lines
  std::size_t max_turns_;
  Receiver& receiver_;
  std::string last_time_;
  bool tab_told_ = false, time_told_ = false, order_told_ = false;
};

}  // namespace

std::string_view recognises_ubuntu_v1(std::string_view head) {
  const auto columns = split_line(take_line(head));
  if (columns && is_time(columns->front())) return "its first line is a time, from, to and text";
  return {};
}

std::string_view recognises_name_of_ubuntu_v1(std::string_view name) {
  return is_dialogue_name(name) ? "its name ends in N/M.tsv" : "";
}

void read_ubuntu_v1(InputStream& stream, const ReadLimits& limits, Receiver& receiver) {
  DialogueReader reader(stream, limits, receiver);
  auto dialogue = reader.read(dialogue_id(stream.name()));
  if (dialogue) receiver.record(std::move(*dialogue), stream.place());
}

}  // namespace banter::data
