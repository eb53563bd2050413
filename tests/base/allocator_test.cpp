#include "base/allocator.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "base/memory.h"

namespace banter::tests {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kOwnAllocator = false;
#else
constexpr bool kOwnAllocator = true;
#endif

TEST(AllocatorTest, CountsWhatIsAllocatedUntilItIsFreed) {
  if (!kOwnAllocator) GTEST_SKIP() << "a sanitizer's malloc does not say what is allocated";
  constexpr std::size_t kBytes = 8u << 20, kRest = 1u << 20;
  const auto before = base::allocated_bytes();
  auto block = std::make_unique<char[]>(kBytes);
  EXPECT_GE(base::allocated_bytes(), before + kBytes);
  block.reset();
  EXPECT_LT(base::allocated_bytes(), before + kRest);
}

constexpr std::size_t kAll = 64u << 20;

/// Resident memory that blocks of `size` bytes, kAll together, add, and what of it stays behind
/// them.
struct Growth {
  std::int64_t with_blocks = 0, behind_them = 0;
};

template <typename Behind>
Growth growth_by(std::size_t size, Behind behind) {
  Growth growth;
  const auto before = base::resident_memory();
  std::vector<std::unique_ptr<char[]>> blocks(kAll / size);
  for (auto& block : blocks) {
    block = std::make_unique_for_overwrite<char[]>(size);
    std::fill_n(block.get(), size, 'x');
  }
  growth.with_blocks = base::resident_memory() - before;
  blocks.clear();
  behind();
  growth.behind_them = base::resident_memory() - before;
  return growth;
}

TEST(AllocatorTest, GivesBackWhatIsFreeOfSmallAndOfLargeBlocks) {
  if (!kOwnAllocator) GTEST_SKIP() << "a sanitizer's malloc keeps what is freed";
  for (const std::size_t size : {std::size_t{200}, std::size_t{20'000}, std::size_t{16} << 20}) {
    const auto growth = growth_by(size, base::give_back_free_memory);
    EXPECT_GT(growth.with_blocks, std::int64_t{kAll} * 3 / 4) << size;
    EXPECT_LT(growth.behind_them, std::int64_t{kAll} / 8) << size;
  }
}

TEST(AllocatorTest, GivesBackBySelfWhatIsFreeForLonger) {
  if (!kOwnAllocator) GTEST_SKIP() << "a sanitizer's malloc keeps what is freed";
  base::give_back_memory_free_for(std::chrono::milliseconds(0));
  const auto growth = growth_by(20'000, [] {});
  EXPECT_GT(growth.with_blocks, std::int64_t{kAll} * 3 / 4);
  EXPECT_LT(growth.behind_them, std::int64_t{kAll} / 8);
}

}  // namespace
}  // namespace banter::tests
