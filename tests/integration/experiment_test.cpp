// Experiments of the built program on made corpora: what a user sees and changes.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "tests/integration/experiment_desk.h"
#include "tests/support/process.h"

namespace banter::tests {
namespace {

namespace fs = std::filesystem;

TEST_F(ExperimentTest, AGridBecomesAReport) {
  const auto report = unbroken().json_report();
  const auto& rows = report.at("rows").as_array();
  ASSERT_EQ(rows.size(), 2U);
  for (const auto& row : rows) {
    const auto& ppl = row.at("metrics").at("ppl");
    EXPECT_EQ(ppl.at("runs"), 2);
    EXPECT_GT(ppl.at("mean").as_double(), 1);
    EXPECT_LT(ppl.at("interval").at("low").as_double(), ppl.at("mean").as_double());
    EXPECT_EQ(ppl.at("by_seed").as_array().size(), 2U);
  }
  EXPECT_EQ(report.at("differences").as_array().size(), 4U) << "both against none, four metrics";
  EXPECT_EQ(report.at("samples").as_array().size(), 2U);
  std::map<std::int64_t, std::int64_t> labels;
  for (const auto& one : report.at("runs").as_array()) {
    const auto known = labels.emplace(one.at("seed").as_int64(), one.at("labels").as_int64());
    EXPECT_EQ(one.at("labels"), known.first->second) << "equal work for all rows";
    EXPECT_EQ(one.at("steps"), 20);
    EXPECT_EQ(one.at("commands").as_array().size(), 3U);
    EXPECT_EQ(std::string(one.at("checkpoint").as_string()).size(), 12U);
  }
  const auto files = unbroken().report();
  EXPECT_TRUE(files.contains("curves.svg"));
  EXPECT_TRUE(files.contains("ppl.svg"));
  EXPECT_NE(files.at("report.md").find("## Against none"), std::string::npos);
  EXPECT_EQ(files.at("report.html").find("http://"), files.at("report.html").find("http://www.w3"))
      << "a page needs no network";
  EXPECT_EQ(count_of(files.at("report.html"), "<svg"), files.size() - 3);
}

TEST_F(ExperimentTest, DoneCellsAreNotRunAgainAndTheReportStaysTheSame) {
  const auto before = unbroken().report();
  const auto again = unbroken().experiment();
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(count_of(again.err, "done before"), 4U) << again.err;
  EXPECT_EQ(again.err.find("begins"), std::string::npos) << again.err;
  expect_equal(unbroken().report(), before);
  fs::remove(unbroken().grid() / "report.md");
  EXPECT_EQ(unbroken().experiment("--report-only").exit_code, 0);
  expect_equal(unbroken().report(), before);
}

TEST_F(ExperimentTest, ADryRunTellsWhatIsMissingAndMakesNothing) {
  Desk desk;
  desk.write_experiment();
  const auto dry = desk.experiment("--dry-run");
  EXPECT_EQ(dry.exit_code, 0) << dry.err;
  EXPECT_EQ(count_of(dry.out, "missing"), 4U) << dry.out;
  EXPECT_LT(dry.out.find("both/seed-1"), dry.out.find("none/seed-2")) << "seed by seed";
  EXPECT_FALSE(fs::exists(desk.grid()));
  EXPECT_EQ(count_of(unbroken().experiment("--dry-run").out, "done"), 5U) << "four and the sum";
}

TEST_F(ExperimentTest, RunsSideBySideGiveTheSameReport) {
  Desk desk;
  desk.write_experiment();
  const auto result = desk.experiment("--jobs 3");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  expect_equal(desk.report(), unbroken().report());
}

TEST_F(ExperimentTest, WithoutSamplesNothingOfTheCorpusIsInTheReport) {
  Desk desk(unbroken());
  EXPECT_NE(desk.report().at("report.md").find("is room"), std::string::npos);
  ASSERT_EQ(desk.experiment("--no-samples").exit_code, 0);
  for (const auto& [name, text] : desk.report())
    EXPECT_EQ(text.find("is room"), std::string::npos) << name;
}

TEST_F(ExperimentTest, AReportAloneCountsRunsAndMakesNoFolder) {
  Desk desk;
  desk.write_experiment();
  const auto none = desk.experiment("--report-only");
  EXPECT_EQ(none.exit_code, 1) << none.out;
  EXPECT_NE(none.err.find("there is no such experiment yet"), std::string::npos) << none.err;
  EXPECT_FALSE(fs::exists(desk.grid()));

  Process working(desk.command(""));
  ASSERT_TRUE(working.wait_for("none/seed-1: train begins")) << working.err();
  const auto some = desk.experiment("--report-only --json");
  EXPECT_EQ(some.exit_code, 0) << "while another call works: " << some.err;
  const auto answer = base::parse_json(some.out, "answer").as_object();
  EXPECT_EQ(answer.at("done").to_number<int>() + answer.at("left").to_number<int>(), 4);
  EXPECT_EQ(working.wait().exit_code, 0);
  EXPECT_NE(desk.experiment("--report-only").out.find("4 of 4 runs done"), std::string::npos);
  expect_equal(desk.report(), unbroken().report());
}

TEST_F(ExperimentTest, AChangedRowAloneIsRunAgain) {
  Desk desk(unbroken());
  desk.write_experiment(
      "rows:\n  none: {model.attention: none}\n"
      "  both: {model.attention: both, model.hidden_dim: 10}\n");
  EXPECT_EQ(count_of(desk.experiment("--dry-run").out, "changed"), 2U);
  const auto changed = desk.experiment();
  EXPECT_EQ(changed.exit_code, 0) << changed.err;
  EXPECT_EQ(count_of(changed.err, "train begins"), 2U) << changed.err;
  EXPECT_EQ(changed.err.find("none/seed-1: train"), std::string::npos) << changed.err;
  EXPECT_TRUE(fs::exists(desk.grid() / "cells/both/seed-1/run.old-1")) << "nothing is lost";

  desk.set_evaluate("evaluate: {replies: 6, metrics: [ppl, f1]}\n");
  desk.write_experiment(
      "rows:\n  none: {model.attention: none}\n"
      "  both: {model.attention: both, model.hidden_dim: 10}\n");
  const auto measured = desk.experiment();
  EXPECT_EQ(measured.exit_code, 0) << measured.err;
  EXPECT_EQ(count_of(measured.err, "train begins"), 0U) << measured.err;
  EXPECT_EQ(count_of(measured.err, "evaluate begins"), 4U) << measured.err;
}

TEST_F(ExperimentTest, OtherDataRunsEveryCellAgain) {
  const Desk desk(unbroken());
  std::ofstream(desk.folder() / "talk.jsonl", std::ios::app)
      << R"({"id": "new", "turns": [{"speaker": "A", "text": "hi"}, {"speaker": "B", "text": "ho"}]})"
      << '\n';
  const auto result = desk.experiment();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(count_of(result.err, "train begins"), 4U) << result.err;
}

TEST_F(ExperimentTest, MistakesAreToldWithTheirPlaceBeforeAnythingRuns) {
  Desk desk;
  const auto error_of = [&](const std::string& rows, const std::string& more = "") {
    desk.write_experiment(rows, 20, more);
    const auto result = desk.experiment();
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_FALSE(fs::exists(desk.grid()));
    return result.err;
  };
  EXPECT_NE(error_of("rows:\n  none: {model.attention: none}\n  wide:\n    model.hiden_dim: 4\n")
                .find("row wide: grid.yaml:18: model.hiden_dim: unknown key; the nearest one is "
                      "hidden_dim"),
            std::string::npos)
      << error_of("rows:\n  none: {model.attention: none}\n  wide:\n    model.hiden_dim: 4\n");
  EXPECT_NE(error_of("rows:\n  none: {run: here}\n").find("grid.yaml:16: rows.none.run: is set by"),
            std::string::npos);
  EXPECT_NE(error_of("rows:\n  only: {model.attention: none}\n").find("there is no row \"none\""),
            std::string::npos);
  EXPECT_NE(error_of(kRows, "sample: 3\n").find("unknown key; the nearest one is samples"),
            std::string::npos);
  for (const auto* metric : {"hits_x", "hits_01", "perturb_shufle"}) {
    desk.set_evaluate("evaluate: {replies: 6, metrics: [ppl, " + std::string(metric) + "]}\n");
    EXPECT_NE(error_of(kRows).find(metric), std::string::npos) << metric;
  }
  desk.set_evaluate("evaluate: {replies: 6, metrics: [ppl, embed_avg], vectors: talk.jsonl}\n");
  EXPECT_NE(error_of(kRows).find("evaluate.vectors: talk.jsonl:1: "), std::string::npos)
      << error_of(kRows);
  desk.set_evaluate("evaluate: {replies: 6, metrics: [ppl], decoding: {beamsize: 3}}\n");
  EXPECT_NE(error_of(kRows).find("beamsize: unknown key; the nearest one is beam_size"),
            std::string::npos)
      << error_of(kRows);
}

}  // namespace
}  // namespace banter::tests
