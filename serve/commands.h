#pragma once

#include <string>
#include <vector>

/// The sub-commands of serving. Each takes the arguments behind its name, returns an exit code and
/// throws base::Error.
namespace banter::serve {

int run_serve(const std::vector<std::string>& arguments);
int run_replay(const std::vector<std::string>& arguments);

}  // namespace banter::serve
