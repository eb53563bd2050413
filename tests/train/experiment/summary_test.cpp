#include "train/experiment/summary.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/hash.h"
#include "tests/support/temporary_folder.h"
#include "train/experiment/comparison_report.h"
#include "train/metrics/statistics/holm.h"

namespace banter::train {
namespace {

/// Results as finished cells leave them: two rows, `seeds` runs each, of `dialogues` replies.
class SummaryTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.folder = "grid";
    options_.rows = {{.name = "base", .changes = {}}, {.name = "other", .changes = {}}};
    options_.baseline = "base";
    options_.trials = 500;
    options_.evaluate.metrics = {"nll_word", "f1"};
    for (std::int64_t seed = 1; seed <= 3; ++seed)
      for (const auto* row : {"base", "other"})
        cells_.push_back(
            {.row = row, .seed = seed, .name = std::string(row) + "/seed-" + std::to_string(seed)});
  }

  /// A run whose replies cost `nats` each, over two words, with a small wave over dialogues.
  [[nodiscard]] CellResult result(std::size_t cell, double nats, const std::string& reply) const {
    CellResult run;
    run.cell = &cells_.at(cell);
    run.version = "1";
    run.facts = {
        .device = "cpu", .threads = 1, .parameters = 5, .steps = 10, .labels = 100, .why = "steps"};
    for (std::uint64_t d = 0; d < 30; ++d) {
      const double wave = 0.01 * static_cast<double>(d % 3);
      run.likelihoods.push_back({.dialogue = d,
                                 .turn = 1,
                                 .group = d,
                                 .sums = {.nll = nats + wave,
                                          .labels = 3,
                                          .correct = 1,
                                          .words = 2,
                                          .bytes = 9,
                                          .replies = 1}});
      run.samples.push_back(
          {.reply = reply, .references = {"yes"}, .context = {"well ?"}, .group = d});
    }
    return run;
  }

  std::vector<Cell> cells_;
  ExperimentOptions options_;
};

TEST_F(SummaryTest, MeansSpreadsAndDifferencesByHand) {
  GridResults results;
  const double base[] = {4, 6, 8}, other[] = {2, 5, 5};
  for (std::size_t seed = 0; seed < 3; ++seed) {
    results.finished.push_back(result(2 * seed, base[seed], "no"));
    results.finished.push_back(result(2 * seed + 1, other[seed], "yes"));
  }
  const auto summary = summarise(results, options_);
  // nll a word: (nats + 0.01) / 2 each: base 2.005, 3.005, 4.005.
  const auto& spread = summary.values[0][0].spread;
  EXPECT_NEAR(spread.mean, 3.005, 1e-9);
  EXPECT_NEAR(spread.deviation, 1, 1e-9);
  ASSERT_EQ(summary.differences.size(), 2U);
  const auto& first = summary.differences[0];
  EXPECT_EQ(first.row, "other");
  EXPECT_NEAR(first.spread.mean, -1, 1e-9) << "-1, -0.5, -1.5";
  EXPECT_NEAR(first.spread.deviation, 0.5, 1e-9);
  EXPECT_NEAR(first.spread.interval->high, -1 + 4.3026527297 * 0.5 / std::sqrt(3), 1e-6);
  EXPECT_NEAR(first.p, 1.0 / 501, 1e-12) << "the same sign in all dialogues";
  EXPECT_NEAR(summary.differences[1].spread.mean, 1, 1e-9) << "f1 0 against 1";
  const auto adjusted = holm(std::vector{first.p, summary.differences[1].p});
  EXPECT_EQ(first.p_holm, adjusted[0]);
  EXPECT_EQ(summary.differences[1].p_holm, adjusted[1]);
  EXPECT_TRUE(summary.notes.empty()) << summary.notes.front();
}

/// Two rows at two fractions, one seed.
class AxisTest : public SummaryTest {
 protected:
  void SetUp() override {
    SummaryTest::SetUp();
    options_.rows.clear();
    cells_.clear();
    for (const auto* name : {"full", "none"})
      for (const double fraction : {1.0, 0.125}) {
        const auto place = fraction == 1 ? "fraction-1" : "fraction-0.125";
        const auto row = std::string(name) + "-" + place;
        options_.rows.push_back(
            {.name = row,
             .changes = {},
             .at = {{.axis = "", .name = name, .number = std::nullopt},
                    {.axis = "train.fraction", .name = place, .number = fraction}}});
        cells_.push_back({.row = row, .seed = 1, .name = row + "/seed-1"});
      }
    options_.baseline = "full";
    options_.evaluate.metrics = {"nll_word"};
    const double nats[] = {4, 8, 6, 14};
    for (std::size_t i = 0; i < 4; ++i) results_.finished.push_back(result(i, nats[i], "no"));
  }
  GridResults results_;
};

TEST_F(AxisTest, EachRowIsTestedAgainstTheBaselineAtItsOwnPlace) {
  const auto summary = summarise(results_, options_);
  ASSERT_EQ(summary.differences.size(), 2U);
  EXPECT_EQ(summary.differences[0].row, "none-fraction-1");
  EXPECT_EQ(summary.differences[0].baseline, "full-fraction-1");
  EXPECT_NEAR(summary.differences[0].spread.mean, 1, 1e-9) << "(6 - 4) / 2";
  EXPECT_EQ(summary.differences[1].baseline, "full-fraction-0.125");
  EXPECT_NEAR(summary.differences[1].spread.mean, 3, 1e-9) << "(14 - 8) / 2";
  const auto text = to_markdown(comparison_document(results_, summary, options_));
  EXPECT_NE(text.find("Row minus the row that differs from it by full alone"), std::string::npos);
  EXPECT_NE(text.find("| none-fraction-0.125 | full-fraction-0.125 | nll_word | 3.000 |"),
            std::string::npos)
      << text;
  const auto report = comparison_json(results_, summary, options_);
  EXPECT_EQ(report.at("differences").at(1).at("baseline").as_string(), "full-fraction-0.125");
}

TEST_F(AxisTest, AMetricIsDrawnOverTheAxisALineForEachRow) {
  const auto drawn = [&]() -> std::string {
    const auto document = comparison_document(results_, summarise(results_, options_), options_);
    for (const auto& block : document.blocks)
      if (const auto* figure = std::get_if<Figure>(&block))
        if (figure->file == "figures/train.fraction-nll_word.svg") return figure->svg;
    return "";
  };
  const auto svg = drawn();
  EXPECT_NE(svg.find(">nll_word over train.fraction</text>"), std::string::npos);
  for (const auto* text : {">0.125</text>", ">1</text>", ">full</text>", ">none</text>"})
    EXPECT_NE(svg.find(text), std::string::npos) << text;
  EXPECT_EQ(svg.find("fraction-1<"), std::string::npos) << "lines are named without their places";
  std::size_t lines = 0;
  for (auto at = svg.find("<polyline"); at != std::string::npos; at = svg.find("<polyline", at + 1))
    ++lines;
  EXPECT_EQ(lines, 2U);
  results_.finished.resize(1);
  EXPECT_EQ(drawn(), "") << "one place is no line";
  const auto text =
      to_markdown(comparison_document(results_, summarise(results_, options_), options_));
  EXPECT_EQ(text.find("Over train.fraction"), std::string::npos) << "nor is there anything to head";
}

TEST_F(AxisTest, RunsOnOtherPartsHaveOtherLabels) {
  for (std::size_t i = 0; i < 4; ++i) {
    results_.finished[i].facts.labels = i % 2 == 0 ? 100 : 90;
    results_.finished[i].facts.learned_from = {{"dialogues", i % 2 == 0 ? 8 : 1},
                                               {"replies", i % 2 == 0 ? 80 : 10}};
  }
  EXPECT_TRUE(summarise(results_, options_).notes.empty()) << "orders differ by what is learned";
  const auto text =
      to_markdown(comparison_document(results_, summarise(results_, options_), options_));
  EXPECT_NE(text.find("| full-fraction-0.125/seed-1 | 1 | 10 | - | 10 | 90 |"), std::string::npos)
      << text;
  results_.finished[3].facts.labels = 91;
  const auto notes = summarise(results_, options_).notes;
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(
      notes[0].find("seed 1 on 10 examples learned from different numbers of labels (90 to 91)"),
      std::string::npos)
      << notes[0];
}

TEST_F(SummaryTest, OnlyPairsOfEqualSeedsAreCompared) {
  GridResults results;
  results.finished.push_back(result(0, 4, "no"));   // base, seed 1
  results.finished.push_back(result(3, 2, "yes"));  // other, seed 2
  results.open.push_back({.cell = &cells_[1], .state = CellState::kNew});
  const auto summary = summarise(results, options_);
  EXPECT_TRUE(summary.differences.empty());
  ASSERT_EQ(summary.notes.size(), 1U);
  EXPECT_EQ(summary.notes[0], "1 of 3 runs are not finished: this is a part of the comparison.");
}

TEST_F(SummaryTest, RunsOnOtherRepliesAreNotCompared) {
  GridResults results;
  results.finished.push_back(result(0, 4, "no"));
  results.finished.push_back(result(1, 2, "yes"));
  results.finished[1].likelihoods[4].turn = 3;
  const auto summary = summarise(results, options_);
  EXPECT_TRUE(summary.differences.empty());
  ASSERT_EQ(summary.notes.size(), 1U);
  EXPECT_NE(summary.notes[0].find("measured on other replies"), std::string::npos);
}

TEST_F(SummaryTest, UnequalWorkIsSaid) {
  GridResults results;
  results.finished.push_back(result(0, 4, "no"));
  results.finished.push_back(result(1, 2, "yes"));
  results.finished[1].facts.labels = 120;
  results.finished[1].facts.why = "minutes";
  const auto summary = summarise(results, options_);
  ASSERT_EQ(summary.notes.size(), 2U);
  EXPECT_NE(summary.notes[0].find("seed 1 learned from different numbers of labels (100 to 120)"),
            std::string::npos);
  EXPECT_NE(summary.notes[1].find("stopped by the clock"), std::string::npos);
}

TEST_F(SummaryTest, AMetricOfTheModelIsTakenFromItsAnswer) {
  options_.evaluate.metrics = {"perturb_shuffle_turns"};
  GridResults results;
  results.finished.push_back(result(0, 4, "no"));
  results.finished[0].measured =
      base::parse_json(
          R"({"perturb": {"perturb_shuffle_turns": {"value": 0.25, "low": 0.2, "high": 0.3}}})",
          "test")
          .as_object();
  const auto summary = summarise(results, options_);
  EXPECT_EQ(summary.values[0][0].spread.mean, 0.25);
  EXPECT_EQ(summary.values[0][0].runs[0].test_set->high, 0.3);
  EXPECT_TRUE(std::isnan(summary.values[1][0].spread.mean)) << "a row without runs";
}

/// A run of which `banter evaluate` said the hits, dialogue by dialogue those that are true in
/// `hit`.
CellResult with_hits(CellResult run, bool (*hit)(std::uint64_t dialogue)) {
  std::vector<Rank> ranks;
  ranks.reserve(30);
  for (std::uint64_t d = 0; d < 30; ++d)
    ranks.push_back({.group = d, .rank = hit(d) ? 1U : 2U, .candidates = 4});
  const std::vector ks = {1U};
  run.measured = {
      {"ranking", Ranking(ranks, ks, "rank_score:mean|checkpoint:abc|data:d").to_json()}};
  run.sums.add_hits(ranks, ks);
  return run;
}

TEST_F(SummaryTest, MetricsOfTheModelAreTestedByTheirSumsInDialogues) {
  options_.evaluate.metrics = {"hits_1"};
  GridResults results;
  for (std::size_t seed = 0; seed < 3; ++seed) {
    results.finished.push_back(
        with_hits(result(2 * seed, 4, "no"), [](std::uint64_t d) { return d < 3; }));
    results.finished.push_back(
        with_hits(result(2 * seed + 1, 4, "no"), [](std::uint64_t d) { return d < 27; }));
  }
  const auto summary = summarise(results, options_);
  ASSERT_EQ(summary.differences.size(), 1U);
  EXPECT_NEAR(summary.differences[0].spread.mean, 0.9 - 0.1, 1e-12);
  EXPECT_EQ(summary.differences[0].spread.count, 3U);
  EXPECT_NEAR(summary.differences[0].p, 1.0 / 501, 1e-12);

  results.finished[1].sums.add_hits(std::vector<Rank>{{.group = 50, .candidates = 4}},
                                    std::vector{1U});
  const auto other = summarise(results, options_);
  EXPECT_EQ(other.differences[0].seeds, (std::vector<std::int64_t>{2, 3}));
  ASSERT_EQ(other.notes.size(), 1U);
  EXPECT_NE(other.notes[0].find("measured on other replies"), std::string::npos);
}

TEST_F(SummaryTest, EveryValueHasItsSignature) {
  options_.evaluate.metrics = {"nll_word", "f1", "hits_1"};
  GridResults results;
  for (const std::size_t cell : {0U, 1U}) {
    results.finished.push_back(
        with_hits(result(cell, 4, "no"), [](std::uint64_t d) { return d < 3; }));
    results.finished.back().measured["signature"] =
        "checkpoint:" + std::to_string(cell) + "|tokenizer:t|version:x";
  }
  const auto summary = summarise(results, options_);
  EXPECT_EQ(summary.values[1][0].runs[0].signature, "nll_word|checkpoint:1|tokenizer:t|version:x");
  EXPECT_TRUE(summary.values[0][1].runs[0].signature.starts_with("f1|nrefs:1|case:lc|tok:f1|"));
  EXPECT_TRUE(summary.values[0][2].runs[0].signature.starts_with("hits_1|rank_score:mean|"));
  const auto text = to_markdown(comparison_document(results, summary, options_));
  EXPECT_NE(text.find("```text\nnll_word|tokenizer:t|version:x\nf1|nrefs:1|"), std::string::npos)
      << "once, however many runs: " << text;
  const auto json = comparison_json(results, summary, options_);
  EXPECT_EQ(json.at("rows").at(0).at("metrics").at("nll_word").at("by_seed").at(0).at("signature"),
            "nll_word|checkpoint:0|tokenizer:t|version:x");
}

/// A run that was asked about 20 entailed and 20 contradicted pairs: nats of either kind.
CellResult with_pairs(CellResult run, double entailed, double contradicted) {
  run.pairs.readings = {"ppl", "ppl_d1"};
  for (std::uint64_t p = 0; p < 40; ++p) {
    const bool is_entailed = p % 2 == 0;
    run.pairs.pairs.push_back(
        {.pair = p,
         .group = p / 2,
         .label = is_entailed ? data::Label::kEntailment : data::Label::kContradiction,
         .labels = 2,
         .nll = {{.own = is_entailed ? entailed : contradicted, .shuffled = 4},
                 {.own = 1, .shuffled = 1}}});
  }
  run.measured["pairs"] = {{"signature", "checkpoint:abc|split:valid"}, {"data", "d"}};
  return run;
}

TEST_F(SummaryTest, MetricsOfPairsHaveValuesIntervalsAndTests) {
  options_.evaluate.metrics = {"log_delta_p", "pair_gain", "ppl_d1.pair_margin"};
  options_.evaluate.pairs = "pairs";
  GridResults results;
  for (std::size_t seed = 0; seed < 3; ++seed) {
    results.finished.push_back(with_pairs(result(2 * seed, 4, "no"), 4, 4));
    results.finished.push_back(with_pairs(result(2 * seed + 1, 4, "no"), 2, 6));
  }
  const auto summary = summarise(results, options_);
  const auto& gain = summary.values[1][1];
  EXPECT_NEAR(gain.spread.mean, (4.0 - 2) / 2 - (4.0 - 6) / 2, 1e-12);
  EXPECT_NEAR(gain.runs[0].test_set->low, 2, 1e-12) << "all groups are alike";
  EXPECT_EQ(gain.runs[0].signature, "pair_gain|likelihood:ppl|checkpoint:abc|split:valid");
  EXPECT_EQ(summary.values[1][2].runs[0].signature,
            "pair_margin|likelihood:ppl_d1|checkpoint:abc|split:valid");
  ASSERT_EQ(summary.differences.size(), 3U);
  EXPECT_NEAR(summary.differences[0].spread.mean, 6.0 / 2 - 2.0 / 2, 1e-12);
  EXPECT_NEAR(summary.differences[0].p, 1.0 / 501, 1e-12);
  EXPECT_NEAR(summary.differences[1].p, 1.0 / 501, 1e-12);
  EXPECT_EQ(summary.differences[2].p, 1) << "ppl_d1 is the same in both";
  EXPECT_EQ(summary.columns[2].name, "ppl_d1.pair_margin");
}

TEST_F(SummaryTest, ALikelihoodThatARowHasNotIsNoValueAndNoTest) {
  options_.evaluate.metrics = {"pair_gain", "ppl_d1.pair_gain"};
  options_.evaluate.pairs = "pairs";
  GridResults results;
  results.finished.push_back(with_pairs(result(0, 4, "no"), 4, 4));
  results.finished.push_back(with_pairs(result(1, 4, "no"), 2, 6));
  auto& base = results.finished[0].pairs;
  base.readings.pop_back();
  for (auto& pair : base.pairs) pair.nll.pop_back();
  const auto summary = summarise(results, options_);
  EXPECT_TRUE(std::isnan(summary.values[0][1].spread.mean));
  EXPECT_EQ(summary.values[0][1].runs[0].signature, "");
  EXPECT_EQ(summary.values[1][1].spread.mean, 0);
  ASSERT_EQ(summary.differences.size(), 1U);
  EXPECT_EQ(summary.differences[0].column, 0U);
}

TEST_F(SummaryTest, RunsOnOtherPairsAreNotCompared) {
  options_.evaluate.metrics = {"pair_gain"};
  options_.evaluate.pairs = "pairs";
  GridResults results;
  results.finished.push_back(with_pairs(result(0, 4, "no"), 4, 4));
  results.finished.push_back(with_pairs(result(1, 4, "no"), 2, 6));
  EXPECT_EQ(summarise(results, options_).differences.size(), 1U);
  results.finished[1].measured["pairs"].as_object()["data"] = "other";
  const auto by_data = summarise(results, options_);
  EXPECT_TRUE(by_data.differences.empty());
  EXPECT_NE(by_data.notes.at(0).find("on other replies or pairs"), std::string::npos);
  results.finished[1].measured["pairs"].as_object()["data"] = "d";
  results.finished[1].pairs.pairs.pop_back();
  EXPECT_TRUE(summarise(results, options_).differences.empty());
}

TEST_F(SummaryTest, VectorsAreNamedWithTheirHashAndCoverage) {
  const tests::TemporaryFolder folder;
  base::write_durably(folder / "v.txt", "yes 1 0\nno 0 1\n");
  options_.evaluate.metrics = {"embed_avg"};
  options_.evaluate.vectors = (folder / "v.txt").string();
  GridResults results;
  results.finished.push_back(result(0, 4, "no"));
  results.finished.push_back(result(1, 4, "never"));
  const auto summary = summarise(results, options_);
  const auto json = comparison_json(results, summary, options_);
  EXPECT_EQ(json.at("vectors").at("hash").as_string(), base::sha256_hex("yes 1 0\nno 0 1\n"));
  EXPECT_EQ(json.at("vectors").at("coverage").at("replies").as_double(), 0.5) << "of both rows";
  const auto text = to_markdown(comparison_document(results, summary, options_));
  EXPECT_NE(text.find("50.0 % of the words of all replies and 100.0 % of those of the references"),
            std::string::npos)
      << text;
}

TEST_F(SummaryTest, HowRunsWereMeasuredAndChosenIsSaid) {
  GridResults results;
  results.finished.push_back(result(0, 4, "no"));
  results.finished.push_back(result(1, 2, "yes"));
  results.finished[1].measured_by = "2";
  cells_[0].valid_split = "valid";
  const auto notes = summarise(results, options_).notes;
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_EQ(notes[0], "The runs were measured by different versions of the program.");
  EXPECT_NE(notes[1].find("chosen on the split valid, on which they are measured"),
            std::string::npos);
  options_.evaluate.split = "test";
  EXPECT_EQ(summarise(results, options_).notes.size(), 1U);
}

TEST_F(SummaryTest, CommandsMakeARunAgainInAShell) {
  options_.evaluate.decoding = {"decoding.stop=[it's]"};
  GridResults results;
  results.finished.push_back(result(0, 4, "no"));
  results.finished[0].facts.threads = 3;
  const auto summary = summarise(results, options_);
  const auto report = comparison_json(results, summary, options_);
  const auto& commands = report.at("runs").at(0).at("commands").as_array();
  ASSERT_EQ(commands.size(), 2U);
  for (const auto& command : commands)
    EXPECT_TRUE(std::string(command.as_string()).ends_with(" --threads 3")) << command;
  EXPECT_NE(std::string(commands[1].as_string()).find("--set 'decoding.stop=[it'\\''s]'"),
            std::string::npos)
      << commands[1];
}

TEST_F(SummaryTest, WithoutSamplesNoLogIsQuoted) {
  GridResults results;
  results.open.push_back({.cell = &cells_[0],
                          .command = "train",
                          .exit_code = 1,
                          .log = "talk.jsonl:3: \"my secret\""});
  options_.samples = 0;
  const auto summary = summarise(results, options_);
  EXPECT_EQ(to_markdown(comparison_document(results, summary, options_)).find("secret"),
            std::string::npos);
  EXPECT_EQ(base::pretty_json(comparison_json(results, summary, options_)).find("secret"),
            std::string::npos);
  options_.samples = 1;
  EXPECT_NE(to_markdown(comparison_document(results, summary, options_)).find("secret"),
            std::string::npos);
}

/// The mean is that of the run that has a value, and so is its interval.
TEST_F(SummaryTest, ABarOfASingleRunHasTheIntervalOfThatRun) {
  GridResults results;
  results.finished.push_back(result(0, 4, "no"));
  results.finished.push_back(result(2, 4, "no"));
  results.finished[0].likelihoods.clear();
  options_.evaluate.metrics = {"nll_word"};
  options_.rows.pop_back();
  options_.baseline = "";
  const auto document = comparison_document(results, summarise(results, options_), options_);
  std::size_t bars = 0;
  for (const auto& block : document.blocks)
    if (const auto* figure = std::get_if<Figure>(&block)) {
      ++bars;
      EXPECT_NE(figure->svg.find("stroke-width=\"1.2\""), std::string::npos) << "no whisker";
    }
  EXPECT_EQ(bars, 1U);
}

TEST_F(SummaryTest, TheDocumentHasTheNumbersAndNoSampleWhenNoneIsWanted) {
  GridResults results;
  results.finished.push_back(result(0, 4, "no idea"));
  results.finished.push_back(result(1, 2, "yes"));
  options_.samples = 1;
  const auto summary = summarise(results, options_);
  const auto text = to_markdown(comparison_document(results, summary, options_));
  EXPECT_NE(text.find("| base | 1 | 2.005 | 0.0000 |"), std::string::npos) << text;
  EXPECT_NE(text.find("| other | -1.000 (0.00399) | 1.0000 (0.00399) |"), std::string::npos)
      << "differences with Holm's p, 2 of 501";
  EXPECT_NE(text.find("no idea"), std::string::npos);
  options_.samples = 0;
  const auto bare = to_markdown(comparison_document(results, summary, options_));
  EXPECT_EQ(bare.find("no idea"), std::string::npos);
  EXPECT_FALSE(comparison_json(results, summary, options_).contains("samples"));
}

}  // namespace
}  // namespace banter::train
