#include "base/progress.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace banter::base {
namespace {

constexpr std::chrono::milliseconds kAlways{0};

/// What `work` writes to standard error while that is a file.
template <typename Work>
std::string written(Work work) {
  testing::internal::CaptureStderr();
  work();
  return testing::internal::GetCapturedStderr();
}

/// What `work` writes to standard error while that is a terminal of `columns`.
template <typename Work>
std::string drawn(unsigned short columns, Work work) {
  const int screen = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (screen < 0 || ::grantpt(screen) != 0 || ::unlockpt(screen) != 0) return "";
  const int terminal = ::open(::ptsname(screen), O_RDWR | O_NOCTTY);
  const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  ::ioctl(terminal, TIOCSWINSZ, &size);
  const int before = ::dup(STDERR_FILENO);
  ::dup2(terminal, STDERR_FILENO);
  work();
  ::dup2(before, STDERR_FILENO);
  ::close(before);
  ::close(terminal);  // so that reading ends, with an error, behind the last byte
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t count = 0; (count = ::read(screen, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(count));
  ::close(screen);
  return text;
}

TEST(ProgressTest, WritesPlainLinesWhereThereIsNoTerminal) {
  const auto text = written([] {
    Progress progress({.label = "train", .unit = "steps", .total = 4, .every = kAlways});
    progress.update(1, "loss 4.31");
    progress.advance(2);
  });
  EXPECT_TRUE(text.starts_with("train 25% 1/4 steps, ")) << text;
  EXPECT_NE(text.find("/s, 0s left, loss 4.31\ntrain 75% 3/4 steps, "), std::string::npos) << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 3) << text;  // two updates and the last state
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(text.find('\033'), std::string::npos);
}

TEST(ProgressTest, SaysNoShareWhenTheTotalIsNotKnown) {
  const auto text = written([] {
    Progress progress({.label = "read", .unit = "lines", .every = kAlways});
    progress.update(12);
  });
  EXPECT_TRUE(text.starts_with("read 12 lines, ")) << text;
  EXPECT_EQ(text.find('%'), std::string::npos);
  EXPECT_EQ(text.find("left"), std::string::npos);
}

TEST(ProgressTest, WritesOnlyTheLastStateWhenLinesAreRare) {
  const auto text = written([] {
    Progress progress({.label = "x", .total = 100, .every = std::chrono::hours(1)});
    for (std::uint64_t i = 1; i <= 100; ++i) progress.update(i);
    progress.finish();
    progress.finish();
    progress.update(5);
  });
  EXPECT_TRUE(text.starts_with("x 100% 100/100 it, ")) << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 1) << text;
}

TEST(ProgressTest, IsSilentWhenQuietButForWhatMustBeRead) {
  const auto text = written([] {
    Progress progress({.label = "x", .total = 2, .quiet = true, .every = kAlways});
    progress.update(1);
    progress.say("saved step 1");
    progress.update(2);
  });
  EXPECT_EQ(text, "saved step 1\n");
}

TEST(ProgressTest, WorkThatNeverBeganLeavesNoLine) {
  EXPECT_EQ(written([] { const Progress progress({.label = "x", .done = 7}); }), "");
}

TEST(ProgressTest, WorkThatIsDoneAgainCountsInTheRate) {
  const auto text = written([] {
    Progress progress({.label = "x", .total = 1'000'000, .every = kAlways, .done = 500'000});
    progress.update(900'000);
    progress.update(100'000);
    progress.update(100'001);
  });
  EXPECT_EQ(text.find("18446744"), std::string::npos) << text;  // 2^64 less something
  EXPECT_NE(text.find("x 10% 100001/1000000 it, "), std::string::npos) << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 4) << text;
}

TEST(ProgressTest, DrawsABarOverItselfOnATerminal) {
  const auto text = drawn(100, [] {
    Progress progress({.label = "train", .unit = "steps", .total = 4});
    progress.say("a note");
    progress.update(2, "loss 1.5");
    progress.finish();
  });
  if (text.empty()) GTEST_SKIP() << "no pseudo terminal here";
  EXPECT_TRUE(text.starts_with("\r\033[Ka note\r\n")) << text;
  EXPECT_NE(text.find("\rtrain [############............] 50% 2/4 steps, "), std::string::npos)
      << text;
  EXPECT_TRUE(text.ends_with("loss 1.5\033[K\r\n")) << text;
}

TEST(ProgressTest, ABarNeverWrapsOnANarrowTerminal) {
  const auto text = drawn(40, [] {
    Progress progress({.label = "train", .unit = "steps", .total = 4});
    progress.update(4, "a note that is far too long to be shown here");
    progress.finish();
  });
  if (text.empty()) GTEST_SKIP() << "no pseudo terminal here";
  EXPECT_EQ(text.find("\033[K"), 1u + 39u) << text;
}

TEST(ProgressTest, DurationsAreShort) {
  const auto text = [](double seconds) {
    return duration_text(std::chrono::duration<double>(seconds));
  };
  EXPECT_EQ(text(0), "0s");
  EXPECT_EQ(text(12.4), "12s");
  EXPECT_EQ(text(59.6), "1m00s");
  EXPECT_EQ(text(185), "3m05s");
  EXPECT_EQ(text(3720), "1h02m");
  EXPECT_EQ(text(360'000), "100h00m");
}

}  // namespace
}  // namespace banter::base
