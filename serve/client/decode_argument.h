#pragma once

#include <string_view>

#include "serve/protocol/decode_settings.h"

namespace banter::serve {

/// Adds to a change what `NAME=VALUE` says of a field of `decode`: a number or a word as it is, a
/// text or one of several (a list in JSON: `stop=["a", "b"]`); `NAME=default` takes the field back
/// to the server's.
/// Throws   UsageError naming the field and its rule, or the nearest name
void add_decode_argument(DecodeChange& change, std::string_view setting,
                         const DecodeLimits& limits);

}  // namespace banter::serve
