#include "models/commands/persona.h"

#include <algorithm>
#include <charconv>

#include "base/errors.h"
#include "base/utf8.h"
#include "models/commands/line_source.h"

namespace banter::models {
namespace {

constexpr std::string_view kForms = "/persona takes nothing, add TEXT, N TEXT, drop N or clear";

/// A text without the white space around it.
std::string_view trimmed(std::string_view text) {
  while (!text.empty() && base::is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && base::is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool is_number(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
}

/// A sentence as it is kept. Throws   DataError for what is none
std::string sentence(std::string_view text) {
  text = trimmed(text);
  if (text.empty()) throw base::DataError("a sentence of a persona must not be blank");
  if (const auto bad = base::first_bad_utf8(text))
    throw base::DataError("byte " + std::to_string(*bad + 1) + " is not UTF-8");
  if (text.find('\0') != std::string_view::npos)
    throw base::DataError("a sentence of a persona must not hold a NUL character");
  return std::string(text);
}

}  // namespace

void Persona::add(std::string_view text) {
  if (lines_.size() == kMostLines)
    throw base::DataError("a persona has at most " + std::to_string(kMostLines) + " lines");
  lines_.push_back(sentence(text));
}

void Persona::add_file(const std::string& file) {
  if (file == "-")
    throw base::UsageError(
        "banter chat: --persona -: standard input is what is said; name a file, one sentence a "
        "line");
  LineSource source(file);
  const auto before = lines_.size();
  while (const auto line = source.next()) {
    if (base::is_blank(*line)) continue;
    try {
      add(*line);
    } catch (const base::DataError& error) {
      throw base::DataError(source.where() + ": " + error.what());
    }
  }
  if (lines_.size() == before)
    throw base::DataError(base::printable(file, 1000) +
                          ": holds no sentence of a persona; write one a line");
}

std::size_t Persona::place_of(std::string_view number) const {
  std::size_t line = 0;
  const auto* end = number.data() + number.size();
  const auto [at, error] = std::from_chars(number.data(), end, line);
  if (error == std::errc() && at == end && line >= 1 && line <= lines_.size()) return line - 1;
  throw base::UsageError("/persona: there is no line " + base::printable(number) + "; " +
                         (lines_.empty() ? "the persona has none"
                                         : "lines are 1 to " + std::to_string(lines_.size())));
}

void Persona::change(std::string_view command) {
  command = trimmed(command);
  const auto end = std::ranges::find_if(command, base::is_space);
  const std::string_view word(command.begin(), end);
  const auto rest = trimmed({end, command.end()});
  if (word == "add" && !rest.empty()) {
    add(rest);
  } else if (word == "clear" && rest.empty()) {
    lines_.clear();
  } else if (word == "drop" && is_number(rest)) {
    lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(place_of(rest)));
  } else if (is_number(word) && !rest.empty()) {
    lines_[place_of(word)] = sentence(rest);
  } else {
    throw base::UsageError(std::string(kForms));
  }
}

}  // namespace banter::models
