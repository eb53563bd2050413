#include <cstdlib>
#include <iostream>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "data/commands.h"

/// Runs the tests; or, for the test that measures memory, one `prepare` in a process of its own,
/// whose answer is its largest resident set in KiB.
int main(int argc, char** argv) {
  if (const char* recipe = std::getenv("BANTER_TEST_PREPARE"); recipe != nullptr) {
    const int code = banter::data::run_prepare({recipe, "--quiet"});
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::cout << "peak " << usage.ru_maxrss << '\n';
    return code;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
