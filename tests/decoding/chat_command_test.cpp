#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <termios.h>
#include <unistd.h>

#include "base/errors.h"
#include "models/commands.h"
#include "models/hugging_face/run.h"
#include "tests/decoding/command_runs.h"
#include "tests/support/temporary_folder.h"

namespace banter::models {
namespace {

namespace json = base::json;

/// What the chat answers to these lines.
std::vector<std::string> chat(const std::string& lines, Arguments arguments = {},
                              const TinyRun& run = tiny_run()) {
  arguments.insert(arguments.begin(), run.path().string());
  arguments.insert(arguments.end(), {"--device", "cpu", "--threads", "1"});
  std::vector<std::string> answers;
  {
    Pipes pipes;
    pipes.write(lines);
    pipes.end();
    run_chat(arguments);
    std::fflush(stdout);
    ::close(STDOUT_FILENO);  // the reader sees the end
    for (auto line = pipes.read_line(); !line.empty(); line = pipes.read_line())
      answers.push_back(line);
  }
  return answers;
}

TEST(ChatCommandTest, IsAFilterWithAPipe) {
  const auto answers = chat("hello\n\nhow are you?\nfine\n", {"--min-new-tokens", "3"});
  EXPECT_EQ(answers.size(), 3U);
}

TEST(ChatCommandTest, RepliesAsGenerateDoesToTheSameHistory) {
  // The first reply is one piece, which as text is that piece again: nonsense might not be.
  static const TinyRun run("{type: hred, embed_dim: 8, hidden_dim: 12}", "{}",
                           "{max_context_turns: 4}", /*favourite=*/"1");
  const auto answers = chat("/set max_new_tokens=1\nhello\n/set max_new_tokens=9\nhow are you?\n",
                            {"--no-repeat-ngram-size", "1"}, run);
  ASSERT_EQ(answers.size(), 2U);
  const auto reply = [](const std::string& context, const char* most) {
    return output_of(run_generate, {run.path().string(), file(context + "\n"), "--max-new-tokens",
                                    most, "--no-repeat-ngram-size", "1"});
  };
  EXPECT_EQ(answers[0], "1");
  EXPECT_EQ(reply("hello", "1"), answers[0] + "\n");
  EXPECT_EQ(reply("hello\t1\thow are you?", "9"), answers[1] + "\n");
  EXPECT_NE(reply("how are you?", "9"), answers[1] + "\n") << "the history counts for nothing";
}

TEST(ChatCommandTest, DrawsAgainAsBeforeAfterAResetOrWithTheSeedSetAgain) {
  static const TinyRun forgetful("{type: hred, embed_dim: 8, hidden_dim: 12}", "{}",
                                 "{max_context_turns: 1}");
  const Arguments sample = {"--method", "sample", "--min-new-tokens", "12", "--temperature", "3"};
  for (const std::string& again : {std::string("/reset\n"), std::string("/set seed=5\n")}) {
    const auto answers =
        chat(again + "hello\nhello\n" + again + "hello\nhello\n", sample, forgetful);
    ASSERT_EQ(answers.size(), 4U);
    EXPECT_NE(answers[0], answers[1]);
    EXPECT_EQ(answers[0], answers[2]) << again;
    EXPECT_EQ(answers[1], answers[3]) << again;
  }
}

TEST(ChatCommandTest, SaysWhatIsNoCommand) {
  const auto answers = chat("/etc/fstab is broken\n/shrug\n// x\n//quit\n/quit\nhello\n/\n",
                            {"--min-new-tokens", "3"});
  EXPECT_EQ(answers.size(), 4U);
  const auto seen = chat("//quit now\n/attention\n", {"--min-new-tokens", "3"});
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_NE(seen[2].find("you: /quit now"), std::string::npos) << seen[2];
}

TEST(ChatCommandTest, TellsASettingThatTheMethodDoesNotRead) {
  const auto notes = [](const std::string& lines) {
    testing::internal::CaptureStderr();
    chat(lines);
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_NE(notes("/set top_k=3\n").find("top_k"), std::string::npos);
  EXPECT_EQ(notes("/set method=sample\n/set top_k=3\n/set max_new_tokens=3\n"), "");
}

TEST(ChatCommandTest, ObeysStopStringsAndWhatTheContextForbids) {
  const auto answers = chat("hello\n/set stop=[\" 1 1\"]\nhello\n", {}, run_that_says_one());
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0], "1 1 1 1 1 1");
  EXPECT_EQ(answers[1], "1");
  const auto others =
      chat("hello 1\n", {"--context-no-repeat-ngram-size", "1"}, run_that_says_one());
  ASSERT_EQ(others.size(), 1U);
  EXPECT_EQ(others[0].find(" 1"), std::string::npos) << others[0];
}

TEST(ChatCommandTest, ForgetsOnReset) {
  const auto answers =
      chat("hello\nhow are you?\n/reset\nhello\nhow are you?\n", {"--min-new-tokens", "3"});
  ASSERT_EQ(answers.size(), 4U);
  EXPECT_EQ(answers[0], answers[2]);
  EXPECT_EQ(answers[1], answers[3]);
}

TEST(ChatCommandTest, ShowsWhatTheReplyLookedAt) {
  const auto answers = chat("hello\nhow are you?\n/attention\n", {"--min-new-tokens", "3"});
  ASSERT_EQ(answers.size(), 6U);  // two replies, a head and three turns
  EXPECT_NE(answers[2].find("static"), std::string::npos);
  EXPECT_NE(answers[2].find("dynamic"), std::string::npos);
  EXPECT_NE(answers[3].find("you: hello"), std::string::npos);
  EXPECT_NE(answers[4].find("bot: " + answers[0]), std::string::npos);
  EXPECT_NE(answers[5].find("you: how are you?"), std::string::npos);
  EXPECT_EQ(chat("/attention on\nhello\n", {"--min-new-tokens", "3"}).size(), 3U);
}

TEST(ChatCommandTest, ChangesHowRepliesAreChosen) {
  const auto answers = chat(
      "/set max_new_tokens=1\nhello\n/set max_new_tokens=30\n"
      "/set min_new_tokens=30\n/reset\nhello\n");
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_LT(answers[0].size(), answers[1].size());
}

/// A terminal that is standard input and output for as long as this lives; no echo.
class Terminal {
 public:
  explicit Terminal(const std::string& typed) {
    master_ = ::posix_openpt(O_RDWR | O_NOCTTY);
    EXPECT_EQ(::grantpt(master_) + ::unlockpt(master_), 0);
    const int slave = ::open(::ptsname(master_), O_RDWR | O_NOCTTY);
    EXPECT_GE(slave, 0);
    termios plain{};
    EXPECT_EQ(::tcgetattr(slave, &plain), 0);
    plain.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    plain.c_oflag &= ~static_cast<tcflag_t>(OPOST);
    EXPECT_EQ(::tcsetattr(slave, TCSANOW, &plain), 0);
    EXPECT_EQ(::write(master_, typed.data(), typed.size()), static_cast<ssize_t>(typed.size()));
    std::fflush(stdout);
    saved_in_ = ::dup(STDIN_FILENO);
    saved_out_ = ::dup(STDOUT_FILENO);
    ::dup2(slave, STDIN_FILENO);
    ::dup2(slave, STDOUT_FILENO);
    ::close(slave);
  }
  ~Terminal() { (void)output(); }

  /// All that was written to it; it is no longer there then.
  std::string output() {
    std::string all;
    if (master_ < 0) return all;
    ::dup2(saved_in_, STDIN_FILENO);
    ::dup2(saved_out_, STDOUT_FILENO);
    std::array<char, 4096> bytes{};
    for (ssize_t count = 0; (count = ::read(master_, bytes.data(), bytes.size())) > 0;)
      all.append(bytes.data(), static_cast<std::size_t>(count));
    for (int* fd : {&saved_in_, &saved_out_, &master_}) ::close(std::exchange(*fd, -1));
    return all;
  }

 private:
  int master_ = -1, saved_in_ = -1, saved_out_ = -1;
};

/// How often this process has written so far; -1 where the system does not tell.
std::int64_t writes() {
  std::ifstream file("/proc/self/io");
  for (std::string name, number; file >> name >> number;)
    if (name == "syscw:") return std::stoll(number);
  return -1;
}

TEST(ChatCommandTest, ATerminalShowsAReplyWhileItIsWritten) {
  const auto typed = [](Arguments flags) {
    flags.insert(flags.begin(), {run_path(), "--device", "cpu", "--threads", "1",
                                 "--min-new-tokens", "12", "--no-repeat-ngram-size", "1"});
    Terminal terminal("hello\nhow are you?\n/quit\n");
    const auto before = writes();
    EXPECT_EQ(run_chat(flags), 0);
    const auto count = writes() - before;
    return std::pair(terminal.output(), count);
  };
  for (const Arguments& method : {Arguments{}, {"--method", "sample", "--temperature", "3"}}) {
    const auto [shown, writes_of_shown] = typed(method);
    auto at_once = method;
    at_once.emplace_back("--no-stream");
    const auto [whole, writes_of_whole] = typed(at_once);
    EXPECT_EQ(shown, whole) << "streaming changed what is said";
    EXPECT_NE(whole.find("bot> "), std::string::npos) << whole;
    EXPECT_EQ(whole.find("<"), std::string::npos) << "a control symbol: " << whole;
    if (writes() >= 0) {
      EXPECT_GT(writes_of_shown, writes_of_whole + 8);
    }
  }
}

TEST(ChatCommandTest, WhatGotNoAnswerWasNotSaid) {
  const tests::TemporaryFolder folder;  // of a model whose replies begin with a language
  import_folder(BANTER_SOURCE_DIR "/tests/fixtures/hugging_face/mbart50", folder / "run",
                {.languages = {}, .max_context_turns = 4});
  Terminal terminal(
      "/set max_new_tokens=1\nthe kettle\n/set max_new_tokens=9\nplease look\n/attention\n/quit\n");
  const auto run = (folder / "run").string();
  EXPECT_EQ(run_chat({run, "--device", "cpu", "--threads", "1"}), 0);
  const auto shown = terminal.output();
  EXPECT_NE(shown.find("max_new_tokens is 1, but every reply"), std::string::npos) << shown;
  EXPECT_NE(shown.find("you: please look"), std::string::npos) << shown;
  EXPECT_EQ(shown.find("the kettle"), std::string::npos) << shown;
  const auto alone = output_of(run_generate, {run, file("please look\n"), "--max-new-tokens", "9"});
  EXPECT_NE(shown.find("bot> " + alone), std::string::npos) << shown << "not: " << alone;
}

TEST(ChatCommandTest, ANoteOnThePersonaIsGivenOnce) {
  const auto notes = [](const std::string& batch, const std::string& lines) {
    const TinyRun run("{type: hred, embed_dim: 8, hidden_dim: 12, dropout: 0}",
                      "{max_new_tokens: 2}", batch);
    testing::internal::CaptureStderr();
    chat(lines, {"--fact", "where is the file?"}, run);
    std::vector<std::string> given;
    for (const auto& line : lines_of(testing::internal::GetCapturedStderr()))
      if (line.starts_with("note: ")) given.push_back(line);
    return given;
  };
  const auto blind = notes("{persona: none}", "/persona add fine\n/persona add today\nhi\n");
  ASSERT_EQ(blind.size(), 1U);
  EXPECT_NE(blind[0].find("without personas"), std::string::npos) << blind[0];
  const auto cut = notes("{max_turn_tokens: 2}",
                         "/persona add a\n/persona add how are you today\n/persona drop 2\n");
  ASSERT_EQ(cut.size(), 3U);
  EXPECT_NE(cut[0].find("line 1 "), std::string::npos) << cut[0];
  EXPECT_NE(cut[1].find("line 3 "), std::string::npos) << cut[1];
  EXPECT_NE(cut[2].find("line 2 "), std::string::npos) << "it is another one: " << cut[2];
}

TEST(ChatCommandTest, QuitsAndRefusesBadCommands) {
  EXPECT_TRUE(chat("/quit\nhello\n").empty());
  EXPECT_FALSE(chat("/help\n").empty());
  for (const char* bad : {"/set temperature\n", "/set temperature=-1\n", "/set no_such=1\n",
                          "/attention maybe\n", "/reset now\n", "/quit now\n", "a\xff\n"}) {
    Pipes pipes;
    pipes.write(bad);
    pipes.end();
    EXPECT_THROW(run_chat({run_path(), "--device", "cpu", "--threads", "1"}), base::Error) << bad;
  }
}

}  // namespace
}  // namespace banter::models
