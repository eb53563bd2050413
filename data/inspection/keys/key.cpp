#include "data/inspection/keys/key.h"

#include <xxhash.h>

namespace banter::data {

Key key_of(std::string_view text) {
  const auto hash = XXH3_128bits(text.data(), text.size());
  return {hash.high64, hash.low64};
}

}  // namespace banter::data
