// `prepare --tokenizer-only FILE`.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "data/tokenizer/tokenizer.h"
#include "tests/data/command_output.h"
#include "tests/data/made_files.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

namespace fs = std::filesystem;

class TokenizerOnlyTest : public testing::Test {
 protected:
  void SetUp() override {
    write_file(folder_ / "corpus.jsonl", json_line("a", {"hello you", "well"}) + "broken\n" +
                                             json_line("b", {"hello", "you"}));
    write_file(folder_ / "recipe.yaml", "store: " + (folder_ / "store").string() +
                                            "\ndata:\n  sources: [{path: " + corpus() +
                                            ", split: train}]\n  tokenizer: {vocab_size: 300}\n");
  }
  [[nodiscard]] std::string corpus() const { return (folder_ / "corpus.jsonl").string(); }
  [[nodiscard]] std::string model() const { return (folder_ / "words.model").string(); }

  [[nodiscard]] std::string make(const std::string& file,
                                 std::vector<std::string> more = {}) const {
    more.insert(more.end(),
                {(folder_ / "recipe.yaml").string(), "--tokenizer-only", file, "--quiet"});
    return output_of(data::run_prepare, more);
  }
  [[nodiscard]] std::string size_of_vocabulary() const {
    return std::to_string(data::Tokenizer::open(model()).vocab_size());
  }
  TemporaryFolder folder_;
};

TEST_F(TokenizerOnlyTest, TellsOfFaultsInTheCorpora) {
  testing::internal::CaptureStderr();
  const auto said = make(model());
  EXPECT_EQ(said, model() + ": made\n  vocabulary: " + size_of_vocabulary() + " ids\n");
  const auto told = testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("  skipped 1: is not JSON\n      " + corpus() + ":2: is not JSON"),
            std::string::npos)
      << told;
  EXPECT_FALSE(fs::exists(folder_ / "store"));
}

TEST_F(TokenizerOnlyTest, SaysTheSameForPrograms) {
  const auto o = base::parse_json(make(model(), {"--json"}), "prepare").as_object();
  EXPECT_EQ(o.at("tokenizer").as_string(), model());
  EXPECT_EQ(base::json::serialize(o.at("vocab_size")), size_of_vocabulary());
  EXPECT_EQ(o.at("tokenizer_sha256").as_string(), data::Tokenizer::open(model()).hash());
}

TEST_F(TokenizerOnlyTest, ReplacesAFileOnlyWhenForced) {
  write_file(model(), "mine");
  EXPECT_THROW((void)make(model()), base::DataError);
  EXPECT_EQ(read_whole(model()), "mine");
  (void)make(model(), {"--force"});
  EXPECT_NO_THROW((void)data::Tokenizer::open(model()));
}

TEST_F(TokenizerOnlyTest, MakesTheFolderOfItsFile) {
  const auto file = (folder_ / "new/folder/x.model").string();
  (void)make(file);
  EXPECT_NO_THROW((void)data::Tokenizer::open(file));
}

TEST_F(TokenizerOnlyTest, NeverReplacesAFolderOrACorpus) {
  fs::create_directory(model());
  EXPECT_THROW((void)make(model(), {"--force"}), base::FileError);
  EXPECT_THROW((void)make(corpus(), {"--force"}), base::UsageError);
  EXPECT_TRUE(read_whole(corpus()).starts_with("{"));
}

}  // namespace
}  // namespace banter::tests
