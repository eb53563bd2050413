#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

ProcessResult banter(std::vector<std::string> arguments, const std::string& input = {}) {
  arguments.insert(arguments.begin(), BANTER_PROGRAM);
  return run(std::move(arguments), input);
}

TEST(ProgramTest, EveryCommandOfTheTableExplainsItself) {
  const auto help = banter({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* name : {"inspect", "prepare", "export-data", "train", "average", "compare",
                           "export-log", "evaluate", "metrics", "experiment", "gradient-flow",
                           "generate", "score", "chat", "import", "export", "info"}) {
    EXPECT_NE(help.out.find("\n  " + std::string(name) + " "), std::string::npos) << name;
    const auto own = banter({name, "--help"});
    EXPECT_EQ(own.exit_code, 0) << name;
    EXPECT_NE(own.out.find("Examples:"), std::string::npos) << name;
    EXPECT_EQ(banter({name, "--no-such-flag"}).exit_code, 2) << name;
  }
}

TEST(ProgramTest, InfoTellsWhatThisMachineAndBuildCanDo) {
  const auto result = banter({"info", "--json", "--device", "cpu", "--threads", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto parsed = base::parse_json(result.out, "info");
  const auto& info = parsed.as_object();
  EXPECT_EQ(base::string_field(info, "device", "info"), "cpu");
  EXPECT_EQ(base::integer_field(info, "threads", "info"), 1);
  for (const char* key : {"version", "libtorch", "cpu_capability", "bf16", "kernels", "allocator",
                          "parallel", "cuda"}) {
    EXPECT_FALSE(base::string_field(info, key, "info").empty()) << key;
  }
  const auto module = std::filesystem::path(BANTER_PROGRAM).parent_path() / "libbanter_cuda.so";
  const bool has_nccl = std::filesystem::exists(module) &&
                        base::read_file(module).find("banter_nccl_join") != std::string::npos;
  EXPECT_EQ(base::string_field(info, "nccl", "info"), has_nccl ? "built" : "not built");
}

TEST(ProgramTest, ThreadsAreThoseAskedForOrThoseOfTheEnvironment) {
  const auto threads = [](std::vector<std::string> command) {
    command.insert(command.begin(), BANTER_PROGRAM);
    const auto told = base::parse_json(run(command, {}, {{"OMP_NUM_THREADS", "1"}}).out, "info");
    return base::integer_field(told.as_object(), "threads", "info");
  };
  EXPECT_EQ(threads({"info", "--json"}), 1);
  EXPECT_EQ(threads({"info", "--json", "--threads", "2"}), 2);
}

TEST(ProgramTest, ADeviceThatCannotBeHadEndsWithTheReasonAndOneThatDoesNotExistIsWrongUsage) {
  for (const char* device : {"nonsense", "cuda:", "cuda:x", "cuda:-1", "cuda0", "CPU", ""}) {
    const auto result = banter({"info", "--device", device});
    EXPECT_EQ(result.exit_code, 2) << device;
    EXPECT_NE(result.err.find("cuda:N"), std::string::npos) << result.err;
  }
  const auto result = banter({"info", "--device", "cuda:100"});  // with a GPU here, too
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("device cuda:100"), std::string::npos) << result.err;
}

TEST(ProgramTest, AutoTakesTheCpuWhereNoGpuCanBeUsed) {
  const auto parsed = base::parse_json(banter({"info", "--json"}).out, "info");
  const auto& info = parsed.as_object();
  const bool usable = base::string_field(info, "cuda", "info") == "usable";
  EXPECT_EQ(base::string_field(info, "device", "info"), usable ? "cuda:0" : "cpu");
}

/// A recipe and conversations small enough for a training of seconds.
class FirstLightTest : public testing::Test {
 protected:
  FirstLightTest() {
    std::ofstream corpus(folder_ / "talk.jsonl");
    for (int i = 0; i < 60; ++i) {
      const auto n = std::to_string(i);
      corpus << R"({"id": ")" << n << R"(", "turns": [{"speaker": "Ann", "text": "is room )" << n
             << R"( free?"}, {"speaker": "Bo", "text": "yes, room )" << n
             << R"( is"}, {"speaker": "Ann", "text": "thanks"}]})" << '\n';
    }
    std::ofstream recipe(folder_ / "recipe.yaml");
    recipe << "store: " << (folder_ / "store").string() << "\nrun: " << run_
           << "\ndata:\n  sources:\n    - path: " << (folder_ / "talk.jsonl").string()
           << "\n  valid_share: 0.2\n  tokenizer: {vocab_size: 400}\n"
              "model: {type: hred, attention: both, embed_dim: 16, hidden_dim: 16}\n"
              "batch: {tokens_per_batch: 200}\n"
              "train: {steps: 12, warmup_steps: 2, validate_every: 6, save_every: 6}\n"
              "decoding: {max_new_tokens: 8}\n";
  }

  ProcessResult ok(const std::vector<std::string>& arguments, const std::string& input = {}) {
    auto result = banter(arguments, input);
    EXPECT_EQ(result.exit_code, 0) << arguments.front() << '\n' << result.out << result.err;
    return result;
  }

  TemporaryFolder folder_;
  std::string recipe_ = (folder_ / "recipe.yaml").string();
  std::string run_ = (folder_ / "run").string();
};

TEST_F(FirstLightTest, FromConversationsToRepliesAndFigures) {
  EXPECT_NE(ok({"inspect", (folder_ / "talk.jsonl").string()}).out.find("jsonl"),
            std::string::npos);
  ok({"prepare", recipe_});
  ok({"inspect", (folder_ / "store").string()});
  ok({"train", recipe_, "--quiet"});

  const auto figures = base::parse_json(ok({"evaluate", run_, "--json", "--quiet"}).out, "figures");
  EXPECT_TRUE(figures.is_object());

  const auto replies = ok({"generate", run_, "--quiet", "--json"},
                          "is room 3 free?\n"
                          "{\"id\": \"x\", \"turns\": [\"hello\", \"is room 4 free?\"]}\n")
                           .out;
  const auto end = replies.find('\n');
  ASSERT_NE(end, std::string::npos) << replies;
  const auto first = base::parse_json(replies.substr(0, end), "first");
  const auto second = base::parse_json(replies.substr(end + 1), "second");
  EXPECT_EQ(base::integer_field(first.as_object(), "number", "first"), 1);
  EXPECT_EQ(base::string_field(second.as_object(), "id", "second"), "x");

  std::ofstream(folder_ / "given.jsonl") << R"({"turns": ["thanks"], "reply": "yes"})" << '\n';
  const auto scored = base::parse_json(
      ok({"score", run_, (folder_ / "given.jsonl").string(), "--quiet"}).out, "scored");
  EXPECT_TRUE(scored.is_object());

  const auto chat = ok({"chat", run_}, "is room 5 free?\nthanks\n/attention\n/reset\n").out;
  EXPECT_FALSE(chat.empty());
}

TEST_F(FirstLightTest, ATrainedRunIsNotTrainedAgain) {
  ok({"prepare", recipe_});
  ok({"train", recipe_, "--quiet"});
  const auto again = ok({"train", recipe_, "--quiet"});
  EXPECT_NE((again.out + again.err).find("nothing to do"), std::string::npos)
      << again.out << again.err;
  ok({"generate", run_ + "@last", "--quiet"}, "thanks\n");
}

TEST_F(FirstLightTest, AutoIsRefusedWhereSourcesAskForDifferentReplies) {
  ok({"prepare", recipe_});
  ok({"train", recipe_, "--quiet"});
  std::ofstream(folder_ / "bees.txt")
      << "1 your persona: i keep bees.\n2 hello .\thi , any honey ?\n3 yes\tgood\n";
  const auto store = (folder_ / "both").string();
  std::vector<std::string> both = {
      recipe_,
      "--set",
      "store=" + store,
      "--set",
      "data.sources=[{path: " + (folder_ / "talk.jsonl").string() +
          "}, {path: " + (folder_ / "bees.txt").string() + ", split: train}]",
      "--set",
      "data.tokenizer={path: " + (folder_ / "store/tokenizer.model").string() + "}",
      "--set",
      "run=" + run_ + "2",
      "--quiet"};
  const auto with = [&](const std::string& command) {
    auto arguments = both;
    arguments.insert(arguments.begin(), command);
    return arguments;
  };
  ok(with("prepare"));
  for (const auto& refused :
       {banter(with("train")), banter({"evaluate", run_, "--store", store, "--quiet"})}) {
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_NE(refused.err.find("jsonl, but convai2 in it asks for speaker:B"), std::string::npos)
        << refused.err;
  }
  both.insert(both.end(), {"--set", "batch.reply_by=all"});
  ok(with("train"));
}

}  // namespace
}  // namespace banter::tests
