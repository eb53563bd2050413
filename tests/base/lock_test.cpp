#include "base/lock.h"

#include <array>
#include <atomic>
#include <csignal>
#include <future>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errors.h"
#include "tests/support/temporary_folder.h"

namespace banter::base {
namespace {

std::string error_of_locking(const std::filesystem::path& path) {
  try {
    const FileLock lock(path);
  } catch (const FileError& error) {
    return error.what();
  }
  return "";
}

TEST(LockTest, ASecondHolderIsToldWhoHoldsTheFolder) {
  const tests::TemporaryFolder folder;
  const FileLock lock(folder / "lock");
  const auto message = error_of_locking(folder / "lock");
  EXPECT_NE(message.find(folder.path().string() + ": another process"), std::string::npos);
  std::array<char, 256> machine{};
  ASSERT_EQ(::gethostname(machine.data(), machine.size() - 1), 0);
  const auto holder = "(pid " + std::to_string(::getpid()) + " on " + machine.data() + ")";
  EXPECT_NE(message.find(holder), std::string::npos) << message;
}

TEST(LockTest, IsFreeWhenItsHolderGoes) {
  const tests::TemporaryFolder folder;
  {
    FileLock lock(folder / "lock");
    const FileLock moved(std::move(lock));
    EXPECT_NE(error_of_locking(folder / "lock"), "");
  }
  EXPECT_EQ(error_of_locking(folder / "lock"), "");
}

TEST(LockTest, IsFreeWhenItsHolderIsKilled) {
  const tests::TemporaryFolder folder;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const FileLock lock(folder / "lock");
    if (::write(ready[1], "x", 1) == 1) ::pause();
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_NE(error_of_locking(folder / "lock").find(std::to_string(child)), std::string::npos);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(error_of_locking(folder / "lock"), "");
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(LockTest, MayBeWaitedFor) {
  const tests::TemporaryFolder folder;
  std::optional<FileLock> lock(folder / "lock");
  std::promise<void> begins;
  std::atomic<bool> is_free = false;
  std::thread other([&] {
    begins.set_value();
    const auto own = FileLock::wait_for(folder / "lock");
    EXPECT_TRUE(is_free);
    EXPECT_FALSE(FileLock::try_lock(folder / "lock"));
  });
  begins.get_future().wait();
  is_free = true;
  lock.reset();
  other.join();
  EXPECT_TRUE(FileLock::try_lock(folder / "lock"));
}

TEST(LockTest, MayBeTriedWithoutAnError) {
  const tests::TemporaryFolder folder;
  {
    const auto lock = FileLock::try_lock(folder / "lock");
    ASSERT_TRUE(lock);
    EXPECT_FALSE(FileLock::try_lock(folder / "lock"));
  }
  EXPECT_TRUE(FileLock::try_lock(folder / "lock"));
}

TEST(LockTest, IsHeldByAChildThatHasItsDescriptor) {
  const tests::TemporaryFolder folder;
  auto lock = FileLock::try_lock(folder / "lock");
  ASSERT_TRUE(lock);
  const int kept = ::dup(lock->descriptor());  // as a child has it after fork
  lock.reset();
  EXPECT_FALSE(FileLock::try_lock(folder / "lock"));
  ::close(kept);
  EXPECT_TRUE(FileLock::try_lock(folder / "lock"));
}

TEST(LockTest, AFolderThatIsNotThereCannotBeLocked) {
  const tests::TemporaryFolder folder;
  EXPECT_NE(error_of_locking(folder / "no" / "lock").find("cannot be opened"), std::string::npos);
}

}  // namespace
}  // namespace banter::base
