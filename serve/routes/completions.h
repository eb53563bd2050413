#pragma once

#include "serve/net/router.h"
#include "serve/sessions/hub.h"

namespace banter::serve {

/// Adds the routes of OpenAI's shape: `POST /v1/chat/completions`, `POST /v1/completions`, plain
/// and as server-sent events, `GET /v1/models` and `GET /v1/models/{id}`. Nothing of them is kept:
/// a client that leaves ends its turn. `hub` must outlive the router.
void add_completion_routes(Router& router, Hub& hub);

}  // namespace banter::serve
