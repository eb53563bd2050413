#include "serve/protocol/json_writer.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/repaired_utf8.h"
#include "base/utf8.h"

namespace banter::serve {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

/// How a byte stands in a string: as itself (0), behind a backslash as this letter, or as \u00XX
/// ('u').
constexpr std::array<char, 256> escapes() {
  std::array<char, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = 'u';
  table['\b'] = 'b';
  table['\t'] = 't';
  table['\n'] = 'n';
  table['\f'] = 'f';
  table['\r'] = 'r';
  table['"'] = '"';
  table['\\'] = '\\';
  return table;
}
constexpr auto kEscapes = escapes();

void append_escaped(std::string& out, std::string_view text) {
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const char escape = kEscapes[byte];
    if (escape == 0) continue;
    out.append(text.substr(begin, at - begin));
    out += '\\';
    out += escape;
    if (escape == 'u') out += {'0', '0', kHex[byte >> 4U], kHex[byte & 15U]};
    begin = at + 1;
  }
  out.append(text.substr(begin));
}

template <typename Number>
void append_number(std::string& out, Number number) {
  std::array<char, 32> digits{};  // the longest double has 24
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

template <typename Real>
void append_real(std::string& out, Real number) {
  constexpr Real kExact = Real(std::uint64_t{1} << (std::is_same_v<Real, float> ? 24U : 53U));
  if (!std::isfinite(number)) {
    out += "null";
  } else if (std::abs(number) <= kExact && number == std::trunc(number)) {
    append_number(out, static_cast<std::int64_t>(number));
  } else {
    append_number(out, number);
  }
}

}  // namespace

void JsonWriter::separate() {
  if (!begins_) out_ += ',';
  begins_ = false;
}

void JsonWriter::raw(std::string_view word) {
  separate();
  out_ += word;
}

void JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  begins_ = true;
}

void JsonWriter::close(char bracket) {
  out_ += bracket;
  begins_ = false;
}

void JsonWriter::key(std::string_view name) {
  separate();
  out_ += '"';
  out_ += name;
  out_ += "\":";
  begins_ = true;
}

void JsonWriter::value(std::string_view text) {
  separate();
  out_ += '"';
  if (base::is_ascii(text) || !base::first_bad_utf8(text)) {
    append_escaped(out_, text);
  } else {
    append_escaped(out_, base::repaired_utf8(std::string(text)));
  }
  out_ += '"';
}

void JsonWriter::value(std::int64_t number) {
  separate();
  append_number(out_, number);
}

void JsonWriter::value(double number) {
  separate();
  append_real(out_, number);
}

void JsonWriter::value(float number) {
  separate();
  append_real(out_, number);
}

}  // namespace banter::serve
