#include "base/signals.h"

#include <cerrno>
#include <csignal>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/errors.h"

namespace banter::base {
namespace {

class SignalsTest : public testing::Test {
 protected:
  void SetUp() override {
    install_stop_signals();
    clear_stop_signal();
  }
  void TearDown() override {
    clear_stop_signal();
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
    std::signal(SIGPIPE, SIG_DFL);
  }
};

TEST_F(SignalsTest, NothingStopsBeforeASignal) {
  EXPECT_EQ(stop_signal(), 0);
  EXPECT_NO_THROW(throw_if_stopped());
}

TEST_F(SignalsTest, TheFirstSignalOnlyAsksToStop) {
  for (const int signal : {SIGINT, SIGTERM}) {
    clear_stop_signal();
    std::raise(signal);
    EXPECT_EQ(stop_signal(), signal);
    try {
      throw_if_stopped();
      ADD_FAILURE() << "did not throw";
    } catch (const Stopped& stopped) {
      EXPECT_EQ(stopped.exit_code(), 128 + signal);
    }
  }
}

TEST_F(SignalsTest, TwoSignalsInARowAreOneWish) {
  sigset_t both, before;
  sigemptyset(&both);
  sigaddset(&both, SIGINT);
  sigaddset(&both, SIGTERM);
  sigprocmask(SIG_BLOCK, &both, &before);
  std::raise(SIGINT);
  std::raise(SIGTERM);
  sigprocmask(SIG_SETMASK, &before, nullptr);  // both are handled here, one behind the other
  EXPECT_NE(stop_signal(), 0);
}

using SignalsDeathTest = SignalsTest;

TEST_F(SignalsDeathTest, ALaterSignalEndsTheProcessAtOnce) {
  EXPECT_EXIT(
      {
        std::raise(SIGTERM);
        while (true) std::raise(SIGINT);
      },
      testing::ExitedWithCode(128 + SIGINT), "");
}

TEST_F(SignalsTest, AClosedPipeIsAWriteError) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  EXPECT_EQ(::write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  ::close(ends[1]);
}

}  // namespace
}  // namespace banter::base
