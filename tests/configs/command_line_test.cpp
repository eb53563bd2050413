#include "configs/command_line.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"

namespace banter::configs {
namespace {

/// A command with one argument, one number and every common flag.
struct Example {
  CommandLine line{"banter example", "Does an example.",
                   "banter example a.yaml\nbanter example b.yaml --set x=1"};
  std::string config;
  int beams = 1;

  Example() {
    line.app.add_option("config", config, "the recipe")->required();
    line.app.add_option("--beams", beams, "how many");
    line.with_config();
    line.with_json();
  }
  std::string error_of(const std::vector<std::string>& arguments) {
    try {
      (void)line.parse(arguments);
    } catch (const base::UsageError& error) {
      EXPECT_EQ(error.exit_code(), 2);
      return error.what();
    }
    return "";
  }
};

TEST(CommandLineTest, ReadsTheCommonFlagsAnywhere) {
  Example example;
  EXPECT_TRUE(example.line.parse({"--set", "a.b=1", "recipe.yaml", "--quiet", "--set=c=d e",
                                  "--json", "--dump-config", "--beams", "4"}));
  EXPECT_EQ(example.config, "recipe.yaml");
  EXPECT_EQ(example.beams, 4);
  EXPECT_EQ(example.line.common.overrides, (std::vector<std::string>{"a.b=1", "c=d e"}));
  EXPECT_TRUE(example.line.common.quiet && example.line.common.json &&
              example.line.common.dump_config);
}

TEST(CommandLineTest, FlagsAreOffByDefault) {
  Example example;
  EXPECT_TRUE(example.line.parse({"recipe.yaml"}));
  const auto& common = example.line.common;
  EXPECT_FALSE(common.quiet || common.json || common.dump_config || !common.overrides.empty());
}

TEST(CommandLineTest, AnOverrideTakesOneValueAndNotTheArgumentBehindIt) {
  Example example;
  EXPECT_TRUE(example.line.parse({"--set", "list=[1, 2]", "recipe.yaml"}));
  EXPECT_EQ(example.line.common.overrides, (std::vector<std::string>{"list=[1, 2]"}));
  EXPECT_EQ(example.config, "recipe.yaml");
}

TEST(CommandLineTest, AnErrorIsOneSentenceThatPointsToTheHelp) {
  for (const std::vector<std::string>& bad : {std::vector<std::string>{},
                                              {"a", "b"},
                                              {"a", "--beams", "x"},
                                              {"a", "--unknown"},
                                              {"a", "--set"},
                                              {"a", "--beams"}}) {
    Example example;
    const auto message = example.error_of(bad);
    EXPECT_TRUE(message.starts_with("banter example: ")) << message;
    EXPECT_TRUE(message.ends_with("; see `banter example --help`")) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

TEST(CommandLineTest, HelpShowsUsageOptionsAndExamplesAndNothingRuns) {
  Example example;
  testing::internal::CaptureStdout();
  const bool goes_on = example.line.parse({"--help"});
  const auto help = testing::internal::GetCapturedStdout();
  EXPECT_FALSE(goes_on);
  for (const char* part :
       {"Does an example.", "Usage: banter example", "--set KEY=VALUE", "--quiet", "--json",
        "--dump-config", "Examples:\n  banter example a.yaml\n  banter example b.yaml --set x=1"})
    EXPECT_NE(help.find(part), std::string::npos) << part << "\n" << help;
}

TEST(CommandLineTest, CommandsWithoutARecipeHaveNoOverrides) {
  CommandLine line("banter info", "Says what is here.", "banter info");
  EXPECT_THROW((void)line.parse({"--set", "a=1"}), base::UsageError);
  EXPECT_THROW((void)line.parse({"--json"}), base::UsageError);
  EXPECT_TRUE(line.parse({"--quiet"}));
}

}  // namespace
}  // namespace banter::configs
