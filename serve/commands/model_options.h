#pragma once

#include <string>

#include "configs/command_line.h"
#include "serve/sessions/served_run.h"

namespace banter::serve {

/// Adds the options that say which models answer and judge: those that decide what replies are.
/// What a server answered under some of them is made again under the same.
void add_model_options(CLI::App& app, ServedRun& served);

/// Where the conversations of a run are, unless somebody says otherwise.
std::string usual_archive(const std::string& run);

}  // namespace banter::serve
