#pragma once

#include <chrono>

#include "serve/net/router.h"
#include "serve/sessions/hub.h"

namespace banter::serve {

/// Adds `GET /healthz`: 200 as long as the network's threads turn, and `GET /readyz`: 200 when
/// turns can be answered, else 503 with the name of the first check that failed: `draining`,
/// `loading`, `archive`, `engine` (silent for longer than `watchdog`, although it has something to
/// do). `hub` must outlive the router.
void add_health_routes(Router& router, Hub& hub, std::chrono::milliseconds watchdog);

/// The name of the check of `readyz` that fails, or "".
std::string_view failed_check(Hub& hub, std::chrono::milliseconds watchdog);

}  // namespace banter::serve
