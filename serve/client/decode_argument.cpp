#include "serve/client/decode_argument.h"

#include <string>
#include <variant>
#include <vector>

#include "base/errors.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "serve/protocol/decode_fields.h"
#include "serve/protocol/decode_json.h"
#include "serve/protocol/request_error.h"

namespace banter::serve {
namespace {

namespace json = boost::json;

constexpr std::string_view kDefault = "default";

/// The value as JSON has it for a field of this range.
json::value value_of(const std::string& text, const DecodeRange& range) {
  if (text == kDefault) return nullptr;
  const bool is_number =
      std::holds_alternative<WholeRange>(range) || std::holds_alternative<RealRange>(range);
  const bool is_list = std::holds_alternative<TextsRange>(range) && text.starts_with('[');
  if (!is_number && !is_list) return json::string(text);
  try {
    return base::parse_json(text, "value", 2);
  } catch (const base::DataError&) {  // the field's rule tells more
    return json::string(text);
  }
}

}  // namespace

void add_decode_argument(DecodeChange& change, std::string_view setting,
                         const DecodeLimits& limits) {
  const auto equals = setting.find('=');
  if (equals == std::string_view::npos || equals == 0)
    throw base::UsageError("a setting needs NAME=VALUE, as in strategy=sample");
  const std::string name(setting.substr(0, equals)), text(setting.substr(equals + 1));
  const auto* field = decode_field(name);
  if (field == nullptr) {
    std::vector<std::string> known;
    for (const auto& one : decode_fields()) known.emplace_back(one.name);
    throw base::UsageError(base::printable(name) + " is no field of decode; the nearest one is " +
                           base::nearest_word(name, known));
  }
  try {
    read_decode_field(change, name, value_of(text, field->range(limits)), name, limits);
  } catch (const RequestError& error) {
    change.fields.pop_back();
    throw base::UsageError(error.what());
  }
}

}  // namespace banter::serve
