#include "data/formats/json/json_record.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "data/formats/lost_record.h"
#include "data/input/lines.h"

namespace banter::data {
namespace {
namespace dom = simdjson::dom;

constexpr std::size_t kFewKeys = 8;  // are compared pair by pair: no memory for most objects

std::optional<std::string_view> repeated_key(const RecordObject& object) {
  if (object.size() <= kFewKeys) {
    for (auto one = object.begin(); one != object.end(); ++one)
      for (auto other = object.begin(); other != one; ++other)
        if (one->key == other->key) return one->key;
    return std::nullopt;
  }
  std::vector<std::string_view> keys;
  for (const auto& field : object) keys.push_back(field.key);
  std::ranges::sort(keys);
  const auto twice = std::ranges::adjacent_find(keys);
  return twice == keys.end() ? std::nullopt : std::optional(*twice);
}

}  // namespace

RecordParser::RecordParser(const ReadLimits& limits) {
  // Longer records make it grow: they are in memory already, bounded by data.max_line_bytes.
  const auto error = parser_.allocate(std::size_t{1} << 16, static_cast<size_t>(limits.max_depth));
  if (error) throw std::bad_alloc();
}

dom::element RecordParser::parse(std::string_view text) {
  dom::element value;
  const auto error = parser_.parse(text.data(), text.size()).get(value);
  if (!error) return value;
  if (const auto bad = base::first_bad_utf8(text))  // other errors may come of it
    throw LostRecord{"a text is not valid UTF-8", "byte " + std::to_string(*bad) + " of the line"};
  if (error == simdjson::DEPTH_ERROR)
    throw LostRecord{"JSON is nested deeper than data.max_json_depth", ""};
  throw LostRecord{"is not JSON", simdjson::error_message(error)};
}

RecordObject as_record_object(const dom::element& value, std::string_view what) {
  dom::object found;
  if (value.get(found))
    throw LostRecord{"a field has the wrong type", std::string(what) + " is no object"};
  RecordObject object;
  for (const auto field : found) object.push_back({field.key, field.value});
  if (const auto twice = repeated_key(object))
    throw LostRecord{"a key stands twice in an object", base::printable(*twice)};
  return object;
}

dom::array as_record_array(const dom::element& value, std::string_view what) {
  dom::array array;
  if (value.get(array))
    throw LostRecord{"a field has the wrong type", std::string(what) + " is no array"};
  return array;
}

std::string_view as_record_string(const dom::element& value, std::string_view what) {
  std::string_view text;
  if (value.get(text))
    throw LostRecord{"a field has the wrong type", std::string(what) + " is no string"};
  return text;
}

std::optional<dom::element> find_key(const RecordObject& object, std::string_view key) {
  for (const auto& field : object)
    if (field.key == key) return field.value;
  return std::nullopt;
}

dom::element need_key(const RecordObject& object, std::string_view key) {
  if (const auto value = find_key(object, key)) return *value;
  throw LostRecord{"a field is missing", std::string(key)};
}

char json_opening(std::string_view head) {
  if (head.starts_with("\xEF\xBB\xBF")) head.remove_prefix(3);
  const auto at = head.find_first_not_of(" \t\r\n");
  return at != std::string_view::npos && (head[at] == '{' || head[at] == '[') ? head[at] : '\0';
}

bool shows_key(std::string_view head, std::string_view key) {
  const auto quoted = '"' + std::string(key) + '"';
  for (auto at = head.find(quoted); at != std::string_view::npos; at = head.find(quoted, at + 1)) {
    const auto colon = head.find_first_not_of(" \t\r\n", at + quoted.size());
    if (colon != std::string_view::npos && head[colon] == ':') return true;
  }
  return false;
}

bool shows_records_of(std::string_view head, std::initializer_list<std::string_view> keys) {
  return json_opening(head) != '\0' && !shows_key(head, "turns") &&
         std::ranges::all_of(keys, [&](auto key) { return shows_key(head, key); });
}

void read_json_records(InputStream& stream, const ReadLimits& limits, Receiver& receiver,
                       const ReadJson& read) {
  RecordParser parser(limits);
  const auto take = [&](std::string_view text, const Place& place) {
    try {
      read(parser.parse(text), place);
    } catch (const LostRecord& lost) {
      receiver.problem({place, Severity::kSkip, lost.rule, lost.detail, 1});
    }
  };
  const auto max_bytes = static_cast<std::size_t>(limits.max_line_bytes);
  if (json_opening(stream.peek(kHeadBytes)) == '[') {
    JsonElements elements(stream, max_bytes, static_cast<std::uint64_t>(limits.max_depth));
    return read_elements(elements, receiver, take);
  }
  LineReader lines(stream, max_bytes);
  while (lines.next()) {
    if (lines.is_too_long())
      receiver.problem(
          {lines.place(), Severity::kSkip, "a line is longer than data.max_line_bytes", "", 1});
    else if (lines.line().find_first_not_of(" \t") != std::string_view::npos)
      take(lines.line(), lines.place());
  }
}

void read_elements(JsonElements& elements, Receiver& receiver,
                   const std::function<void(std::string_view, const Place&)>& read) {
  while (elements.next()) {
    if (elements.is_cut())
      receiver.problem({elements.place(), Severity::kSkip, "the document ends inside an element",
                        "byte " + std::to_string(elements.offset()), 1});
    else if (elements.is_too_long())
      receiver.problem({elements.place(), Severity::kSkip,
                        "an element is longer than data.max_line_bytes", "", 1});
    else
      read(elements.element(), elements.place());
    if (elements.is_cut()) return;
  }
  if (elements.is_cut())
    receiver.problem({elements.place(), Severity::kNote,
                      "the closing bracket is missing: the file may be cut", "", 0});
}

}  // namespace banter::data
