#include "data/inspection/keys/distinct_counter.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/random.h"
#include "tests/support/full_disk.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

constexpr std::size_t kTinyBuffer = 5 * sizeof(data::Key);

std::string drawn(std::uint64_t seed, std::uint64_t i, std::uint64_t different) {
  return "text " + std::to_string(base::join_keys(seed, i) % different);
}

TEST(DistinctCounterTest, AgreesWithASetWhateverItsBuffer) {
  const TemporaryFolder folder;
  for (const std::uint64_t size : {0, 1, 2, 5, 6, 10, 11, 500, 3000}) {
    for (const std::uint64_t different : {1, 3, 40, 100'000}) {
      for (const std::size_t buffer : {std::size_t{1}, kTinyBuffer, std::size_t{1} << 20}) {
        data::DistinctCounter counter(std::make_shared<data::KeyFile>(folder.path()), buffer);
        std::map<std::string, int> wanted;
        for (std::uint64_t i = 0; i < size; ++i) {
          const auto text = drawn(different, i, different);
          counter.add(text);
          ++wanted[text];
        }
        std::uint64_t repeated = 0;
        for (const auto& [text, count] : wanted) repeated += count > 1 ? 1 : 0;
        const auto counts = counter.counts();
        EXPECT_EQ(counts.added, size);
        EXPECT_EQ(counts.distinct, wanted.size()) << size << " of " << different;
        EXPECT_EQ(counts.repeated, repeated) << size << " of " << different;
      }
    }
  }
}

TEST(DistinctCounterTest, GoesOnAfterACount) {
  const TemporaryFolder folder;
  data::DistinctCounter counter(std::make_shared<data::KeyFile>(folder.path()), kTinyBuffer);
  std::set<std::string> wanted;
  for (std::uint64_t i = 0; i < 300; ++i) {
    const auto text = drawn(7, i, 200);
    counter.add(text);
    wanted.insert(text);
    ASSERT_EQ(counter.counts().distinct, wanted.size()) << i;
  }
}

TEST(DistinctCounterTest, SharedKeysAgreeWithSets) {
  const TemporaryFolder folder;
  for (const std::uint64_t different : {5, 300, 100'000}) {
    data::SortedKeys one(std::make_shared<data::KeyFile>(folder.path()), kTinyBuffer);
    data::SortedKeys other(std::make_shared<data::KeyFile>(folder.path()), kTinyBuffer);
    std::set<std::string> in_one;
    for (std::uint64_t i = 0; i < 400; ++i) {
      in_one.insert(drawn(1, i, different));
      one.add(data::key_of(drawn(1, i, different)));
    }
    std::set<std::string> in_other, in_both;
    std::uint64_t shared = 0;
    for (std::uint64_t i = 0; i < 250; ++i) {
      const auto text = drawn(2, i, different);
      other.add(data::key_of(text));
      in_other.insert(text);
      if (!in_one.contains(text)) continue;
      ++shared;
      in_both.insert(text);
    }
    const auto found = data::shared_keys(one, other);
    EXPECT_EQ(found.all, 250U);
    EXPECT_EQ(found.distinct, in_other.size());
    EXPECT_EQ(found.shared, shared);
    EXPECT_EQ(found.distinct_shared, in_both.size());
  }
}

TEST(DistinctCounterTest, LeavesNoFileBehindAndNeedsNoneWhenAllFitsIn) {
  const TemporaryFolder folder;
  data::DistinctCounter small(std::make_shared<data::KeyFile>(folder.path() / "not there"),
                              kTinyBuffer);
  for (int i = 0; i < 5; ++i) small.add(std::to_string(i));
  EXPECT_EQ(small.counts().distinct, 5U);
  EXPECT_THROW(small.add("one more"), base::FileError);
  data::DistinctCounter large(std::make_shared<data::KeyFile>(folder.path()), kTinyBuffer);
  for (int i = 0; i < 50; ++i) large.add(std::to_string(i));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(DistinctCounterTest, AFullDiskIsAnErrorThatNamesTheFolder) {
  const TemporaryFolder folder;
  data::DistinctCounter counter(std::make_shared<data::KeyFile>(folder.path()), kTinyBuffer);
  const FullDisk full(100);
  try {
    for (int i = 0; i < 100; ++i) counter.add(std::to_string(i));
    FAIL() << "not refused";
  } catch (const base::FileError& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with(folder.path().string())) << error.what();
  }
}

}  // namespace
}  // namespace banter::tests
