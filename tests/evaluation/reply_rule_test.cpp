#include "train/evaluation/reply_rule.h"

#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "configs/section.h"
#include "data/preparation/prepare.h"
#include "tests/support/temporary_folder.h"

namespace banter::train {
namespace {

class CheckReplyByTest : public testing::Test {
 protected:
  CheckReplyByTest() {
    std::ofstream(folder_ / "bees.txt")
        << "1 your persona: i keep bees.\n2 hello .\thi , any honey ?\n3 yes\tgood\n";
    std::ofstream(folder_ / "talk.jsonl")
        << R"({"id": "1", "turns": [{"speaker": "Ann", "text": "is it on ?"},)"
        << R"( {"speaker": "Bo", "text": "it is"}]})"
        << "\n";
    std::ofstream(folder_ / "eou.txt") << "how are you ? __eou__ fine . __eou__ good __eou__\n";
    std::ofstream(folder_ / "pairs.jsonl")
        << R"({"premise": "we sail .", "hypothesis": "we row .", "label": "neutral"})"
        << "\n";
  }

  /// What is said of a store of these files; "" = nothing.
  std::string said_of(const std::vector<std::string>& files, const std::string& reply_by = "auto") {
    data::PrepareRequest request;
    request.store = folder_ / ("store" + std::to_string(++stores_));
    for (const auto& file : files)
      request.data.sources.push_back({(folder_ / file).string(), "train", "auto"});
    request.data.tokenizer.vocab_size = 320;
    request.quiet = true;
    data::prepare(request);
    try {
      check_reply_by(reply_by, data::Store::open(request.store));
    } catch (const configs::ConfigError& error) {
      return error.what();
    }
    return "";
  }

  tests::TemporaryFolder folder_;
  int stores_ = 0;
};

TEST_F(CheckReplyByTest, AutoIsRefusedWhereSourcesAskForDifferentReplies) {
  const auto said = said_of({"bees.txt", "talk.jsonl"});
  EXPECT_NE(said.find("auto takes speaker:B by the first source of "), std::string::npos) << said;
  EXPECT_NE(said.find(", convai2, but jsonl in it asks for all; set batch.reply_by"),
            std::string::npos)
      << said;
  EXPECT_NE(said_of({"talk.jsonl", "bees.txt"}).find("takes all"), std::string::npos);
  EXPECT_EQ(said_of({"bees.txt", "talk.jsonl"}, "all"), "");
}

TEST_F(CheckReplyByTest, AutoIsTakenWhereTheyAgreeOrHoldNoDialogue) {
  EXPECT_EQ(said_of({"talk.jsonl", "eou.txt"}), "");
  EXPECT_EQ(said_of({"bees.txt", "pairs.jsonl"}), "");
  EXPECT_EQ(said_of({"pairs.jsonl"}), "");
  EXPECT_NE(said_of({"pairs.jsonl", "bees.txt"}).find("but convai2 in it asks for speaker:B"),
            std::string::npos)
      << "it goes by the first source all the same";
}

}  // namespace
}  // namespace banter::train
