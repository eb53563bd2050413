#include "data/inspection/reports/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iomanip>

#include "base/utf8.h"

namespace banter::data {
namespace {

constexpr std::size_t kColumns = 100;
constexpr std::size_t kLabelColumns = 22;
constexpr std::size_t kNumberColumns = 13;

/// Writes words from a column on, and below it when the line is full.
void print_wrapped(std::ostream& out, std::string_view text, std::size_t from) {
  std::size_t column = from;
  bool first = true;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    const auto width = base::count_code_points(word);
    if (!first && column + 1 + width > kColumns) {
      out << '\n' << std::string(from, ' ');
      column = from;
      first = true;
    }
    out << (first ? "" : " ") << word;
    column += width + (first ? 0 : 1);
    first = false;
  }
}

void print_label(std::ostream& out, std::string_view label) {
  out << "  " << label << std::string(kLabelColumns - std::min(kLabelColumns, label.size()), ' ');
}

std::string_view kind_of(Severity severity) {
  switch (severity) {
    case Severity::kSkip:
      return "skip";
    case Severity::kNote:
      return "note";
    case Severity::kCount:
      return "count";
  }
  return "";
}

std::string_view said_of(Severity severity) {
  switch (severity) {
    case Severity::kSkip:
      return "skipped";
    case Severity::kNote:
      return "note";
    case Severity::kCount:
      return "counted";
  }
  return "";
}

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), 1, ',');
  return text;
}

std::string fixed(double number, int digits) {
  if (!std::isfinite(number)) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, number);
  return text;
}

std::string percent(std::uint64_t part, std::uint64_t whole, int digits) {
  constexpr double kPercent = 100;
  if (whole == 0) return "-";
  return fixed(kPercent * static_cast<double>(part) / static_cast<double>(whole), digits) + " %";
}

void print_row(std::ostream& out, std::string_view label, std::uint64_t number,
               std::string_view remark) {
  print_label(out, label);
  out << std::setw(kNumberColumns) << grouped(number);
  if (!remark.empty()) {
    out << "  ";
    print_wrapped(out, remark, 2 + kLabelColumns + kNumberColumns + 2);
  }
  out << '\n';
}

void print_row(std::ostream& out, std::string_view label, std::string_view words) {
  print_label(out, label);
  print_wrapped(out, words, 2 + kLabelColumns);
  out << '\n';
}

void print_problems(std::ostream& out, const Problems& problems, Places places) {
  for (const auto severity : {Severity::kSkip, Severity::kNote, Severity::kCount}) {
    for (const auto& [rule, count] : problems.by_rule()) {
      if (count.severity != severity) continue;
      out << "  " << said_of(severity) << ' ' << grouped(count.count) << ": " << rule << '\n';
      const auto shown = places == Places::kFirst ? std::min<std::size_t>(1, count.first.size())
                                                  : count.first.size();
      for (std::size_t i = 0; i < shown; ++i) out << "      " << count.first[i] << '\n';
      if (count.count > shown && places == Places::kSome)
        out << "      and " << grouped(count.count - shown) << " more\n";
    }
  }
}

boost::json::array to_json(const Problems& problems) {
  boost::json::array all;
  for (const auto& [rule, count] : problems.by_rule()) {
    boost::json::array first;
    for (const auto& text : count.first) first.emplace_back(text);
    all.push_back({{"rule", rule},
                   {"kind", kind_of(count.severity)},
                   {"count", count.count},
                   {"first", std::move(first)}});
  }
  return all;
}

}  // namespace banter::data
