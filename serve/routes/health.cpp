#include "serve/routes/health.h"

#include <string>
#include <utility>

namespace banter::serve {
namespace {

Task<Response> healthy(Request /*request*/) { co_return text_response("ok\n"); }

Task<Response> ready(Hub* hub, std::chrono::milliseconds watchdog) {
  const auto failed = failed_check(*hub, watchdog);
  if (failed.empty()) co_return text_response("ready\n");
  throw HttpError(503, "not ready: " + std::string(failed), {{"Retry-After", "1"}}, "",
                  std::string(failed));
}

}  // namespace

std::string_view failed_check(Hub& hub, std::chrono::milliseconds watchdog) {
  if (hub.is_draining()) return "draining";
  if (!hub.model()) return "loading";
  if (!hub.archive().state().is_writable) return "archive";
  if (hub.engine_state().silent > watchdog) return "engine";
  return "";
}

void add_health_routes(Router& router, Hub& hub, std::chrono::milliseconds watchdog) {
  router.add(
      Route{.method = "GET", .path = "/healthz", .access = Access::kOpen, .handler = &healthy});
  router.add(Route{.method = "GET",
                   .path = "/readyz",
                   .access = Access::kOpen,
                   .handler = [&hub, watchdog](const Request&) { return ready(&hub, watchdog); }});
}

}  // namespace banter::serve
