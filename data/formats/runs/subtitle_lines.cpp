#include "data/formats/runs/subtitle_lines.h"

#include <algorithm>

#include "base/utf8.h"
#include "data/formats/runs/irc.h"
#include "data/formats/runs/runs.h"
#include "data/input/lines.h"

namespace banter::data {
namespace {

/// Whether a line is what people write: UTF-8 without control characters.
bool is_clean(std::string_view line) {
  return !base::first_bad_utf8(line) && std::ranges::none_of(line, [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7F';
  });
}

bool begins_like_json_or_markup(std::string_view head) {
  if (head.starts_with('{') || head.starts_with('<')) return true;
  if (!head.starts_with('[')) return false;
  const auto next = head.find_first_not_of(" \t\r\n", 1);
  return next == std::string_view::npos ||
         std::string_view("{[]\"-0123456789").find(head[next]) != std::string_view::npos;
}

bool holds_any(std::string_view head, std::initializer_list<std::string_view> marks) {
  return std::ranges::any_of(marks,
                             [&](auto mark) { return head.find(mark) != std::string_view::npos; });
}

}  // namespace

std::string_view recognises_subtitle_lines(std::string_view head) {
  const auto first = head.find_first_not_of(" \r\n");
  if (first == std::string_view::npos || begins_like_json_or_markup(head.substr(first))) return {};
  if (holds_any(head, {"\t", "__eou__", "__eot__", "-->", "your persona: "})) return {};
  if (!recognises_irc(head).empty()) return {};
  std::size_t clean = 0, others = 0;
  while (!head.empty()) ++(is_clean(take_line(head)) ? clean : others);
  if (clean <= others) return {};
  return "lines of plain text without marks";
}

void read_subtitle_lines(InputStream& stream, const ReadLimits& limits, Receiver& receiver) {
  Runs runs("", 1, "", limits, receiver);
  LineReader lines(stream, static_cast<std::size_t>(limits.max_line_bytes));
  while (lines.next()) {
    const auto place = lines.place();
    const auto line = lines.line();
    if (lines.is_too_long())
      runs.break_off({place, Severity::kSkip, "a line is longer than data.max_line_bytes", "", 1});
    else if (base::is_blank(line))
      runs.end();
    else if (const auto fault = text_fault(line); !fault.empty())
      runs.break_off({place, Severity::kSkip, fault, "", 1});
    else
      runs.add({"?", std::string(line), ""}, place);
  }
  runs.end();
}

}  // namespace banter::data
