#pragma once

#include <functional>

#include "serve/net/router.h"

namespace banter::serve {

/// What an operator can ask for.
struct AdminCalls {
  std::function<void()> reload, drain;
};

/// Adds `POST /admin/reload` and `POST /admin/drain`, 202: what they begin goes on behind the
/// answer. Without tokens nobody may use them (403): every page in a browser can send a request to
/// loopback.
void add_admin_routes(Router& router, bool has_tokens, AdminCalls calls);

}  // namespace banter::serve
