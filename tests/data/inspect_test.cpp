#include "data/inspection/inspect.h"

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/utf8.h"
#include "data/inspection/histogram.h"
#include "data/inspection/reports/corpus_report.h"
#include "data/inspection/reports/report.h"
#include "tests/data/command_output.h"
#include "tests/data/made_files.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

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
  EXPECT_EQ(o.at("why"), "JSON objects with turns");
  EXPECT_EQ(o.at("complete"), true);
  EXPECT_EQ(o.at("dialogues"), 3);
  EXPECT_EQ(o.at("turns"), 7);
  EXPECT_EQ(o.at("words"), 8);
  EXPECT_EQ(o.at("characters"), 9 + 4 + 2 + 4);
  EXPECT_EQ(o.at("bytes"), 9 + 5 + 2 + 4);
  EXPECT_EQ(o.at("copies"), 1);
  EXPECT_EQ(o.at("distinct_turns"), 5);
  EXPECT_EQ(o.at("repeated_turns"), 2);
  EXPECT_EQ(o.at("empty_turns"), 0);
  EXPECT_EQ(o.at("speakers"), 2);
  EXPECT_EQ(o.at("non_ascii_turns"), 1);
  EXPECT_EQ(o.at("most_turns").at("id"), "a");
  EXPECT_EQ(o.at("fewest_turns").at("id"), "b");
  EXPECT_EQ(o.at("longest_turn").at("turn"), 1);
  EXPECT_EQ(o.at("records_lost"), 2);
  EXPECT_EQ(o.at("problems").as_array().size(), 2U);
  EXPECT_EQ(o.at("examples").as_array().size(), 3U);
}

/// The report's lines, each without the spaces that align it.
std::string squeezed(const std::string& text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
  return out;
}

TEST_F(InspectTest, PeopleSeeTheSameWithPlaces) {
  const auto text = squeezed(output_of(data::run_inspect, {corpus(), "--quiet"}));
  for (const char* part :
       {"format jsonl (JSON objects with turns)\n", "dialogues 3\n", "turns 7 7 after joining",
        "longest turn 9 characters, turn 1 in a\n", "copies 1 dialogues", "Latin 18 letters",
        "corpus.jsonl:5: is not JSON", "corpus.jsonl:4: an id stands twice", "records left out 2\n",
        "turns a dialogue", "examples\n", " B caf\xC3\xA9\n"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST_F(InspectTest, FiguresAndTextsStayInAHundredColumns) {
  std::string words;
  for (int i = 0; i < 100; ++i) words += "\xC3\xA9tude ";
  write_file(folder_ / "wide", json_line(std::string(60, 'i'), {words, words}));
  // A short path: places are not broken.
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  std::istringstream lines(output_of(data::run_inspect, {"wide", "wide", "--quiet"}));
  std::filesystem::current_path(before);
  for (std::string line; std::getline(lines, line);)
    EXPECT_LE(base::count_code_points(line), 100U) << line;
}

TEST_F(InspectTest, ShowsAsManyExamplesAsAreAskedFor) {
  const auto examples = [&](const char* count) {
    return inspect_all({corpus(), "--examples", count}).at(0).at("examples").as_array().size();
  };
  EXPECT_EQ(examples("0"), 0U);
  EXPECT_EQ(examples("2"), 2U);
  EXPECT_EQ(examples("1000"), 3U);
  EXPECT_THROW(examples("1001"), base::UsageError);
  EXPECT_THROW(examples("-1"), base::UsageError);
}

TEST_F(InspectTest, EmptyTurnsAreTheRecordsThatOneTook) {
  write_file(folder_ / "blank", json_line("a", {"x", " ", "y", "\t"}) + json_line("b", {"x", "y"}));
  const auto path = (folder_ / "blank").string();
  const auto o = inspect_json(path);
  EXPECT_EQ(o.at("empty_turns"), 1);
  EXPECT_EQ(o.at("dialogues"), 1);
  EXPECT_NE(squeezed(output_of(data::run_inspect, {path, "--quiet"}))
                .find("empty turns 1 the first of each record that is left out for it\n"),
            std::string::npos);
}

TEST_F(InspectTest, BlankSentencesOfPairsAreNoEmptyTurns) {
  write_file(folder_ / "pairs", R"({"premise": "x", "hypothesis": " ", "label": "neutral"})"
                                "\n"
                                R"({"premise": "x", "hypothesis": "y", "label": "neutral"})");
  const auto o = inspect_json((folder_ / "pairs").string());
  EXPECT_EQ(o.at("empty_turns"), 0);
  EXPECT_EQ(o.at("records_lost"), 1);
}

TEST_F(InspectTest, CountsPersonasAndWhatStandsMoreThanOnce) {
  const std::string turns = R"(, "turns": [{"speaker": "A", "text": "x"}, )"
                            R"({"speaker": "B", "text": "X!"}], "personas": {)";
  write_file(folder_ / "talk", R"({"id": "a")" + turns + R"("A": ["one", "two"], "B": ["one"]}})" +
                                   "\n" + R"({"id": "b")" + turns + R"("A": ["one", "two"]}})" +
                                   "\n" + json_line("c", {"x?", "x"}));
  const auto o = inspect_json((folder_ / "talk").string());
  const auto& personas = o.at("personas").as_object();
  EXPECT_EQ(personas.at("dialogues"), 2);
  EXPECT_EQ(personas.at("facts"), 5);
  EXPECT_EQ(personas.at("characters"), 15);
  EXPECT_EQ(personas.at("distinct_facts"), 2);
  EXPECT_EQ(personas.at("personas"), 3);
  EXPECT_EQ(personas.at("distinct_personas"), 2);
  EXPECT_EQ(o.at("copies"), 1);
  EXPECT_EQ(o.at("normalised_copies"), 2);
}

TEST_F(InspectTest, CopiesWithoutCaseAreThoseThatCleaningLeavesOut) {
  write_file(folder_ / "talk", json_line("a", {"Caf\xC3\xA9, 5?", "\xE4\xBD\xA0\xE5\xA5\xBD"}) +
                                   json_line("b", {"caf\xC3\xA9 5", "\xE4\xBD\xA0 \xE5\xA5\xBD!"}) +
                                   json_line("c", {"Caf, 5?", "\xE4\xBD\xA0\xE5\xA5\xBD"}) +
                                   json_line("d", {":)", ":("}) + json_line("e", {":)", ":)"}) +
                                   json_line("f", {":)", ":("}));
  const auto o = inspect_json((folder_ / "talk").string());
  EXPECT_EQ(o.at("copies"), 1);
  EXPECT_EQ(o.at("normalised_copies"), 2);
  data::Problems problems;
  data::CorpusReader reader({.duplicates = "normalised"}, {}, folder_.path(), problems);
  reader.read(
      {(folder_ / "talk").string(), "auto", "auto"}, [](auto&&, const auto&) {},
      [](std::uint64_t) {}, folder_ / "talk");
  EXPECT_EQ(problems.records_lost(), 2U);
}

TEST(CorpusStatisticsTest, CountsDistractors) {
  const TemporaryFolder folder;
  data::CorpusStatistics statistics(std::make_shared<data::KeyFile>(folder.path()));
  data::Dialogue dialogue;
  dialogue.id = "a";
  dialogue.turns = {{"A", "hi", "", {}}, {"B", "hello", "", {"no", "never"}}};
  statistics.count(dialogue);
  statistics.sketch(dialogue);
  const auto figures = statistics.figures();
  EXPECT_EQ(figures.distractors, 2U);
  EXPECT_EQ(figures.turns_with_distractors, 1U);
  EXPECT_EQ(figures.words.sum(), 2U);
  std::ostringstream out;
  data::print(out, figures);
  EXPECT_NE(squeezed(out.str()).find("distractors 2 false replies, beside 1 turns"),
            std::string::npos);
}

TEST(PrintProblemsTest, CountsAreFiguresToo) {
  data::Problems problems;
  for (int i = 0; i < 7; ++i)
    problems.add({{"a.csv", "", 3, 0}, data::Severity::kCount, "a reply is a random one", "", 0});
  std::ostringstream out;
  data::print_problems(out, problems, data::Places::kSome);
  EXPECT_NE(out.str().find("counted 7: a reply is a random one"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("and 2 more"), std::string::npos) << out.str();
  EXPECT_EQ(data::to_json(problems).at(0).at("kind"), "count");
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
  EXPECT_GT(split.at("tokenizer").at("pieces_unused").as_int64(), 0);
  EXPECT_NE(prepare().find("left alone"), std::string::npos);
}

TEST_F(InspectTest, PeopleSeeWhatATokenizerCovers) {
  (void)prepare();
  const auto text =
      squeezed(output_of(data::run_inspect, {(folder_ / "store").string(), "--quiet"}));
  for (const char* part : {"store of jsonl, corpus ", "split train\n", "dialogues 3\n", " a word\n",
                           "unknown 0\n", "of its ids are used", "tokens a turn: mean"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
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

TEST_F(InspectTest, ALogHoldsALineOfWhatWasRead) {
  std::string lines;  // of more than a MB
  for (int i = 0; i < 3000; ++i)
    lines += json_line("d" + std::to_string(i), {std::string(400, 'x'), "y"});
  write_file(folder_ / "f/talk", lines);
  write_file(folder_ / "f/more", json_line("e", {"x", "y"}));
  testing::internal::CaptureStderr();
  (void)output_of(data::run_inspect, {(folder_ / "f").string()});
  const auto told = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(told.starts_with("reading 100% 1/1 MB, ")) << told;
  EXPECT_EQ(std::ranges::count(told, '\n'), 1) << told;
}

TEST_F(InspectTest, StandardInputIsReadOnce) {
  try {
    data::run_inspect({"-", corpus(), "-"});
    ADD_FAILURE() << "it was read";
  } catch (const base::UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("- is given twice"), std::string::npos);
  }
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

TEST(HistogramTest, SmallValuesMayHaveAClassEach) {
  data::Histogram histogram(8);
  for (const std::uint64_t value : {7, 8, 8, 9, 16, 17, 33}) histogram.add(value);
  std::vector<std::uint64_t> lows, highs, counts;
  for (const auto& c : histogram.classes()) {
    lows.push_back(c.low);
    highs.push_back(c.high);
    counts.push_back(c.count);
  }
  EXPECT_EQ(lows, (std::vector<std::uint64_t>{7, 8, 9, 17, 33}));
  EXPECT_EQ(highs, (std::vector<std::uint64_t>{7, 8, 16, 32, 64}));
  EXPECT_EQ(counts, (std::vector<std::uint64_t>{1, 2, 2, 1, 1}));
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

TEST(ReportTest, FaultsComeFirstThenNotesThenWhatWasAskedFor) {
  data::Problems problems;
  const data::Place place{"f", "", 1, 0};
  problems.add({place, data::Severity::kCount, "a rule", "", 1});
  problems.add({place, data::Severity::kNote, "b rule", "", 0});
  problems.add({place, data::Severity::kSkip, "c rule", "", 1});
  problems.add({place, data::Severity::kCount, "a rule", "why", 1});
  std::ostringstream out;
  data::print_problems(out, problems, data::Places::kFirst);
  EXPECT_EQ(out.str(),
            "  skipped 1: c rule\n      f:1: c rule\n"
            "  note 1: b rule\n      f:1: b rule\n"
            "  counted 2: a rule\n      f:1: a rule\n");
}

}  // namespace
}  // namespace banter::tests
