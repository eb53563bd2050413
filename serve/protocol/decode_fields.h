#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "serve/protocol/decode_settings.h"

/// The one table of the fields of `decode`: what reads them, what refuses them and what tells a
/// client of them are made from it.
namespace banter::serve {

struct WholeRange {
  std::int64_t min, max;
};
struct RealRange {
  double min, max;
  bool above_min = false;  ///< min itself is left out
};
struct Words {
  std::vector<std::string> choices;
};
struct TextRange {
  std::int64_t max_chars;  ///< code points
};
struct TextsRange {
  std::int64_t max_texts, max_chars;
  bool blank;  ///< whether a text of white space alone can stand there
};
/// What values a field can have.
using DecodeRange = std::variant<WholeRange, RealRange, Words, TextRange, TextsRange>;

/// Where a field's value stands in the settings.
using DecodeMember =
    std::variant<std::int64_t models::DecodingOptions::*, double models::DecodingOptions::*,
                 std::vector<std::string> models::DecodingOptions::*,
                 std::int64_t DecodeSettings::*, std::optional<std::int64_t> DecodeSettings::*,
                 std::string DecodeSettings::*>;

struct DecodeField {
  std::string_view name;
  DecodeMember member;
  DecodeRange (*range)(const DecodeLimits& limits);
};

/// All of them, in the order in which they are shown.
std::span<const DecodeField> decode_fields();

/// The field of this name, or null.
const DecodeField* decode_field(std::string_view name);

/// The rule behind "must be" in an error: "a whole number from 1 to 16".
std::string rule_of(const DecodeRange& range);

/// Whether a value is of the range's kind and in it.
bool is_within(const DecodeRange& range, const DecodeValue& value);

/// The value in effect, or nothing for a field that is not set (`seed`, `best_of`).
std::optional<DecodeValue> value_of(const DecodeSettings& settings, const DecodeField& field);

/// Requires a value of the field's kind; nothing only where the field can be without one.
void set_value(DecodeSettings& settings, const DecodeField& field,
               const std::optional<DecodeValue>& value);

}  // namespace banter::serve
