#include "train/metrics/texts/word_vectors.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "data/input/lines.h"

namespace banter::train {
namespace {

constexpr std::string_view kSpace = " \t";

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

/// The first field, taken off the front of `rest`.
std::string_view take_field(std::string_view& rest) {
  const auto end = std::min(rest.find_first_of(kSpace), rest.size());
  const auto field = rest.substr(0, end);
  rest = trimmed(rest.substr(end));
  return field;
}

template <typename Number>
std::optional<Number> number_of(std::string_view field) {
  Number number{};
  const auto [end, error] = std::from_chars(field.begin(), field.end(), number);
  if (error != std::errc() || end != field.end()) return std::nullopt;
  return number;
}

std::size_t count_fields(std::string_view text) {
  std::size_t fields = 0;
  while (!text.empty()) {
    take_field(text);
    ++fields;
  }
  return fields;
}

/// Whether all fields are numbers; if not, what stands in front of them is part of a word.
bool are_numbers(std::string_view fields) {
  while (!fields.empty())
    if (!number_of<double>(take_field(fields))) return false;
  return true;
}

/// The line `WORDS DIMENSIONS` that word2vec writes above the vectors.
struct Header {
  std::uint64_t words = 0;
  std::size_t dimensions = 0;

  static std::optional<Header> from(std::string_view line) {
    auto rest = trimmed(line);
    const auto words = number_of<std::uint64_t>(take_field(rest));
    const auto dimensions = number_of<std::size_t>(rest);
    if (!words || !dimensions) return std::nullopt;
    return Header{*words, *dimensions};
  }
};

/// Whether bytes cannot stand in a line of text.
bool is_binary(std::string_view line) {
  const auto is_control = [](char c) { return c >= 0 && c < ' ' && c != '\t'; };
  return base::first_bad_utf8(line) || std::ranges::any_of(line, is_control);
}

/// What a file that is known by its first bytes is, and what to do; "" for what may be text.
std::string_view packed_form(std::string_view text) {
  if (text.starts_with("\x1F\x8B")) return "is packed (gzip): unpack it first";
  if (text.starts_with("\xBA\x16\x4F\x2F"))
    return "is a model of fastText (.bin): give the text file beside it (.vec)";
  return "";
}

/// Why a line is no vector.
std::string fault_of(std::string_view line, std::size_t fields, std::size_t dimensions,
                     bool is_below_header) {
  if (is_below_header && is_binary(line))
    return "is in word2vec's binary form: write it as text (word2vec -binary 0, or gensim's "
           "save_word2vec_format(FILE, binary=False))";
  return "has " + std::to_string(fields) + " numbers behind its word, expected " +
         std::to_string(dimensions) + " as the first line has it";
}

}  // namespace

void WordVectors::keep(std::string_view word, std::string_view numbers, const std::string& where) {
  if (!places_.try_emplace(std::string(word), places_.size()).second) return;
  while (!numbers.empty()) {
    const auto field = take_field(numbers);
    const auto number = number_of<double>(field);  // what is too small for 32 bits is 0
    if (!number || !(std::abs(*number) <= std::numeric_limits<float>::max()))
      throw base::DataError(where + "\"" + base::printable(field) +
                            "\" is no finite number (32 bits): the vector is damaged");
    values_.push_back(static_cast<float>(*number));
  }
}

WordVectors WordVectors::read(const std::filesystem::path& path,
                              const std::unordered_set<std::string>& wanted) {
  const base::MappedFile file(path);
  return from_text(file.text(), base::printable(path.string(), 1000), wanted);
}

void WordVectors::check(const std::filesystem::path& path) {
  const base::MappedFile file(path);
  auto rest = file.text();
  std::string lines(data::take_line(rest));
  auto vector = lines;
  if (const auto header = Header::from(trimmed(lines)); header && !rest.empty()) {
    vector = data::take_line(rest);
    lines = "1 " + std::to_string(header->dimensions) + "\n" + vector;
  }
  std::string_view fields = vector;
  from_text(lines, base::printable(path.string(), 1000), {std::string(take_field(fields))});
}

WordVectors WordVectors::from_text(std::string_view text, const std::string& name,
                                   const std::unordered_set<std::string>& wanted) {
  if (const auto form = packed_form(text); !form.empty())
    throw base::DataError(name + ": " + std::string(form));
  WordVectors vectors;
  std::optional<Header> header;
  std::uint64_t number = 0;
  for (auto rest = text; !rest.empty();) {
    const auto line = trimmed(data::take_line(rest));
    const auto where = [&] { return name + ":" + std::to_string(number) + ": "; };
    if (++number == 1 && (header = Header::from(line))) {
      if (header->dimensions == 0)
        throw base::DataError(where() + "says that vectors have 0 numbers");
      vectors.dimensions_ = header->dimensions;
      continue;
    }
    if (number % 4096 == 0) base::throw_if_stopped();
    auto numbers = line;
    const auto word = take_field(numbers);
    const auto fields = count_fields(numbers);
    if (number == 1) vectors.dimensions_ = fields;
    const bool has_spaces = fields > vectors.dimensions_ && number > 1 && !are_numbers(numbers);
    if (fields == 0 || (fields != vectors.dimensions_ && !has_spaces))
      throw base::DataError(
          where() + fault_of(line, fields, vectors.dimensions_, header.has_value() && number == 2));
    ++vectors.lines_;
    if (!has_spaces && wanted.contains(std::string(word))) vectors.keep(word, numbers, where());
  }
  if (header && header->words != vectors.lines_)
    throw base::DataError(name + ": has " + std::to_string(vectors.lines_) +
                          " words, and its first line says " + std::to_string(header->words) +
                          ": it is cut or damaged");
  if (vectors.lines_ == 0)
    throw base::DataError(name + ": holds no vector: expected a word and its numbers a line");
  vectors.hash_ = base::sha256_hex(text);
  return vectors;
}

std::span<const float> WordVectors::find(std::string_view word) const {
  const auto found = places_.find(word);
  if (found == places_.end()) return {};
  return std::span(values_).subspan(found->second * dimensions_, dimensions_);
}

}  // namespace banter::train
