#include "data/reading/read_ahead.h"

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "tests/data/made_files.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

using Strings = std::vector<std::string>;
using Take = data::ReadAhead::Take;

constexpr std::uint64_t kMany = 10'000;  // dialogues: more than may wait for the caller

/// Tells of every record, and leaves every third one out.
void tell_and_thin_out(data::FoundItem&& item, const Take& take) {
  const auto* found = std::get_if<data::FoundRecord>(&item);
  if (found == nullptr) return take(std::move(item));
  take(data::Problem{found->place, data::Severity::kCount, "seen", "", 0});
  if (found->place.line % 3 != 0) take(std::move(item));
}

/// Notes what items say, in their order.
Take noting(Strings& notes) {
  return [&notes](data::FoundItem&& item) {
    if (const auto* found = std::get_if<data::FoundRecord>(&item))
      notes.push_back(std::get<data::Dialogue>(found->record).turns.front().text);
    if (const auto* problem = std::get_if<data::Problem>(&item)) notes.push_back(problem->text());
  };
}

class ReadAheadTest : public testing::Test {
 protected:
  std::filesystem::path made_file(const std::string& name, std::uint64_t dialogues) {
    std::string lines;
    for (std::uint64_t i = 1; i <= dialogues; ++i)
      lines += name + " asks " + std::to_string(i) + "\tand is answered\n";
    write_file(folder_ / name, lines);
    return folder_ / name;
  }

  TemporaryFolder folder_;
  const data::FileReading how_{
      .limits = {}, .wanted = &data::format_named("tsv"), .is_the_source = true};
};

TEST_F(ReadAheadTest, WhoeverMakesItTheOrderIsThatOfTheFiles) {
  Strings one_by_one, ahead_of_us;
  const auto note = noting(one_by_one);
  data::ReadAhead ahead(how_, &tell_and_thin_out, noting(ahead_of_us));
  for (const std::string name : {"a", "b", "c", "d"}) {
    const auto file = made_file(name, name == "c" ? 3 : kMany);
    data::read_found(file, name, {name, "", 0, 0}, how_,
                     [&](data::FoundItem&& item) { tell_and_thin_out(std::move(item), note); });
    ahead.add(file, name, {name, "", 0, 0});
  }
  ahead.finish();
  EXPECT_EQ(one_by_one.size(), 3 * (kMany + kMany - kMany / 3) + 5);
  EXPECT_TRUE(ahead_of_us == one_by_one);
}

TEST_F(ReadAheadTest, AReadingThreadThatIsAheadMakesInsteadOfWaiting) {
  std::mutex mutex;
  std::condition_variable made;
  bool is_made_elsewhere = false, is_first = true, was_in_time = false;
  const auto caller = std::this_thread::get_id();
  const auto make = [&](data::FoundItem&& item, const Take& take) {
    if (std::this_thread::get_id() != caller) {
      const std::lock_guard lock(mutex);
      is_made_elsewhere = true;
      made.notify_one();
    }
    take(std::move(item));
  };
  data::ReadAhead ahead(how_, make, [&](data::FoundItem&&) {
    if (!std::exchange(is_first, false)) return;
    std::unique_lock lock(mutex);  // nothing more is taken before
    was_in_time = made.wait_for(lock, std::chrono::minutes(1), [&] { return is_made_elsewhere; });
  });
  ahead.add(made_file("a", kMany), "a", {"a", "", 0, 0});
  ahead.finish();
  EXPECT_TRUE(was_in_time);
}

TEST_F(ReadAheadTest, WhatMakingThrowsReachesTheCaller) {
  const auto many = made_file("many", kMany), few = made_file("few", 3);
  for (const std::string bad : {"many:1", "many:5000", "many:10000", "few:2"}) {
    const auto make = [&](data::FoundItem&& item, const Take& take) {
      const auto* found = std::get_if<data::FoundRecord>(&item);
      if (found != nullptr && found->place.text() == bad) throw base::DataError("cannot be made");
      take(std::move(item));
    };
    data::ReadAhead ahead(how_, make, [](data::FoundItem&&) {});
    const auto read = [&] {
      ahead.add(many, "many", {"many", "", 0, 0});
      ahead.add(few, "few", {"few", "", 0, 0});
      ahead.finish();
    };
    EXPECT_THROW(read(), base::DataError) << bad;
  }
}

}  // namespace
}  // namespace banter::tests
