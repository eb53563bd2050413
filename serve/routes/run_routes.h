#pragma once

#include <filesystem>

#include "serve/net/router.h"
#include "serve/sessions/hub.h"

namespace banter::serve {

/// Adds `GET /v1/run`: what is served, and the names of the curves of its training; and
/// `GET /v1/run/curves?names=NAME&names=...&after=STEP`: their points `[step, minutes, value]`, at
/// most 2,000 each, from `log.jsonl` in the run folder, with an ETag. `hub` must outlive the
/// router.
void add_run_routes(Router& router, Hub& hub, const std::filesystem::path& run);

}  // namespace banter::serve
