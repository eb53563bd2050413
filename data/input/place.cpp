#include "data/input/place.h"

#include "base/utf8.h"

namespace banter::data {

std::string Place::text() const {
  std::string text = base::printable(file, 1000);
  if (!member.empty()) text += ":" + base::printable(member, 200);
  if (element != 0)
    text += ":element " + std::to_string(element);
  else if (line != 0)
    text += ":" + std::to_string(line);
  return text;
}

}  // namespace banter::data
