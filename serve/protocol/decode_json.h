#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "serve/protocol/decode_settings.h"
#include "serve/protocol/json_writer.h"

/// `decode` in JSON, both ways: in frames, and in the fields that the OpenAI route shares.
namespace banter::serve {

/// Adds one field's value to a change; `shown_name` is what the client calls it ("max_tokens").
/// null takes it back to the default. Where a list of texts stands, one text is a list of one.
/// Requires a field of the table
/// Throws   RequestError with the shown name when the value is not in the field's range
void read_decode_field(DecodeChange& change, std::string_view field,
                       const boost::json::value& value, const std::string& shown_name,
                       const DecodeLimits& limits);

/// All fields of the table that an object has, in the table's order; others are ignored. `path`
/// stands before the names in errors.
/// Throws   RequestError as above
DecodeChange read_decode(const boost::json::object& object, std::string_view path,
                         const DecodeLimits& limits);

/// The fields of an object with the change: what `read_decode` reads back to an equal one.
void write_fields(JsonWriter& writer, const DecodeChange& change);

/// The values in effect, null where there is none. Laid over any defaults they are these again, so
/// this is also how an archive keeps them.
void write_fields(JsonWriter& writer, const DecodeSettings& settings);

/// Settings as an archive keeps them, and back: those in effect, whatever the defaults are now.
/// Throws   RequestError when the text is no object of such fields, or a value is out of its range
std::string decode_text(const DecodeSettings& settings);
DecodeSettings read_decode_text(std::string_view text, const DecodeLimits& limits);

/// What a server offers: of every field its default and its range.
struct DecodeOffer {
  DecodeSettings defaults;
  DecodeLimits limits;
};
void write_fields(JsonWriter& writer, const DecodeOffer& offer);

}  // namespace banter::serve
