#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace banter::train {

/// The lines of a log.jsonl that are of these events, as a table in CSV: a head, then a line each,
/// in their order. Columns are event, step and all other keys in the order in which they first
/// occur; what a line does not have is empty. A last line without an end, which a crash cut, is
/// left out.
/// Source   RFC 4180; differs: lines end in a line feed alone
/// Throws   DataError starting with `where` and the line's number
std::string log_as_csv(std::string_view text, std::string_view where,
                       const std::vector<std::string>& events);

}  // namespace banter::train
