#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "models/commands.h"
#include "tests/decoding/command_runs.h"

namespace banter::models {
namespace {

namespace json = base::json;

const char* const kToScore =
    "{\"id\": 1, \"turns\": [\"hello\"], \"reply\": \"fine\"}\n"
    "{\"id\": 2, \"turns\": [\"hello\", \"hi\", \"how are you?\"], "
    "\"reply\": \"where is the file today?\"}\n"
    "{\"id\": 3, \"turns\": [\"hello\", \"hi\"], \"reply\": \"fine, how are you?\"}\n";

TEST(ScoreCommandTest, KeepsTheOrderOfTheLinesAndSumsTheirTokens) {
  const auto together = objects_of(output_of(run_score, {run_path(), file(kToScore)}));
  const auto alone = objects_of(output_of(run_score, {run_path(), file(kToScore), "--batch", "1"}));
  ASSERT_EQ(together.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(together[i].at("id").to_number<std::size_t>(), i + 1);
    EXPECT_EQ(together[i].at("number").to_number<std::size_t>(), i + 1);
    EXPECT_EQ(together[i].at("pieces"), alone[i].at("pieces"));
    double sum = 0;
    for (const auto& log_prob : together[i].at("log_probs").as_array()) {
      EXPECT_LT(log_prob.to_number<double>(), 0);
      sum += log_prob.to_number<double>();
    }
    EXPECT_NEAR(together[i].at("sum").to_number<double>(), sum, kCommandTolerance);
    EXPECT_NEAR(alone[i].at("sum").to_number<double>(), sum, kCommandTolerance);
    EXPECT_EQ(together[i].at("ids").as_array().size(),
              together[i].at("log_probs").as_array().size());
    EXPECT_EQ(together[i].at("ids").as_array().back().to_number<int>(), 3) << "the end counts";
  }
}

TEST(ScoreCommandTest, ComputesInDoublePrecisionWhenAsked) {
  const auto single = objects_of(output_of(run_score, {run_path(), file(kToScore)}));
  const auto twice =
      objects_of(output_of(run_score, {run_path(), file(kToScore), "--double", "--batch", "1"}));
  const auto batched = objects_of(output_of(run_score, {run_path(), file(kToScore), "--double"}));
  for (std::size_t i = 0; i < 3; ++i) {
    const auto sum = [&](const auto& objects) { return objects[i].at("sum").as_double(); };
    EXPECT_NEAR(sum(single), sum(twice), kCommandTolerance);
    EXPECT_NEAR(sum(batched), sum(twice), 1e-10) << "not computed in float64";
  }
}

TEST(ScoreCommandTest, NamesABadLineAfterAnsweringTheGoodOnesBefore) {
  const std::string good = "{\"turns\": [\"hello\"], \"reply\": \"fine\"}\n";
  const std::string only_facts = "{\"personas\": [\"how are you today?\"], \"reply\": \"fine\"}";
  for (const std::string& bad : {std::string("{}"), too_long_line(), only_facts}) {
    const auto failed = failure_of(
        run_score, {run_without_facts().path().string(), file(good + good + bad + "\n" + good)});
    EXPECT_EQ(failed.lines.size(), 2U);
    EXPECT_NE(failed.message.find("input:3"), std::string::npos) << failed.message;
  }
}

TEST(ScoreCommandTest, RefusesFlagsOfChoosingAReply) {
  for (const Arguments& flags : {Arguments{"--prefix", "fine"},
                                 {"--set", "decoding.seed=2"},
                                 {"--method", "beam"},
                                 {"--min-new-tokens", "3"}}) {
    Arguments arguments = {run_path(), file(kToScore)};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    EXPECT_THROW(output_of(run_score, arguments), base::UsageError) << flags[0];
  }
}

TEST(ScoreCommandTest, TellsTheAttentionThatGenerateTells) {
  const auto run = run_that_says_one().path().string();
  const auto made =
      objects_of(output_of(run_generate, {run, file("a\tb\tc\n"), "--json", "--attention"}))[0];
  ASSERT_EQ(made.at("reply").as_string(), "1 1 1 1 1 1");
  const auto scored = objects_of(output_of(
      run_score, {run, file("{\"turns\": [\"a\", \"b\", \"c\"], \"reply\": \"1 1 1 1 1 1\"}\n"),
                  "--attention"}))[0];
  EXPECT_EQ(made.at("sources"), scored.at("sources"));
  const auto rows = [](const json::object& object, const char* name) {
    return object.at("attention").at(name).as_array();
  };
  for (const char* name : {"static", "dynamic"}) {
    ASSERT_EQ(rows(made, name).size(), 6U);
    ASSERT_EQ(rows(scored, name).size(), 7U) << "with the end of the reply";
    for (std::size_t token = 0; token < 6; ++token)
      for (std::size_t source = 0; source < 3; ++source)
        EXPECT_NEAR(rows(made, name)[token].at(source).to_number<double>(),
                    rows(scored, name)[token].at(source).to_number<double>(), 1e-5)
            << name << " " << token;
  }
  EXPECT_EQ(rows(made, "static")[0], rows(made, "static")[5]) << "once a reply";
  EXPECT_NE(rows(made, "dynamic")[0], rows(made, "dynamic")[5]) << "at every token";
}

TEST(ScoreCommandTest, WantsAReplyOnEachLine) {
  EXPECT_THROW(output_of(run_score, {run_path(), file("{\"turns\": [\"a\"]}\n")}), base::DataError);
}

}  // namespace
}  // namespace banter::models
