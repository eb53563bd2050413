#pragma once

#include <memory>

#include "serve/net/router.h"
#include "serve/net/service.h"
#include "serve/sessions/hub.h"

namespace banter::serve {

/// Adds `GET /metrics`, in Prometheus' text form. Labels are words of ours alone. `hub` must
/// outlive the router.
void add_metrics_routes(Router& router, Hub& hub, std::shared_ptr<const Service> service);

}  // namespace banter::serve
