#include "data/formats/runs/irc.h"

#include <optional>

#include "base/utf8.h"
#include "data/formats/document_name.h"
#include "data/formats/runs/runs.h"
#include "data/input/lines.h"

namespace banter::data {
namespace {

/// A line of somebody who speaks. The nick may be blank.
struct Message {
  std::string_view time, nick, text;
};

bool is_server_line(std::string_view line) { return line.starts_with("==="); }

/// HH:MM, of a day.
bool is_time(std::string_view text) {
  const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  return text.size() == 5 && digit(0) && digit(1) && text[2] == ':' && digit(3) && digit(4) &&
         text.substr(0, 2) < "24" && text.substr(3) < "60";
}

/// What stands behind `[time] `; nothing when a line has no such beginning.
std::optional<Message> split_time(std::string_view line) {
  const auto end = line.find("] ");
  if (!line.starts_with('[') || end == std::string_view::npos) return std::nullopt;
  return Message{line.substr(1, end - 1), {}, line.substr(end + 2)};
}

/// "[10:05] <ann> hello", "[10:05]  * ann waves"; nothing for any other line.
std::optional<Message> parse_message(std::string_view line) {
  auto message = split_time(line);
  if (!message) return std::nullopt;
  auto& text = message->text;
  const bool is_action = trimmed(text).starts_with("* ");
  if (is_action) {
    text = trimmed(text);
    message->nick = text.substr(2, text.find(' ', 2) - 2);
    return message;
  }
  const auto end = text.find('>');
  if (!text.starts_with('<') || end == std::string_view::npos) return std::nullopt;
  message->nick = text.substr(1, end - 1);
  text.remove_prefix(end + 1);
  if (text.starts_with(' ')) text.remove_prefix(1);
  return message;
}

class LogReader {
 public:
  LogReader(InputStream& stream, const ReadLimits& limits, Receiver& receiver)
      : lines_(stream, static_cast<std::size_t>(limits.max_line_bytes)),
        runs_(document_name(stream.name(), ".txt") + ":", 0, "", limits, receiver),
        receiver_(receiver) {}

  void read() {
    while (lines_.next()) {
      const auto line = lines_.line();
      if (lines_.is_too_long())
        break_off("a line is longer than data.max_line_bytes");
      else if (base::is_blank(line))
        runs_.end();
      else if (const auto fault = text_fault(line); !fault.empty())
        break_off(fault);
      else
        read_line(line);
    }
    runs_.end();
  }

 private:
  void break_off(std::string_view rule) {
    runs_.break_off({lines_.place(), Severity::kSkip, rule, "", 1});
  }

  void tell(Severity severity, std::string_view rule, std::uint64_t records) {
    receiver_.problem({lines_.place(), severity, rule, "", records});
  }

  void read_line(std::string_view line) {
    const auto timed = split_time(line);
    if (is_server_line(line) || (timed && is_server_line(timed->text)))
      return tell(Severity::kCount, "a server line is no turn", 0);
    const auto message = parse_message(line);
    if (!message)
      return tell(Severity::kSkip, "a line is no message ([HH:MM] <nick> text): passed over", 1);
    if (base::is_blank(message->nick))
      return tell(Severity::kSkip, "a message has no sender: passed over", 1);
    if (base::is_blank(message->text))
      return tell(Severity::kNote, "a message says nothing: passed over", 0);
    if (!is_time(message->time)) tell(Severity::kNote, "what should be a time is none (10:05)", 0);
    runs_.add({std::string(message->nick), std::string(message->text), std::string(message->time)},
              lines_.place());
  }

  LineReader lines_;
  Runs runs_;
  Receiver& receiver_;
};

}  // namespace

std::string_view recognises_irc(std::string_view head) {
  while (!head.empty()) {
    const auto line = take_line(head);
    if (base::is_blank(line)) continue;
    if (const auto message = parse_message(line); message && is_time(message->time))
      return "lines of a log: [HH:MM] <nick> text";
    const auto timed = split_time(line);
    if (!is_server_line(line) && !(timed && is_server_line(timed->text))) return {};
  }
  return {};
}

void read_irc(InputStream& stream, const ReadLimits& limits, Receiver& receiver) {
  LogReader(stream, limits, receiver).read();
}

}  // namespace banter::data
