#pragma once

#include <filesystem>

#include "serve/net/router.h"
#include "serve/sessions/hub.h"

namespace banter::serve {

/// Adds `GET /v1/run`: what is served, how far its training is, and the names of its curves;
/// `GET /v1/run/curves?names=NAME&names=...&after=STEP`: their points `[step, minutes, value]`, at
/// most 2,000 each, with an ETag; and `GET /v1/run/samples?after=STEP&before=STEP`: what it
/// answered at its validations between the two, the newest 10 first, whether there are `more`, and
/// how often the log was cut back (`rewrites`): then what was told before may be told otherwise.
/// All of it is from `log.jsonl` in the run folder. `hub` must outlive the router.
void add_run_routes(Router& router, Hub& hub, const std::filesystem::path& run);

}  // namespace banter::serve
