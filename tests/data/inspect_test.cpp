#include "data/inspection/inspect.h"

#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/json.h"
#include "data/commands.h"
#include "data/inspection/report.h"
#include "tests/data/made_files.h"
#include "tests/support/corpora.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

namespace json = base::json;

/// What a command writes to standard output.
template <typename Command>
std::string output_of(const Command& command, const std::vector<std::string>& arguments,
                      int wanted_code = 0) {
  testing::internal::CaptureStdout();
  int code = -1;
  try {
    code = command(arguments);
  } catch (...) {
    testing::internal::GetCapturedStdout();
    throw;
  }
  EXPECT_EQ(code, wanted_code);
  return testing::internal::GetCapturedStdout();
}

json::object inspect_json(const std::string& path, int wanted_code = 0) {
  return base::parse_json(output_of(data::run_inspect, {path, "--json", "--quiet"}, wanted_code),
                          "inspect")
      .as_object();
}

const std::string kCorpus = json_line("a", {"hello you", "caf\xC3\xA9", "ok"}) +
                            json_line("b", {"x", "y"}) + json_line("c", {"x", "y"}) +
                            json_line("b", {"again", "again"}) + "broken\n";

class InspectTest : public testing::Test {
 protected:
  void SetUp() override { write_file(folder_ / "corpus.jsonl", kCorpus); }
  [[nodiscard]] std::string corpus() const { return (folder_ / "corpus.jsonl").string(); }
  /// Makes the store of the corpus. Returns what the command says
  [[nodiscard]] std::string prepare() const {
    const auto recipe = folder_ / "recipe.yaml";
    write_file(recipe, "store: " + (folder_ / "store").string() + "\ndata:\n  sources: [{path: " +
                           corpus() + ", split: train}]\n  tokenizer: {vocab_size: 350}\n");
    return output_of(data::run_prepare, {recipe.string(), "--quiet"});
  }
  TemporaryFolder folder_;
};

TEST_F(InspectTest, CountsACorpus) {
  const auto o = inspect_json(corpus());
  EXPECT_EQ(o.at("format"), "jsonl");
  EXPECT_EQ(o.at("complete"), true);
  EXPECT_EQ(o.at("dialogues"), 3);
  EXPECT_EQ(o.at("turns"), 7);
  EXPECT_EQ(o.at("words"), 8);
  EXPECT_EQ(o.at("characters"), 9 + 4 + 2 + 4);
  EXPECT_EQ(o.at("bytes"), 9 + 5 + 2 + 4);
  EXPECT_EQ(o.at("copies"), 1);
  EXPECT_EQ(o.at("speakers"), 2);
  EXPECT_EQ(o.at("non_ascii_turns"), 1);
  EXPECT_EQ(o.at("most_turns").at("id"), "a");
  EXPECT_EQ(o.at("records_lost"), 2);
  EXPECT_EQ(o.at("problems").as_array().size(), 2U);
  EXPECT_EQ(o.at("examples").as_array().size(), 3U);
}

TEST_F(InspectTest, PeopleSeeTheSameWithPlaces) {
  const auto text = output_of(data::run_inspect, {corpus(), "--quiet"});
  for (const char* part : {"format jsonl", "dialogues 3", "corpus.jsonl:5: is not JSON",
                           "corpus.jsonl:4: an id stands twice", "turns a dialogue", "examples:"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST_F(InspectTest, ADamagedFileShowsWhatCameBeforeAndFails) {
  std::string many;
  for (int i = 0; i < 2000; ++i)
    many += json_line("d" + std::to_string(i), {std::to_string(i * 7919), std::to_string(i)});
  const auto packed = gzip(many);
  write_file(folder_ / "cut.gz", packed.substr(0, packed.size() * 7 / 10));
  const auto o = inspect_json((folder_ / "cut.gz").string(), 1);
  EXPECT_EQ(o.at("complete"), false);
  EXPECT_EQ(o.at("format"), "jsonl");
  EXPECT_EQ(o.at("files"), 1);
  EXPECT_GT(o.at("dialogues").as_int64(), 100);
  EXPECT_NE(std::string(o.at("damage").as_string()).find("cut"), std::string::npos);
}

TEST_F(InspectTest, AStoreShowsTheSameFiguresFromIds) {
  EXPECT_NE(prepare().find("made"), std::string::npos);
  const auto o = inspect_json((folder_ / "store").string());
  EXPECT_EQ(o.at("kind"), "store");
  const auto& split = o.at("splits").at(0).as_object();
  EXPECT_EQ(split.at("dialogues"), 3);
  EXPECT_EQ(split.at("words"), 8);
  EXPECT_EQ(split.at("characters"), 19);
  EXPECT_EQ(split.at("copies"), 1);
  EXPECT_EQ(split.at("tokenizer").at("unknown"), 0);
  EXPECT_GT(split.at("tokenizer").at("tokens").as_int64(), 8);
  EXPECT_NE(prepare().find("left alone"), std::string::npos);
}

TEST_F(InspectTest, ADamagedStoreIsAnErrorThatNamesTheFile) {
  (void)prepare();
  const auto tokens = folder_ / "store/train/tokens.bin";
  const auto complaint = [&]() -> std::string {
    try {
      data::run_inspect({(folder_ / "store").string(), "--quiet"});
    } catch (const base::Error& error) {
      return error.what();
    }
    return "";
  };
  flip_a_bit(tokens);  // another word: only its hash can tell
  EXPECT_NE(complaint().find("train/tokens.bin: its SHA-256"), std::string::npos) << complaint();
  std::filesystem::remove(tokens);
  EXPECT_NE(complaint().find("train/tokens.bin"), std::string::npos) << complaint();
}

TEST_F(InspectTest, AMissingPathIsAnErrorAndNoPathIsWrongUsage) {
  EXPECT_THROW(data::run_inspect({(folder_ / "none").string(), "--quiet"}), base::FileError);
  EXPECT_THROW(data::run_inspect({}), base::UsageError);
  EXPECT_THROW(data::run_inspect({corpus(), "--format", "docx"}), base::UsageError);
}

TEST(InspectHelpTest, NamesEveryFormat) {
  const auto help = output_of(data::run_inspect, {"--help"});
  for (const auto& format : data::formats())
    EXPECT_NE(help.find(format.name), std::string::npos) << format.name << help;
}

TEST(HistogramTest, ClassesDoubleAndHoldEverythingOnce) {
  data::Histogram histogram;
  for (std::uint64_t value = 0; value <= 9; ++value) histogram.add(value);
  std::vector<std::uint64_t> counts;
  for (const auto& c : histogram.classes()) counts.push_back(c.count);
  EXPECT_EQ(counts, (std::vector<std::uint64_t>{1, 1, 1, 2, 4, 1}));  // 0 1 2 3-4 5-8 9-16
  EXPECT_EQ(histogram.min(), 0U);
  EXPECT_EQ(histogram.max(), 9U);
  EXPECT_EQ(histogram.mean(), 4.5);
}

TEST(HistogramTest, TheLargestNumberHasAClassToo) {
  data::Histogram histogram;
  histogram.add(UINT64_MAX);
  const auto classes = histogram.classes();
  ASSERT_EQ(classes.size(), 1U);
  EXPECT_EQ(classes[0].low, (std::uint64_t{1} << 63) + 1);
  EXPECT_EQ(classes[0].high, UINT64_MAX);
  EXPECT_TRUE(data::Histogram().classes().empty());
}

struct Published {
  const char* file;
  int dialogues, turns, joined, words, characters, bytes, fewest, most, longest, speakers, copies;
  int facts;
};

TEST(InspectCorporaTest, FiguresAreThePublishedOnes) {
  constexpr int kNone = -1;  // "?" cannot be joined
  const std::vector<Published> table = {
      {"ubuntu/valid", 743, 6491, 4667, 61013, 331391, 331427, 3, 99, 456, 650, 0, 0},
      {"ubuntu_multiparty/valid", 187, 2133, 1593, 20951, 119400, 119435, 2, 68, 399, 276, 0, 0},
      {"opensubtitles/valid", 1296, 5322, kNone, 48353, 254728, 254768, 4, 9, 325, 1, 3, 0},
      {"dailydialog/valid", 989, 7965, 7965, 107169, 475833, 475883, 2, 31, 791, 2, 5, 0},
      {"persona/valid", 500, 7834, 7834, 83580, 358665, 358666, 14, 26, 103, 2, 0, 4492},
  };
  for (const auto& row : table) {
    const std::string file = std::string(row.file) + ".jsonl.gz";
    if (const auto why = missing_corpus(file); !why.empty()) GTEST_SKIP() << why;
    const auto o = inspect_json(corpora() / file);
    EXPECT_EQ(o.at("records_lost"), 0) << file;
    EXPECT_EQ(o.at("dialogues"), row.dialogues) << file;
    EXPECT_EQ(o.at("turns"), row.turns) << file;
    if (row.joined == kNone)
      EXPECT_TRUE(o.at("joined_turns").is_null()) << file;
    else
      EXPECT_EQ(o.at("joined_turns"), row.joined) << file;
    EXPECT_EQ(o.at("words"), row.words) << file;
    EXPECT_EQ(o.at("characters"), row.characters) << file;
    EXPECT_EQ(o.at("bytes"), row.bytes) << file;
    EXPECT_EQ(o.at("fewest_turns"), row.fewest) << file;
    EXPECT_EQ(o.at("most_turns").at("value"), row.most) << file;
    EXPECT_EQ(o.at("longest_turn").at("characters"), row.longest) << file;
    EXPECT_EQ(o.at("speakers"), row.speakers) << file;
    EXPECT_EQ(o.at("copies"), row.copies) << file;
    EXPECT_EQ(o.at("facts"), row.facts) << file;
  }
}

}  // namespace
}  // namespace banter::tests
