#include "data/input/lines.h"

namespace banter::data {

void skip_byte_order_mark(InputStream& stream) {
  if (stream.offset() == 0 && stream.peek(3) == "\xEF\xBB\xBF") stream.consume(3);
}

std::string_view take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  auto line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::vector<std::string_view> split_at(char mark, std::string_view text) {
  std::vector<std::string_view> pieces;
  for (auto end = text.find(mark); end != std::string_view::npos; end = text.find(mark)) {
    pieces.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  pieces.push_back(text);
  return pieces;
}

LineReader::LineReader(InputStream& stream, std::size_t max_bytes)
    : stream_(stream), max_bytes_(max_bytes) {
  skip_byte_order_mark(stream);
}

bool LineReader::next() {
  line_ = {};
  joined_.clear();
  too_long_ = false;
  bool any = false;
  for (bool is_whole = false; !is_whole;) {
    const auto chunk = stream_.chunk();
    if (chunk.empty()) break;
    any = true;
    const auto end = chunk.find('\n');
    is_whole = end != std::string_view::npos;
    take(chunk.substr(0, end), is_whole);
    stream_.consume(is_whole ? end + 1 : chunk.size());
  }
  if (!any) return false;
  if (line_.ends_with('\r')) line_.remove_suffix(1);
  ++number_;
  return true;
}

/// Adds to the line. Only a line in one piece is used where it lies.
void LineReader::take(std::string_view part, bool is_last) {
  if (too_long_ || joined_.size() + part.size() > max_bytes_) {
    too_long_ = true;
    line_ = {};
  } else if (is_last && joined_.empty()) {
    line_ = part;
  } else {
    joined_ += part;
    line_ = joined_;
  }
}

Place LineReader::place() const {
  Place place = stream_.place();
  place.line = number_;
  return place;
}

}  // namespace banter::data
