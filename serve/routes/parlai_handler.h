#pragma once

#include <memory>

#include "serve/routes/chat_handler.h"

namespace banter::serve {

/// A connection that speaks ParlAI's JSON: in `{"id"?, "text"}`, out `{"text"}`, whole replies.
/// `begin` opens a conversation, `[RESET]` begins it anew, `[DONE]` and `EXIT` end the connection.
/// One session a connection, not to be resumed, deleted with it. `hub` must outlive it.
/// Source   ParlAI's chat service over WebSocket (parlai/chat_service/services/websocket)
std::unique_ptr<FrameHandler> make_parlai_handler(Hub& hub, const Caller& caller);

}  // namespace banter::serve
