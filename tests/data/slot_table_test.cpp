#include "data/scratch/slot_table.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

using data::Slot;
using data::SlotTable;

std::uint64_t hash_of(std::uint64_t number) { return base::mix64(number) | 1U; }

std::uint64_t place_of(SlotTable& table, std::uint64_t number) {
  return table.find(hash_of(number), [&](const Slot& slot) { return slot.entry == number; });
}

TEST(SlotTableTest, FindsEverySlotInMemoryAndInItsFile) {
  const TemporaryFolder folder;
  constexpr std::uint64_t kInMemory = std::uint64_t{1} << 15;
  SlotTable table(folder.path(), kInMemory);
  constexpr std::uint64_t kMany = kInMemory + 1000;  // it grows twice in its file
  for (std::uint64_t number = 0; number < kMany; ++number) {
    if (number * 2 >= table.capacity()) table.grow();
    const auto place = place_of(table, number);
    ASSERT_EQ(table.read(place).hash, 0U) << number;
    table.write(place, {hash_of(number), number});
  }
  EXPECT_EQ(table.capacity(), kInMemory * 4);
  for (std::uint64_t number = 0; number < kMany; number += 7)
    ASSERT_EQ(table.read(place_of(table, number)).entry, number);
}

TEST(SlotTableTest, EqualHashesStandBesideEachOther) {
  const TemporaryFolder folder;
  SlotTable table(folder.path());
  for (std::uint64_t entry = 0; entry < 100; ++entry)
    table.write(table.find(7, [&](const Slot& slot) { return slot.entry == entry; }), {7, entry});
  table.grow();
  for (std::uint64_t entry = 0; entry < 100; ++entry) {
    const auto place = table.find(7, [&](const Slot& slot) { return slot.entry == entry; });
    EXPECT_EQ(table.read(place).hash, 7U);
  }
}

}  // namespace
}  // namespace banter::tests
