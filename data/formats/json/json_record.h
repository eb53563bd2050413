#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string_view>

#include <boost/container/small_vector.hpp>
#include <simdjson.h>

#include "data/formats/formats.h"
#include "data/input/json_elements.h"

/// Access to the JSON of one record. A fault loses the record: LostRecord is thrown.
namespace banter::data {

/// Parses records one after the other, in bounded memory.
class RecordParser {
 public:
  explicit RecordParser(const ReadLimits& limits);
  /// The value lives until the next call. Throws   LostRecord
  simdjson::dom::element parse(std::string_view text);

 private:
  simdjson::dom::parser parser_;
};

struct RecordField {
  std::string_view key;
  simdjson::dom::element value;
};
/// The fields of an object, in their order; looking them up on the parser's tape is slower.
using RecordObject = boost::container::small_vector<RecordField, 8>;

/// The object that a value must be. Throws   LostRecord, also when a key stands in it twice
RecordObject as_record_object(const simdjson::dom::element& value, std::string_view what);
simdjson::dom::array as_record_array(const simdjson::dom::element& value, std::string_view what);
std::string_view as_record_string(const simdjson::dom::element& value, std::string_view what);

std::optional<simdjson::dom::element> find_key(const RecordObject& object, std::string_view key);
/// Throws   LostRecord "a field is missing"
simdjson::dom::element need_key(const RecordObject& object, std::string_view key);

/// What a stream of JSON begins with behind white space: '{' or '[', or NUL for anything else.
char json_opening(std::string_view head);

/// Whether the beginning of a JSON text shows a key of that name. No text inside it can look like
/// one: its quotes are escaped.
bool shows_key(std::string_view head, std::string_view key);

/// Whether a stream begins with JSON that shows all these keys, and no turns: with those it is a
/// dialogue of our own form, whatever else stands there.
bool shows_records_of(std::string_view head, std::initializer_list<std::string_view> keys);

/// Takes the JSON of one record and its place. May throw   LostRecord
using ReadJson = std::function<void(const simdjson::dom::element&, const Place&)>;

/// Reads one array of records, or one record a line, as the stream begins. Lost records are told.
/// Throws   DamagedInput
void read_json_records(InputStream& stream, const ReadLimits& limits, Receiver& receiver,
                       const ReadJson& read);

/// Gives every whole element of a document to `read` and tells of the others.
void read_elements(JsonElements& elements, Receiver& receiver,
                   const std::function<void(std::string_view, const Place&)>& read);

}  // namespace banter::data
