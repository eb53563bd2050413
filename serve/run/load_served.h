#pragma once

#include <memory>

#include "serve/sessions/served_run.h"

namespace banter::serve {

/// Loads the model of a run and warms it up: a LoadModel.
/// Throws   CheckpointError; UsageError, ConfigError when runs or settings do not go together
std::shared_ptr<const ServedModel> load_served(const ServedRun& served, const DecodeLimits& limits);

}  // namespace banter::serve
