#include "models/commands/line_source.h"

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/signals.h"
#include "tests/support/temporary_folder.h"

namespace banter::models {
namespace {

class LineSourceTest : public testing::Test {
 protected:
  std::filesystem::path file(const std::string& content) {
    const auto path = folder_ / "lines";
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  tests::TemporaryFolder folder_;
};

/// Standard input that is a pipe, for as long as this lives.
class PipedInput {
 public:
  PipedInput() : saved_(::dup(STDIN_FILENO)) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
    writer_ = ends[1];
  }
  ~PipedInput() {
    close();
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
  }
  void write(const std::string& text) const {
    EXPECT_EQ(::write(writer_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void close() {
    if (writer_ >= 0) ::close(writer_);
    writer_ = -1;
  }

 private:
  int saved_, writer_ = -1;
};

TEST_F(LineSourceTest, LeavesOutAByteOrderMarkInFrontOfTheFirstLine) {
  LineSource lines(file("\xEF\xBB\xBF{}\n\xEF\xBB\xBFx\n"));
  EXPECT_EQ(lines.next(), "{}");
  EXPECT_EQ(lines.next(), "\xEF\xBB\xBFx");
}

TEST_F(LineSourceTest, GivesLinesWithoutTheirEnds) {
  LineSource lines(file("one\r\n\ntwo"));
  EXPECT_EQ(lines.next(), "one");
  EXPECT_EQ(lines.next(), "");
  EXPECT_EQ(lines.next(), "two");
  EXPECT_EQ(lines.where(), (folder_ / "lines").string() + ":3");
  EXPECT_EQ(lines.next(), std::nullopt);
  EXPECT_EQ(lines.next_if_ready(), std::nullopt);
}

TEST_F(LineSourceTest, ReadsFilesLargerThanItsBuffer) {
  std::string content;
  for (int i = 0; i < 50'000; ++i) content += "line " + std::to_string(i) + "\n";
  LineSource lines(file(content));
  for (int i = 0; i < 50'000; ++i)
    ASSERT_EQ(i % 2 == 0 ? lines.next() : lines.next_if_ready(), "line " + std::to_string(i));
  EXPECT_EQ(lines.next(), std::nullopt);
}

TEST_F(LineSourceTest, DoesNotWaitForALineOfALivePipe) {
  PipedInput pipe;
  LineSource lines("-");
  EXPECT_EQ(lines.next_if_ready(), std::nullopt);
  pipe.write("one\ntwo\nhal");
  EXPECT_EQ(lines.next_if_ready(), "one");
  EXPECT_EQ(lines.next_if_ready(), "two");
  EXPECT_EQ(lines.next_if_ready(), std::nullopt) << "half a line is no line";
  pipe.write("f\n");
  EXPECT_EQ(lines.next_if_ready(), "half");
  EXPECT_EQ(lines.where(), "stdin:3");
  pipe.close();
  EXPECT_EQ(lines.next_if_ready(), std::nullopt);
  EXPECT_EQ(lines.next(), std::nullopt);
}

TEST_F(LineSourceTest, RefusesMissingFilesAndFolders) {
  EXPECT_THROW(LineSource(folder_ / "missing"), base::FileError);
  EXPECT_THROW(LineSource{folder_.path()}, base::FileError);
}

TEST_F(LineSourceTest, RefusesEndlessLines) {
  LineSource lines(file(std::string(17U << 20U, 'x')));
  EXPECT_THROW((void)lines.next(), base::DataError);
}

}  // namespace
}  // namespace banter::models
