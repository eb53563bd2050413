#include "base/repaired_utf8.h"

#include <string_view>

#include "base/utf8.h"
#include "base/utf8_sequence.h"

namespace banter::base {

std::string repaired_utf8(std::string text) {
  const auto bad = first_bad_utf8(text);
  if (!bad) return text;
  std::string out = text.substr(0, *bad);
  for (auto rest = std::string_view(text).substr(*bad); !rest.empty();) {
    const auto length = utf8_sequence_length(rest);
    out += length == 0 ? "\xEF\xBF\xBD" : rest.substr(0, length);
    rest.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace banter::base
