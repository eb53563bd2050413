#pragma once

#include <memory>
#include <string>

#include "serve/net/frames.h"
#include "serve/net/tokens.h"
#include "serve/sessions/hub.h"

namespace banter::serve {

/// Who opened a connection.
struct Caller {
  std::string user;     ///< the name of the bearer token of its header, "" without one
  std::string address;  ///< "" on a Unix socket
};

/// One connection of chat.v1: reads its frames, lets it in, and stands for it at its session.
/// `tokens`: null where nobody is asked for one. `hub` must outlive it.
std::unique_ptr<FrameHandler> make_chat_handler(Hub& hub, std::shared_ptr<const Tokens> tokens,
                                                const Caller& caller);

}  // namespace banter::serve
