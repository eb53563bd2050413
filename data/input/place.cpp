#include "data/input/place.h"

#include "base/utf8.h"

namespace banter::data {

std::string Place::stream_text() const {
  auto text = base::printable(file, 1000);
  if (!member.empty()) text += ":" + base::printable(member, 200);
  return text;
}

std::string Place::text_in_stream() const {
  if (element != 0) return ":element " + std::to_string(element);
  return line != 0 ? ":" + std::to_string(line) : "";
}

}  // namespace banter::data
