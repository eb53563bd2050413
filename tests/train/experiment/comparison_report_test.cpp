#include "train/experiment/comparison_report.h"

#include <cstddef>
#include <string>
#include <variant>

#include <gtest/gtest.h>

#include "tests/train/experiment/finished_runs.h"

namespace banter::train {
namespace {

class ComparisonReportTest : public FinishedRuns {};
class ReportOverAnAxisTest : public RunsOnAnAxis {};

TEST_F(ReportOverAnAxisTest, AMetricIsDrawnOverTheAxisALineForEachRow) {
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

TEST_F(ComparisonReportTest, CommandsMakeARunAgainInAShell) {
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

TEST_F(ComparisonReportTest, WithoutSamplesNoLogIsQuoted) {
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
TEST_F(ComparisonReportTest, ABarOfASingleRunHasTheIntervalOfThatRun) {
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

TEST_F(ComparisonReportTest, TheDocumentHasTheNumbersAndNoSampleWhenNoneIsWanted) {
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

/// Rows of n-grams and references: of each value what all runs that have it say.
TEST_F(ComparisonReportTest, ReferencesAreThoseInWhichRunsAgree) {
  options_.baseline = "";
  options_.evaluate.metrics = {"nll_word", "f1"};
  GridResults results;
  for (const std::size_t cell : {0U, 1U, 2U}) results.finished.push_back(result(cell, 4, "no"));
  const auto unigram = [&](std::size_t run, double nats, base::json::value f1) {
    results.finished[run].measured["unigram"] = {{"nll_word", {{"value", nats}}},
                                                 {"f1", {{"value", std::move(f1)}}}};
  };
  const auto rows = [&] {
    return to_markdown(comparison_document(results, summarise(results, options_), options_));
  };
  EXPECT_EQ(rows().find("unigram"), std::string::npos);
  unigram(1, 5, 0.5);
  EXPECT_NE(rows().find("| unigram | - | 5.000 | 0.5000 |"), std::string::npos)
      << "the first was measured before there was such a row: " << rows();
  results.finished[2].store_hash = "of other pairs to learn from";
  unigram(2, 5, nullptr);
  EXPECT_NE(rows().find("| unigram | - | 5.000 | - |"), std::string::npos)
      << "f1 is another of other replies: " << rows();
  unigram(2, 6, 0.75);
  EXPECT_EQ(rows().find("unigram"), std::string::npos) << rows();
}

}  // namespace
}  // namespace banter::train
