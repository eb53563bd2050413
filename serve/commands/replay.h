#pragma once

#include <string>
#include <vector>

#include "serve/sessions/served_run.h"

namespace banter::serve {

/// `banter replay`, by models that `load` makes.
int replay(const std::vector<std::string>& arguments, const LoadModel& load);

}  // namespace banter::serve
