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

LineReader::LineReader(InputStream& stream, std::size_t max_bytes)
    : stream_(stream), max_bytes_(max_bytes) {
  skip_byte_order_mark(stream);
}

bool LineReader::next() {
  line_.clear();
  too_long_ = false;
  bool any = false;
  for (;;) {
    const auto chunk = stream_.chunk();
    if (chunk.empty()) break;
    any = true;
    const auto end = chunk.find('\n');
    const auto part = chunk.substr(0, end);
    if (!too_long_ && line_.size() + part.size() > max_bytes_) {
      too_long_ = true;
      line_.clear();
    }
    if (!too_long_) line_.append(part);
    if (end != std::string_view::npos) {
      stream_.consume(end + 1);
      break;
    }
    stream_.consume(chunk.size());
  }
  if (!any) return false;
  if (line_.ends_with('\r')) line_.pop_back();
  ++number_;
  return true;
}

Place LineReader::place() const {
  Place place = stream_.place();
  place.line = number_;
  return place;
}

}  // namespace banter::data
