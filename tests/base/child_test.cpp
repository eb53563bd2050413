#include "base/child.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/signals.h"
#include "tests/support/temporary_folder.h"

namespace banter::base {
namespace {

constexpr const char* kIsChild = "BANTER_TEST_IS_CHILD";
constexpr int kLongEnough = 60'000;  ///< milliseconds

class ChildTest : public testing::Test {
 protected:
  /// This program with one test alone.
  [[nodiscard]] ChildOptions options(const std::string& test) const {
    return {.arguments = {"--gtest_filter=ChildTest." + test},
            .variables = {{kIsChild, "1"}},
            .out = folder_ / "out",
            .log = folder_ / "log"};
  }
  tests::TemporaryFolder folder_;
};

TEST_F(ChildTest, ASignalIsNotLostHoweverEarlyItComes) {
  if (std::getenv(kIsChild) != nullptr)
    while (true) ::pause();
  install_stop_signals();  // as the program has them
  for (int i = 0; i < 20; ++i) {
    Child child(options("ASignalIsNotLostHoweverEarlyItComes"));
    child.send(i % 2 == 0 ? SIGTERM : SIGINT);
    pollfd handle{.fd = child.descriptor(), .events = POLLIN, .revents = 0};
    const bool has_ended = ::poll(&handle, 1, kLongEnough) == 1;
    if (!has_ended) child.send(SIGKILL);
    ASSERT_TRUE(has_ended) << "trial " << i;
    EXPECT_EQ(child.ended(), 128 + (i % 2 == 0 ? SIGTERM : SIGINT));
  }
  EXPECT_EQ(stop_signal(), 0) << "nothing came to the parent";
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
}

TEST_F(ChildTest, WhatCannotBeFollowedIsEndedAndWaitedFor) {
  const int first = ::open("/dev/null", O_RDONLY), second = ::open("/dev/null", O_RDONLY);
  ::close(first);
  ::close(second);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  auto limit = before;
  limit.rlim_cur = static_cast<rlim_t>(second) + 1;  // output and log, and no handle of the process
  ::setrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_THROW(Child(options("None")), FileError);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace banter::base
