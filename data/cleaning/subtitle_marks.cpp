#include "data/cleaning/subtitle_marks.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include <re2/re2.h>

#include "base/utf8.h"

namespace banter::data {
namespace {

// U+2669 to U+266C, and the dashes - U+2013 U+2014
constexpr std::array<std::string_view, 4> kNotes = {"\xE2\x99\xA9", "\xE2\x99\xAA", "\xE2\x99\xAB",
                                                    "\xE2\x99\xAC"};
constexpr std::string_view kNotesBegin = "\xE2\x99";
constexpr std::array<std::string_view, 3> kDashes = {"-", "\xE2\x80\x93", "\xE2\x80\x94"};

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

/// The one of `marks` that a text begins with, or "". All of them are a hyphen or not ASCII.
template <std::size_t N>
std::string_view first_of(std::string_view text, const std::array<std::string_view, N>& marks) {
  if (text.empty() || (text.front() != '-' && is_ascii(text.front()))) return {};
  for (const auto mark : marks)
    if (text.starts_with(mark)) return mark;
  return {};
}

bool is_space(char c) { return c == ' ' || c == '\t'; }
bool is_small_letter(char c) { return c >= 'a' && c <= 'z'; }

std::string_view trimmed_left(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

std::string_view trimmed_right(std::string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// Puts pieces of a text together; where something was taken out between two spaces, one of them
/// goes with it.
class Remainder {
 public:
  void append(std::string_view piece) {
    if (cut_ && (out_.empty() || is_space(out_.back()))) piece = trimmed_left(piece);
    if (!piece.empty()) cut_ = false;
    out_ += piece;
  }
  [[nodiscard]] std::size_t size() const { return out_.size(); }
  /// Takes out what was appended from `begin` on.
  void cut(std::size_t begin) {
    out_.resize(begin);
    cut_ = any_cut_ = true;
  }
  /// Becomes the text, unless nothing was cut. Returns   whether it did
  bool replace(std::string& text) {
    if (!any_cut_) return false;
    out_.resize(trimmed_right(out_).size());
    text = std::move(out_);
    return true;
  }

 private:
  std::string out_;
  bool cut_ = false, any_cut_ = false;
};

/// Opening brackets that wait for their other halves.
class OpenBrackets {
 public:
  void open(char bracket, std::size_t at) {
    ++waiting_[bracket == '['];
    stack_.emplace_back(bracket, at);
  }
  /// Where the innermost bracket opened that `closing` closes; brackets inside it that stayed open
  /// are forgotten. -1 when none waits.
  std::ptrdiff_t close(char closing) {
    const char wanted = closing == ']' ? '[' : '(';
    if (waiting_[wanted == '['] == 0) return -1;
    for (;;) {
      const auto [bracket, at] = stack_.back();
      stack_.pop_back();
      --waiting_[bracket == '['];
      if (bracket == wanted) return static_cast<std::ptrdiff_t>(at);
    }
  }

 private:
  std::vector<std::pair<char, std::size_t>> stack_;
  std::array<std::size_t, 2> waiting_ = {};
};

/// Where the first bracket behind the first character stands, else the end.
std::size_t next_bracket(std::string_view text) {
  const auto is_bracket = [](char c) { return c == '[' || c == ']' || c == '(' || c == ')'; };
  const auto found = std::find_if(text.begin() + 1, text.end(), is_bracket);
  return static_cast<std::size_t>(found - text.begin());
}

std::string_view after_dashes(std::string_view text) {
  auto rest = trimmed_left(text);
  for (auto dash = first_of(rest, kDashes); !dash.empty(); dash = first_of(rest, kDashes)) {
    const auto behind = rest.substr(dash.size());
    if (!behind.empty() && behind.front() >= '0' && behind.front() <= '9') break;
    rest = trimmed_left(behind);
  }
  return rest;
}

/// Says no at once of most texts that do not begin with a name and its colon.
bool may_begin_with_name(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  const auto name = text.substr(0, colon), behind = text.substr(colon + 1);
  return (behind.empty() || base::is_space(behind.front())) &&
         std::ranges::none_of(name, is_small_letter);
}

bool is_sung(std::string_view text) {
  const auto line = trimmed_right(after_dashes(text));
  if (!first_of(line, kNotes).empty()) return true;
  return line.starts_with('#') && (line.size() == 1 || is_space(line[1]) || line.ends_with('#'));
}

}  // namespace

bool drop_captions(std::string& text) {
  if (text.find('[') == std::string::npos && text.find('(') == std::string::npos) return false;
  Remainder left;
  OpenBrackets brackets;
  std::string_view rest = text;
  for (std::size_t size = 0; !rest.empty(); rest.remove_prefix(size)) {
    const auto c = rest.front();
    if (c == '[' || c == '(') brackets.open(c, left.size());
    const auto begin = c == ']' || c == ')' ? brackets.close(c) : -1;
    size = begin < 0 ? next_bracket(rest) : 1;
    if (begin < 0)
      left.append(rest.substr(0, size));
    else
      left.cut(static_cast<std::size_t>(begin));
  }
  return left.replace(text);
}

bool drop_dashes(std::string& text) {
  const auto rest = after_dashes(text);
  if (rest.size() == trimmed_left(text).size()) return false;
  text.erase(0, text.size() - rest.size());
  return true;
}

bool drop_name(std::string& text) {
  static const RE2 name(R"(^\s*\p{Lu}[\p{Lu}\p{Nd} .'#&-]{1,39}:(?:\s+|$))");
  if (!may_begin_with_name(text)) return false;
  re2::StringPiece rest(text);
  if (!RE2::Consume(&rest, name)) return false;
  text.erase(0, text.size() - rest.size());
  return true;
}

bool drop_music(std::string& text) {
  if (is_sung(text)) {
    text.clear();
    return true;
  }
  if (text.find(kNotesBegin) == std::string::npos) return false;
  Remainder left;
  std::string_view rest = text;
  for (std::string_view note; !rest.empty(); rest.remove_prefix(note.empty() ? 1 : note.size())) {
    note = first_of(rest, kNotes);
    if (note.empty())
      left.append(rest.substr(0, 1));
    else
      left.cut(left.size());
  }
  return left.replace(text);
}

}  // namespace banter::data
