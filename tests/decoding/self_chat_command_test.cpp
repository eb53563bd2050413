#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "models/commands.h"
#include "tests/decoding/command_runs.h"
#include "tests/support/stop_signal.h"

namespace banter::models {
namespace {

namespace json = base::json;

/// What models say to each other, and what is said of it at the end.
std::vector<json::object> talk(const TinyRun& run, Arguments flags) {
  flags.insert(flags.begin(), {run.path().string(), "--json"});
  return objects_of(output_of(run_chat, flags));
}

std::string said(const json::object& turn) {
  return std::string(turn.at("speaker").as_string()) + ": " +
         std::string(turn.at("reply").as_string());
}

TEST(SelfChatCommandTest, AModelAnswersItselfAsItAnswersOthers) {
  const auto turns =
      talk(tiny_run(), {"--turns", "3", "--first", "hello", "--min-new-tokens", "3", "--self"});
  ASSERT_EQ(turns.size(), 5U);
  EXPECT_EQ(said(turns[0]), "A: hello");
  EXPECT_EQ(turns[1].at("speaker").as_string(), "B");
  EXPECT_EQ(turns[2].at("speaker").as_string(), "A");
  EXPECT_EQ(turns[3].at("turn").to_number<int>(), 4);
  const auto reply = objects_of(
      output_of(run_generate, {run_path(), file("hello\n"), "--json", "--min-new-tokens", "3"}));
  EXPECT_EQ(turns[1].at("tokens"), reply.at(0).at("tokens"));
  EXPECT_EQ(turns[4].at("turns").to_number<int>(), 4);
}

TEST(SelfChatCommandTest, TwoModelsTakeTurnsAndTheirLoopIsTold) {
  static const TinyRun two("{type: hred, embed_dim: 8, hidden_dim: 12}", "{max_new_tokens: 6}",
                           "{max_context_turns: 4}", /*favourite=*/"are");
  const auto& one = run_that_says_one();
  const auto turns =
      talk(one, {"--self", two.path().string(), "--turns", "6", "--max-new-tokens", "1"});
  ASSERT_EQ(turns.size(), 7U);
  EXPECT_EQ(said(turns[0]), "A: 1") << "without a first line the first model begins";
  const auto answer =
      output_of(run_generate, {two.path().string(), file("1\n"), "--max-new-tokens", "1"});
  EXPECT_EQ(said(turns[1]) + "\n", "B: " + answer);
  EXPECT_NE(answer, "1\n");
  EXPECT_EQ(said(turns[4]), "A: 1");
  EXPECT_EQ(turns[6].at("different").to_number<int>(), 2);
  EXPECT_EQ(turns[6].at("loop").at("from").to_number<int>(), 1);
  EXPECT_EQ(turns[6].at("loop").at("length").to_number<int>(), 2);

  testing::internal::CaptureStderr();
  const auto text = output_of(run_chat, {one.path().string(), "--self", "--turns", "3", "--first",
                                         "hi", "--max-new-tokens", "1"});
  EXPECT_EQ(text, "A: hi\nB: 1\nA: 1\nB: 1\n");
  const auto told = testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("2 of 4 turns differ; from turn 2 on the same turn"), std::string::npos)
      << told;
}

TEST(SelfChatCommandTest, FollowsItsSeed) {
  const auto talked = [](const std::string& seed) {
    std::string all;
    for (const auto& turn :
         talk(tiny_run(), {"--self", "--turns", "4", "--method", "sample", "--min-new-tokens", "8",
                           "--temperature", "3", "--seed", seed}))
      all += json::serialize(turn);
    return all;
  };
  EXPECT_EQ(talked("1"), talked("1"));
  EXPECT_NE(talked("1"), talked("2"));
}

TEST(SelfChatCommandTest, SumsUpWhatWasSaidWhenItIsStopped) {
  const tests::StopSignal stop;
  const auto stopped = failure_of(run_chat, {run_path(), "--self", "--first", "hello", "--json"});
  ASSERT_EQ(stopped.lines.size(), 2U);
  EXPECT_EQ(said(json::parse(stopped.lines[0]).as_object()), "A: hello");
  EXPECT_EQ(json::parse(stopped.lines[1]).at("turns").to_number<int>(), 1);
  EXPECT_FALSE(stopped.message.empty());
}

TEST(SelfChatCommandTest, RefusesWhatDoesNotGoTogether) {
  for (const Arguments& flags :
       {Arguments{"--turns", "3"},
        {"--first", "hi"},
        {"--self", "--turns", "0"},
        {"--self", "--fact", "i am here"},
        {"--self", "--persona", file("i am here\n")},
        {"--self", "--nli", "nli"},
        {"--self", "--draft"},
        {"--self", "--method", "sample", "--replies", "2", "--rerank", "consistency"},
        {"--self", "--first", " "}}) {
    auto arguments = flags;
    arguments.insert(arguments.begin(), run_path());
    EXPECT_THROW(output_of(run_chat, arguments), base::UsageError) << flags.front();
  }
}

}  // namespace
}  // namespace banter::models
