#pragma once

#include <memory>

#include "serve/net/router.h"
#include "serve/net/tokens.h"
#include "serve/sessions/hub.h"

namespace banter::serve {

/// Adds `GET /v1/chat`, the WebSocket of chat.v1, and `GET /websocket`, that of ParlAI's clients.
/// `tokens`: null where nobody is asked for one. `hub` must outlive the router.
void add_chat_routes(Router& router, Hub& hub, std::shared_ptr<const Tokens> tokens);

}  // namespace banter::serve
