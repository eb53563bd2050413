#include "data/scratch/seen_keys.h"

#include <string>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "tests/support/full_disk.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

TEST(SeenKeysTest, TellsWhatCameWithAKeyTheFirstTime) {
  const TemporaryFolder folder;
  data::SeenKeys keys(folder.path());
  EXPECT_FALSE(keys.add("a", "line 1", 7));
  EXPECT_FALSE(keys.add("b", "line 2", 8));
  const auto first = keys.add("a", "line 3", 9);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first.value_or(data::SeenKeys::First{}).note, "line 1");
  EXPECT_EQ(first.value_or(data::SeenKeys::First{}).mark, 7U);
  EXPECT_EQ(keys.size(), 2U);
}

TEST(SeenKeysTest, IsExactWhenItGrowsManyTimes) {
  const TemporaryFolder folder;
  data::SeenKeys keys(folder.path());
  constexpr int kMany = 20'000;
  for (int i = 0; i < kMany; ++i) ASSERT_FALSE(keys.add("key " + std::to_string(i)));
  for (int i = 0; i < kMany; ++i) ASSERT_TRUE(keys.add("key " + std::to_string(i)));
  EXPECT_FALSE(keys.add("key"));
}

TEST(SeenKeysTest, AFullDiskIsAnErrorThatNamesTheFolder) {
  const TemporaryFolder folder;
  data::SeenKeys keys(folder.path());
  const FullDisk full(100);
  try {
    keys.add(std::string(1000, 'k'));
    FAIL() << "not refused";
  } catch (const base::FileError& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with(folder.path().string())) << error.what();
  }
}

TEST(SeenKeysTest, LeavesNoFileBehind) {
  const TemporaryFolder folder;
  data::SeenKeys keys(folder.path());
  keys.add("a");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace banter::tests
