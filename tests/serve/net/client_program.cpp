// `banter chat --server` and `banter bench-serve` without LibTorch: the commands as they are.
#include <iostream>
#include <string>
#include <vector>

#include "base/errors.h"
#include "base/signals.h"
#include "serve/commands.h"

int main(int argc, char** argv) {
  try {
    banter::base::install_stop_signals();
    std::vector<std::string> arguments(argv + 1, argv + argc);
    const auto name = arguments.empty() ? "" : arguments.front();
    if (!arguments.empty()) arguments.erase(arguments.begin());
    if (name == "chat") return banter::serve::run_remote_chat(arguments);
    if (name == "bench-serve") return banter::serve::run_bench_serve(arguments);
    throw banter::base::UsageError("chat or bench-serve");
  } catch (const banter::base::Error& error) {
    std::cerr << "banter: " << error.what() << "\n";
    return error.exit_code();
  }
}
