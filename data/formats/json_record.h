#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "data/formats/formats.h"
#include "data/input/json_elements.h"

/// Access to the JSON of one record. A fault loses the record: it is thrown as LostRecord and
/// caught by the reader that knows the place.
namespace banter::data {

struct LostRecord {
  std::string_view rule;
  std::string detail;
};

/// Parses records one after the other, in bounded memory.
class RecordParser {
 public:
  explicit RecordParser(const ReadLimits& limits);
  /// The value lives until the next call. Throws   LostRecord
  simdjson::dom::element parse(std::string_view text);

 private:
  simdjson::dom::parser parser_;
};

/// The object that a value must be. Throws   LostRecord, also when a key stands in it twice
simdjson::dom::object as_record_object(const simdjson::dom::element& value, std::string_view what);
simdjson::dom::array as_record_array(const simdjson::dom::element& value, std::string_view what);
std::string_view as_record_string(const simdjson::dom::element& value, std::string_view what);

std::optional<simdjson::dom::element> find_key(const simdjson::dom::object& object,
                                               std::string_view key);
/// Throws   LostRecord "a field is missing"
simdjson::dom::element need_key(const simdjson::dom::object& object, std::string_view key);

/// A turn that may be kept. Throws   LostRecord naming the turn, counted from 1
Turn checked_turn(std::string_view speaker, std::string_view text, std::string_view time,
                  std::size_t number);

/// Gives every whole element of a document to `read` and tells of the others.
void read_elements(JsonElements& elements, Receiver& receiver,
                   const std::function<void(std::string_view, const Place&)>& read);

/// Gives every record of a stream to `read`: the elements where it is one array, else its lines
/// that are not blank. Tells of what is too long.
void read_json_records(InputStream& stream, const ReadLimits& limits, Receiver& receiver,
                       const std::function<void(std::string_view, const Place&)>& read);

/// The first letter behind white space, or NUL: the bracket that says what JSON it is.
char first_json_letter(std::string_view head);

/// A name or an id, without NUL. Throws   LostRecord
std::string checked_name(std::string_view text, std::string_view what);

/// The same; "?" when it is empty.
std::string checked_speaker(std::string_view name);

}  // namespace banter::data
