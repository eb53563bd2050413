#include "data/input/json_elements.h"

#include "data/input/lines.h"

namespace banter::data {
namespace {
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
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

void JsonElements::keep(char c) {
  if (too_long_) return;
  element_ += c;
  if (element_.size() > max_bytes_) {
    too_long_ = true;
    element_.clear();
  }
}

void JsonElements::begin() {
  const int open = peek_byte();
  if (open != '[' && open != '{') fail("expected [ or {");
  close_ = open == '[' ? ']' : '}';
  take();
}

/// Keeps a string with its quotes. False when the document ends in it.
bool JsonElements::read_string() {
  bool escaped = false;
  for (bool first = true;; first = false) {
    const auto chunk = stream_.chunk();
    if (chunk.empty()) return false;
    const char c = chunk.front();
    take();
    keep(c);
    if (first) continue;
    if (escaped)
      escaped = false;
    else if (c == '\\')
      escaped = true;
    else if (c == '"')
      return true;
  }
}

/// Keeps one value. False when the document ends in it.
bool JsonElements::read_value() {
  std::uint64_t depth = 0;
  for (bool any = false;; any = true) {
    const auto chunk = stream_.chunk();
    if (chunk.empty()) return false;
    const char c = chunk.front();
    const bool ends = c == ',' || c == ']' || c == '}' || is_space(c);
    if (depth == 0 && any && ends) return true;
    if (depth == 0 && !any && ends) fail("expected a value");
    if (c == '"') {
      if (!read_string()) return false;
    } else {
      take();
      keep(c);
      if ((c == '[' || c == '{') && ++depth > max_depth_) fail_too_deep();
      if (c == ']' || c == '}') --depth;
    }
    if (depth == 0 && (c == '"' || c == ']' || c == '}')) return true;
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
    keep('{');
    whole = read_string();
    if (whole) {
      byte = peek_byte();
      if (byte != ':' && byte != -1) fail("expected a colon");
      whole = byte == ':';
    }
    if (whole) {
      take();
      keep(':');
      whole = peek_byte() != -1;
    }
  }
  whole = whole && read_value();
  if (close_ == '}') keep('}');
  if (!whole) {
    ended_ = cut_ = true;
    element_.clear();
  }
  return true;
}

}  // namespace banter::data
