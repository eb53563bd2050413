#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/signals.h"
#include "data/commands.h"

/// Runs the tests; or, for those that measure memory or stop it, one `prepare` in a process of its
/// own, whose answer is its largest resident set in KiB.
int main(int argc, char** argv) {
  if (const char* recipe = std::getenv("BANTER_TEST_PREPARE"); recipe != nullptr) {
    banter::base::install_stop_signals();
    int code = 0;
    try {
      code = banter::data::run_prepare({recipe, "--quiet"});
    } catch (const banter::base::Error& error) {
      std::cerr << error.what() << '\n';
      return error.exit_code();
    }
    // Not getrusage: that starts from the peak of the process this one was started by.
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;)
      if (word == "VmHWM:") std::cout << "peak " << (status >> word, word) << '\n';
    return code;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
