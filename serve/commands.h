#pragma once

#include <string>
#include <vector>

/// The sub-commands that serve, and those that talk to what serves. Each takes the arguments behind
/// its name, returns an exit code and throws base::Error.
namespace banter::serve {

int run_serve(const std::vector<std::string>& arguments);
int run_replay(const std::vector<std::string>& arguments);

/// `banter chat` with `--server` among its arguments.
int run_remote_chat(const std::vector<std::string>& arguments);
int run_bench_serve(const std::vector<std::string>& arguments);

}  // namespace banter::serve
