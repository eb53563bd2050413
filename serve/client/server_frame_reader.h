#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "serve/protocol/server_frame.h"

namespace banter::serve {

/// A frame of a server with its number.
struct NumberedFrame {
  std::int64_t seq = 0;
  std::optional<ServerFrame> frame{};  ///< nothing: of a type that this client does not know
};

/// Whether frames of this kind carry the last number instead of a new one.
bool repeats_seq(const ServerFrame& frame);

/// Reads the text of a server's frame: what `server_frame_text` writes, back to plain structs.
/// Fields that are not known are passed over, as servers of later versions have more of them.
/// `limits`: those of the last `ready`, to which its `session.updated` are held.
///
/// Throws   DataError naming the field and its rule when the text is no such frame; nothing of the
///          text is in the message
NumberedFrame read_server_frame(std::string_view text, const DecodeLimits& limits = {});

}  // namespace banter::serve
