#include "base/allocator.h"

#include <cstddef>
#include <memory>

#include <gtest/gtest.h>

namespace banter::tests {
namespace {

TEST(AllocatorTest, CountsWhatIsAllocatedUntilItIsFreed) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer's malloc does not say what is allocated";
#endif
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer's malloc does not say what is allocated";
#endif
  constexpr std::size_t kBytes = 8u << 20, kRest = 1u << 20;
  const auto before = base::allocated_bytes();
  auto block = std::make_unique<char[]>(kBytes);
  EXPECT_GE(base::allocated_bytes(), before + kBytes);
  block.reset();
  EXPECT_LT(base::allocated_bytes(), before + kRest);
}

}  // namespace
}  // namespace banter::tests
