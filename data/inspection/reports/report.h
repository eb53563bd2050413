#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "data/problems.h"

/// Figures as text for people, in 100 columns.
namespace banter::data {

/// 1234567 -> "1,234,567".
std::string grouped(std::uint64_t number);

/// "12.3" with the given digits behind the point; "-" for what is not finite.
std::string fixed(double number, int digits);

/// "12.3 %" of a part of a whole; "-" when the whole is nothing.
std::string percent(std::uint64_t part, std::uint64_t whole, int digits);

/// A figure with its name in front and a remark behind that may take several lines.
void print_row(std::ostream& out, std::string_view label, std::uint64_t number,
               std::string_view remark = {});

/// The same with words for the figure.
void print_row(std::ostream& out, std::string_view label, std::string_view words);

enum class Places : std::uint8_t { kFirst, kSome };

/// One line a rule with its count, and the first place or few; nothing when there is no problem.
void print_problems(std::ostream& out, const Problems& problems, Places places);

/// [{rule, kind: skip|note|count, count, first: [text]}].
boost::json::array to_json(const Problems& problems);

}  // namespace banter::data
