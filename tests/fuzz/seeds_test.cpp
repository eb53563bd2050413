#include <cstdint>
#include <filesystem>

#include <gtest/gtest.h>

#include "base/files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace banter::tests {
namespace {

void run(std::string_view input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

TEST(SeedsTest, TheTargetKeepsItsPromiseOnEverySeedAndEveryPrefixOfOne) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(BANTER_SEEDS)) {
    const auto seed = base::read_file(entry.path());
    for (std::size_t size = 0; size <= seed.size(); ++size) run(seed.substr(0, size));
    ++count;
  }
  EXPECT_GE(count, 5u) << BANTER_SEEDS;
}

}  // namespace
}  // namespace banter::tests
