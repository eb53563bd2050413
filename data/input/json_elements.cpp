#include "data/input/json_elements.h"

#include <algorithm>
#include <utility>

#include "data/input/lines.h"

namespace banter::data {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool opens(char c) { return c == '[' || c == '{'; }
bool closes(char c) { return c == ']' || c == '}'; }
bool ends_scalar(char c) { return c == ',' || closes(c) || is_space(c); }

/// How many bytes stand before the next one that means something: the rest of a scalar outside of
/// all brackets, what is between brackets and strings inside.
std::size_t plain_size(std::string_view bytes, bool is_inside) {
  const auto means = [](char c) { return c == '"' || opens(c) || closes(c); };
  const auto end =
      is_inside ? std::ranges::find_if(bytes, means)
                : std::ranges::find_if(bytes, [&](char c) { return means(c) || ends_scalar(c); });
  return static_cast<std::size_t>(end - bytes.begin());
}

/// Whether what stands behind `bytes` is escaped, where `was_escaped` says so of their first one.
bool escapes_next(std::string_view bytes, bool was_escaped) {
  const auto other = bytes.find_last_not_of('\\');
  const bool are_all = other == std::string_view::npos;
  const auto backslashes = are_all ? bytes.size() : bytes.size() - other - 1;
  return (backslashes % 2 == 1) != (are_all && was_escaped);
}

}  // namespace

JsonElements::JsonElements(InputStream& stream, std::size_t max_bytes, std::uint64_t max_depth)
    : stream_(stream), max_bytes_(max_bytes), max_depth_(max_depth) {
  skip_byte_order_mark(stream);
}

Place JsonElements::place() const {
  Place place = stream_.place();
  place.element = number_;
  return place;
}

void JsonElements::fail(const std::string& what) const {
  throw DamagedInput(stream_.place().text() + ": is not JSON: " + what + " at byte " +
                     std::to_string(stream_.offset()));
}

void JsonElements::fail_too_deep() const {
  throw DamagedInput(place().text() + ": JSON is nested deeper than data.max_json_depth at byte " +
                     std::to_string(stream_.offset()));
}

int JsonElements::peek_byte() {
  for (;;) {
    const auto chunk = stream_.chunk();
    if (chunk.empty()) return -1;
    std::size_t spaces = 0;
    while (spaces < chunk.size() && is_space(chunk[spaces])) ++spaces;
    stream_.consume(spaces);
    if (spaces < chunk.size()) return static_cast<unsigned char>(chunk[spaces]);
  }
}

void JsonElements::keep(std::string_view bytes) {
  if (too_long_) return;
  too_long_ = bytes.size() > max_bytes_ - element_.size();
  if (too_long_)
    element_.clear();
  else
    element_ += bytes;
}

/// Takes bytes that the stream shows and keeps them.
void JsonElements::take_and_keep(std::string_view bytes) {
  keep(bytes);
  stream_.consume(bytes.size());
}

void JsonElements::begin() {
  const int open = peek_byte();
  if (open != '[' && open != '{') fail("expected [ or {");
  close_ = open == '[' ? ']' : '}';
  take();
}

/// Keeps a string with its quotes. False when the document ends in it.
bool JsonElements::read_string() {
  take_and_keep(stream_.chunk().substr(0, 1));
  for (bool escaped = false;;) {
    const auto chunk = stream_.chunk();
    if (chunk.empty()) return false;
    const auto size = std::min(chunk.find('"'), chunk.size());
    escaped = escapes_next(chunk.substr(0, size), escaped);
    const bool has_quote = size < chunk.size();
    take_and_keep(chunk.substr(0, has_quote ? size + 1 : size));
    if (has_quote && !std::exchange(escaped, false)) return true;
  }
}

/// Keeps one value. False when the document ends in it.
bool JsonElements::read_value() {
  std::uint64_t depth = 0;
  for (bool any = false;; any = true) {
    const auto chunk = stream_.chunk();
    if (chunk.empty()) return false;
    const auto size = plain_size(chunk, depth > 0);
    take_and_keep(chunk.substr(0, size));
    if (size == chunk.size()) continue;
    const char c = chunk[size];
    if (depth == 0 && ends_scalar(c)) {
      if (any || size > 0) return true;
      fail("expected a value");
    }
    if (c == '"') {
      if (!read_string()) return false;
    } else {
      take_and_keep(chunk.substr(size, 1));
      if (opens(c) && ++depth > max_depth_) fail_too_deep();
      if (closes(c)) --depth;
    }
    if (depth == 0 && !opens(c)) return true;
  }
}

bool JsonElements::next() {
  if (ended_) return false;
  element_.clear();
  too_long_ = false;
  int byte = 0;
  if (close_ == 0) {
    begin();
    byte = peek_byte();
  } else {
    byte = peek_byte();
    if (byte == ',') {
      take();
      byte = peek_byte();
      if (byte == close_) fail("a comma before the closing bracket");
    } else if (byte != close_ && byte != -1) {
      fail("expected a comma or the closing bracket");
    }
  }
  if (byte == -1 || byte == close_) {
    ended_ = true;
    cut_ = byte == -1;
    if (byte == close_) {
      take();
      if (peek_byte() != -1) fail("something behind the end of the document");
    }
    return false;
  }
  ++number_;
  bool whole = true;
  if (close_ == '}') {
    if (byte != '"') fail("expected a key");
    keep("{");
    whole = read_string();
    if (whole) {
      byte = peek_byte();
      if (byte != ':' && byte != -1) fail("expected a colon");
      whole = byte == ':';
    }
    if (whole) {
      take();
      keep(":");
      whole = peek_byte() != -1;
    }
  }
  whole = whole && read_value();
  if (close_ == '}') keep("}");
  if (!whole) {
    ended_ = cut_ = true;
    element_.clear();
  }
  return true;
}

}  // namespace banter::data
