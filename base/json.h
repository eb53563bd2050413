#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <boost/json.hpp>

namespace banter::base {

namespace json = boost::json;

/// Parses one strict JSON text; a number with a point or an exponent is the double nearest to it.
///
/// Throws   DataError naming `where`, the byte offset and the rule when it is not JSON, nests
///          deeper than `max_depth`, goes on behind its end, repeats a key in an object or holds a
///          number that no double does (Boost.JSON would keep the last key, or infinity)
json::value parse_json(std::string_view text, std::string_view where, std::size_t max_depth = 100);

/// One value inside a JSON text, with the path to it for messages: `field(v, "turns", where)`.
/// Throws   DataError "<where>: field \"turns\" is missing" / "... is not a string"
const json::value& field(const json::object& object, std::string_view key, std::string_view where);
std::string_view string_field(const json::object& object, std::string_view key,
                              std::string_view where);
std::int64_t integer_field(const json::object& object, std::string_view key,
                           std::string_view where);

const json::array& array_field(const json::object& object, std::string_view key,
                               std::string_view where);
/// Throws   DataError "<where>: is no JSON object"
const json::object& as_object(const json::value& value, std::string_view where);
std::string_view as_string(const json::value& value, std::string_view where);

/// JSON with two-space indentation and keys in the order of insertion, ends in a newline: for
/// files that people read. Equal values give equal bytes.
std::string pretty_json(const json::value& value);

}  // namespace banter::base
