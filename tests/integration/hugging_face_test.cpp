// `banter import` and `banter export` as a person uses them.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "tests/hugging_face/fixtures.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;

using models::kFixtures;

ProcessResult banter(std::vector<std::string> arguments, const std::string& input = {}) {
  arguments.insert(arguments.begin(), BANTER_PROGRAM);
  return run(std::move(arguments), input);
}

std::string trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(' '), end = text.find_last_not_of(' ');
  return begin == std::string_view::npos ? "" : std::string(text.substr(begin, end - begin + 1));
}

/// The lines of an answer, each a JSON object.
std::vector<json::object> objects(const std::string& lines) {
  std::vector<json::object> all;
  for (std::size_t at = 0, end = 0; (end = lines.find('\n', at)) != std::string::npos; at = end + 1)
    all.push_back(base::parse_json(lines.substr(at, end - at), "answer").as_object());
  return all;
}

class ImportTest : public testing::TestWithParam<std::string> {
 protected:
  ImportTest()
      : cases_(
            models::read_object(kFixtures / "expected.json").at(GetParam()).at("cases").as_array()),
        run_((folder_ / "run").string()) {
    const auto made =
        banter({"import", (kFixtures / GetParam()).string(), run_, "--max-context-turns", "2"});
    EXPECT_EQ(made.exit_code, 0) << made.err;
  }
  TemporaryFolder folder_;
  json::array cases_;
  std::string run_;
};
INSTANTIATE_TEST_SUITE_P(, ImportTest, testing::Values("marian", "mbart", "mbart50"),
                         [](const auto& each) { return each.param; });

TEST_P(ImportTest, GenerateSaysWhatTheLibraryGenerates) {
  std::string lines;
  for (const auto& given : cases_)
    lines += json::serialize(json::object{{"turns", given.at("turns")}}) + "\n";
  const auto answered = banter({"generate", run_, "--json"}, lines);
  ASSERT_EQ(answered.exit_code, 0) << answered.err;
  const auto answers = objects(answered.out);
  ASSERT_EQ(answers.size(), cases_.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    SCOPED_TRACE(json::serialize(cases_[i].at("turns")));
    auto pieces = answers[i].at("tokens").as_array();
    if (answers[i].at("finish") == "eos") pieces.pop_back();
    EXPECT_EQ(pieces, cases_[i].at("pieces").as_array());
    EXPECT_EQ(trimmed(answers[i].at("reply").as_string()), cases_[i].at("text").as_string());
  }
}

TEST_P(ImportTest, ScoreGivesAReplyTheLogProbabilitiesThatGenerateFound) {
  const auto line = json::object{{"turns", cases_[0].at("turns")}};
  const auto said = objects(banter({"generate", run_, "--json"}, json::serialize(line) + "\n").out);
  ASSERT_EQ(said.size(), 1U);
  auto given = line;
  given["reply"] = trimmed(said[0].at("reply").as_string());
  std::ofstream(folder_ / "given.jsonl") << json::serialize(given) << "\n";
  const auto scored = banter({"score", run_, (folder_ / "given.jsonl").string()});
  ASSERT_EQ(scored.exit_code, 0) << scored.err;
  const auto score = objects(scored.out).at(0);
  const auto& pieces = score.at("pieces").as_array();
  const auto& tokens = said[0].at("tokens").as_array();
  std::size_t same = 0;  // a text may have another spelling than a model's
  while (same < tokens.size() && same < pieces.size() && pieces[same] == tokens[same]) ++same;
  for (std::size_t i = 0; i < same; ++i)
    EXPECT_NEAR(score.at("log_probs").as_array()[i].to_number<double>(),
                said[0].at("log_probs").as_array()[i].to_number<double>(), 1e-4);
}

TEST_P(ImportTest, AReverseModelGivesThePairWhatScoreGivesIt) {
  const std::string turn = "the kettle is broken";
  const auto context = json::serialize(json::object{{"turns", {turn}}}) + "\n";
  const auto made =
      banter({"generate", run_, "--json", "--method", "beam", "--beam-size", "3", "--replies", "3",
              "--min-new-tokens", "4", "--reverse", run_, "--mmi-weight", "1"},
             context);
  ASSERT_EQ(made.exit_code, 0) << made.err;
  std::string turned;
  const auto replies = objects(made.out).at(0).at("replies").as_array();
  for (const auto& reply : replies)
    turned += json::serialize(json::object{{"turns", {reply.at("reply")}}, {"reply", turn}}) + "\n";
  std::ofstream(folder_ / "turned.jsonl") << turned;
  const auto scored = objects(banter({"score", run_, (folder_ / "turned.jsonl").string()}).out);
  ASSERT_EQ(scored.size(), replies.size());
  for (std::size_t i = 0; i < scored.size(); ++i)
    EXPECT_NEAR(replies[i].at("rerank_score").to_number<double>(),
                scored[i].at("sum").to_number<double>(), 1e-3)
        << replies[i].at("reply");
}

TEST_P(ImportTest, ChatAnswersALine) {
  const auto talk = banter({"chat", run_, "--quiet"}, "the kettle is broken\nplease look\n");
  EXPECT_EQ(talk.exit_code, 0) << talk.err;
  const auto first = talk.out.substr(0, talk.out.find('\n'));
  EXPECT_EQ(trimmed(first), cases_[0].at("text").as_string());
}

TEST_P(ImportTest, TalksToItselfFromNothingOn) {
  const auto talk = banter({"chat", run_, "--self", "--turns", "2", "--json"});
  ASSERT_EQ(talk.exit_code, 0) << talk.err;
  EXPECT_EQ(objects(talk.out).size(), 3U);  // two turns and what they are together
}

TEST_P(ImportTest, ExportWritesAFolderThatIsTheSameRunAgain) {
  const auto back = (folder_ / "back").string(), again = (folder_ / "again").string();
  const auto exported = banter({"export", run_ + "@last", back});
  ASSERT_EQ(exported.exit_code, 0) << exported.err;
  ASSERT_EQ(banter({"import", back, again, "--max-context-turns", "2"}).exit_code, 0);
  EXPECT_EQ(base::read_file(fs::path(run_) / "CURRENT"),
            base::read_file(fs::path(again) / "CURRENT"));
}

TEST(ImportCommandTest, RefusalsLeaveNothingBehind) {
  const TemporaryFolder folder;
  const auto run = (folder / "run").string();
  const auto missing = banter({"import", (folder / "none").string(), run});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_NE(missing.err.find("none/config.json"), std::string::npos) << missing.err;
  const auto language =
      banter({"import", (kFixtures / "mbart").string(), run, "--target-language", "xx_XX"});
  EXPECT_EQ(language.exit_code, 1);
  EXPECT_NE(language.err.find("give one of ar_AR"), std::string::npos) << language.err;
  EXPECT_EQ(banter({"import", (kFixtures / "mbart").string()}).exit_code, 2);
  EXPECT_TRUE(fs::is_empty(folder.path()));
  ASSERT_EQ(banter({"import", (kFixtures / "mbart").string(), run}).exit_code, 0);
  const auto twice = banter({"import", (kFixtures / "mbart").string(), run});
  EXPECT_EQ(twice.exit_code, 2);
  EXPECT_NE(twice.err.find("is there already"), std::string::npos) << twice.err;
}

TEST(ImportCommandTest, TellsWhatRepliesAreChosenWithout) {
  const TemporaryFolder folder;
  fs::copy(kFixtures / "marian", folder / "marian");
  std::ofstream(folder / "marian" / "generation_config.json")
      << R"({"num_beams": 4, "early_stopping": true})";
  const auto made = banter({"import", (folder / "marian").string(), (folder / "run").string()});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_NE(made.err.find("note: replies are chosen without early_stopping true"),
            std::string::npos)
      << made.err;
}

TEST(ImportCommandTest, TurnsBeyondTheModelsAreNotRead) {
  const TemporaryFolder folder;
  const auto run = (folder / "run").string();
  ASSERT_EQ(banter({"import", (kFixtures / "marian").string(), run}).exit_code, 0);
  EXPECT_EQ(banter({"generate", run}, "is it broken ?\tlook at this\n").out,
            banter({"generate", run}, "look at this\n").out);
}

}  // namespace
}  // namespace banter::tests
