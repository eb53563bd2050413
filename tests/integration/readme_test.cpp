#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = BANTER_SOURCE_DIR;
const std::string kProgram = BANTER_PROGRAM;

/// The lines of all fenced blocks of one language in README.md, in order.
std::vector<std::string> fenced_lines(const std::string& language) {
  std::istringstream readme(base::read_file(kRoot / "README.md"));
  std::vector<std::string> lines;
  bool inside = false;
  for (std::string line; std::getline(readme, line);) {
    if (line.starts_with("```")) {
      inside = line == "```" + language;
    } else if (inside && !line.empty()) {
      lines.push_back(line);
    }
  }
  return lines;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

/// A folder as a reader of the README sees it after cloning, with conversations of their own.
class ReadmeTest : public testing::Test {
 protected:
  ReadmeTest() {
    for (const char* name : {"scripts", "configs", ".deps"}) {
      if (fs::exists(kRoot / name)) fs::create_symlink(kRoot / name, folder_ / name);
    }
  }

  /// The command made small: what takes minutes to hours gets settings that end in seconds, a build
  /// goes to a folder of its own, and build/release/banter is the program under test.
  [[nodiscard]] std::string adapted(const std::string& command) const {
    if (command == "scripts/check") return command + " --help";  // it is what runs this test
    if (command == "scripts/quickstart") return command + " --minutes 1 --program " + kProgram;
    if (command == "scripts/setup") return command;
    if (command.starts_with("cmake --preset ")) {
      return command + " -S " + kRoot.string() + " -B build/release";
    }
    if (command.starts_with("cmake --build ")) return command + " --target banter_base";
    if (command.starts_with("build/release/banter ")) {
      const auto small = replaced(command, "build/release/banter", kProgram);
      if (command.find("banter train ") == std::string::npos) return small;
      return small + " --set model.embed_dim=16 --set model.hidden_dim=16 --set train.epochs=2";
    }
    return "";
  }

  ProcessResult run_here(const std::string& command, const std::string& input = {}) {
    return run({"bash", "-c", "cd '" + folder_.path().string() + "' && " + command}, input);
  }

  /// Two hundred conversations in the form that the README shows.
  void write_dialogues() {
    const auto shown = fenced_lines("json");
    ASSERT_EQ(shown.size(), 1U);
    ASSERT_NE(shown.front().find("\"id\": \"1\""), std::string::npos);
    ASSERT_NE(shown.front().find("until six"), std::string::npos);
    std::ofstream file(folder_ / "dialogues.jsonl");
    file << shown.front() << '\n';
    for (int i = 2; i <= 200; ++i) {
      const auto number = std::to_string(i);
      file << replaced(replaced(shown.front(), "\"id\": \"1\"", "\"id\": \"" + number + "\""),
                       "until six", "until " + number)
           << '\n';
    }
  }

  TemporaryFolder folder_;
};

TEST_F(ReadmeTest, EveryCommandRuns) {
  write_dialogues();
  const auto commands = fenced_lines("sh");
  ASSERT_GE(commands.size(), 5U);
  for (const auto& command : commands) {
    const auto small = adapted(command);
    ASSERT_NE(small, "") << "no rule here says how to run: " << command;
    if (command == "scripts/quickstart") continue;  // the next test
    std::cout << small << std::endl;
    const auto result = run_here(small, "is the shop open?\n/attention\n/reset\n");
    EXPECT_EQ(result.exit_code, 0) << command << '\n' << result.out << result.err;
  }
}

TEST_F(ReadmeTest, QuickstartOfOneMinuteAnswersAndServesWhatItTrained) {
  if (!fs::exists(kRoot / ".deps/chitchat")) {
    GTEST_SKIP() << ".deps/chitchat is missing: scripts/setup --quickstart fetches it";
  }
  const auto command = adapted("scripts/quickstart");
  const auto first = run_here(command + " --no-serve");
  ASSERT_EQ(first.exit_code, 0) << first.out << first.err;
  std::istringstream lines(first.out);
  int replies = 0;
  for (std::string line; std::getline(lines, line);) {
    const bool is_reply = line.starts_with("  A> ") || line.starts_with("  B> ");
    if (is_reply && line.size() > 5) ++replies;
  }
  EXPECT_EQ(replies, 3) << first.out;
  EXPECT_NE(first.out.find(kProgram + " chat runs/quickstart"), std::string::npos) << first.out;

  // Its last line is the page's address; it serves until it is asked to stop.
  const auto again = run_here("coproc server { exec " + command +
                              " --port 0; }\n"
                              "pid=$server_PID\n"
                              "while read -r line <&\"${server[0]}\"; do\n"
                              "  if [[ $line == http://* ]]; then\n"
                              "    curl -fsS \"$line\" && kill \"$pid\"\n"
                              "    break\n"
                              "  fi\n"
                              "done\n"
                              "wait \"$pid\"");
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_NE(again.out.find("<title>banter</title>"), std::string::npos) << again.out;
  EXPECT_NE(again.err.find("trained for 1 minutes already"), std::string::npos) << again.err;
}

TEST_F(ReadmeTest, ScriptsExplainThemselvesAndRefuseWhatTheyDoNotKnow) {
  for (const char* script : {"setup", "quickstart", "check", "lint"}) {
    const auto name = "scripts/" + std::string(script);
    const auto help = run_here(name + " --help");
    EXPECT_EQ(help.exit_code, 0) << name;
    EXPECT_NE(help.out.find(name), std::string::npos) << help.out;
    const auto wrong = run_here(name + " --nonsense");
    EXPECT_EQ(wrong.exit_code, 2) << name;
    EXPECT_NE(wrong.err.find("--help"), std::string::npos) << wrong.err;
  }
  for (const char* minutes : {"0", "-1", "soon", ""}) {
    const auto wrong = run_here("scripts/quickstart --minutes '" + std::string(minutes) + "'");
    EXPECT_EQ(wrong.exit_code, 2) << minutes;
    EXPECT_NE(wrong.err.find("positive number"), std::string::npos) << wrong.err;
  }
}

}  // namespace
}  // namespace banter::tests
