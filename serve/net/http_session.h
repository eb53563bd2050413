#pragma once

#include <memory>
#include <string>

#include "serve/net/asio.h"
#include "serve/net/service.h"
#include "serve/net/site.h"
#include "serve/net/stream.h"

namespace banter::serve {

/// Speaks HTTP/1.1 on an accepted stream until it ends or becomes a WebSocket, which is then run
/// to its end. `peer`: its address, "" on a Unix socket. Never throws. On the stream's strand.
Task<void> run_http(std::shared_ptr<Service> service, std::shared_ptr<const Site> site,
                    std::unique_ptr<Stream> stream, std::string peer);

}  // namespace banter::serve
