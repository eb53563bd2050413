#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/process.h"

namespace banter::tests {
namespace {

ProcessResult banter(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), BANTER_PROGRAM);
  return run(std::move(arguments));
}

TEST(MainTest, AnUnknownCommandNamesTheNearestOne) {
  const auto result = banter({"trian", "recipe.yaml"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(
      result.err,
      "banter: there is no command \"trian\"; the nearest one is train; see `banter --help`\n");
}

TEST(MainTest, HelpOfACommandCanBeAskedForInTwoWays) {
  const auto one = banter({"help", "train"});
  const auto other = banter({"train", "--help"});
  EXPECT_EQ(one.exit_code, 0);
  EXPECT_EQ(one.out, other.out);
  EXPECT_EQ(banter({"help"}).out, banter({"--help"}).out);
}

TEST(MainTest, NothingAskedForIsWrongUsageThatIsExplained) {
  const auto result = banter({});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.out.find("Usage: banter COMMAND"), std::string::npos);
}

TEST(MainTest, TheVersionIsOneLine) {
  const auto result = banter({"--version"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, "banter " BANTER_VERSION "\n");
}

TEST(MainTest, ControlCharactersDoNotReachTheTerminal) {
  const auto result = banter({"a\033[2Jb"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err.find('\033'), std::string::npos);
}

TEST(MainTest, AnAnswerThatCannotBeWrittenIsAFailure) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "/dev/full is not there";
  const auto result = run({"sh", "-c", std::string("'") + BANTER_PROGRAM + "' --help > /dev/full"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.err, "banter: standard output: cannot be written\n");
}

}  // namespace
}  // namespace banter::tests
