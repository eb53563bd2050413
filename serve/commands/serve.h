#pragma once

#include <string>
#include <vector>

#include "serve/sessions/served_run.h"

namespace banter::serve {

/// `banter serve`, by models that `load` makes.
int serve(const std::vector<std::string>& arguments, const LoadModel& load);

}  // namespace banter::serve
