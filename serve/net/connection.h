#pragma once

#include <memory>
#include <string>

#include "serve/net/asio.h"
#include "serve/net/router.h"
#include "serve/net/service.h"
#include "serve/net/stream.h"

namespace banter::serve {

/// Answers a handshake that `check_handshake` took and runs the WebSocket to its end: one read
/// pending, one write in flight, a bounded outbox, every wait with a deadline.
/// `rest`: bytes behind the handshake that were read already. Never throws. On the stream's strand.
Task<void> run_websocket(std::shared_ptr<Service> service, std::unique_ptr<Stream> stream,
                         Request request, const SocketRoute* route, std::string rest);

}  // namespace banter::serve
