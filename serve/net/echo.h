#pragma once

#include <memory>

#include "serve/net/router.h"
#include "serve/net/settings.h"

namespace banter::serve {

/// Settings under which the echo is run: messages as long and as many-framed as conformance suites
/// send them.
NetSettings echo_settings();

/// `GET /echo`: a WebSocket that sends back what it gets, text as text, binary as binary; no hello,
/// no Origin, no token. `GET /healthz` beside it.
std::shared_ptr<const Router> echo_router();

}  // namespace banter::serve
