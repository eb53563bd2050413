// Experiments that are killed, stopped, out of time, or lack a file: what is lost, and what is not.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "tests/integration/experiment_desk.h"
#include "tests/support/process.h"

namespace banter::tests {
namespace {

namespace fs = std::filesystem;

using ExperimentFaultsTest = ExperimentTest;

/// The direct children of a process.
std::vector<pid_t> children_of(pid_t parent) {
  const auto id = std::to_string(parent);
  std::ifstream list("/proc/" + id + "/task/" + id + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; list >> child;) children.push_back(child);
  return children;
}

TEST_F(ExperimentFaultsTest, KilledAtAnyMomentItGoesOnToTheSameReport) {
  Desk desk;
  desk.write_experiment();
  const std::vector<std::string> moments = {
      "none/seed-1: train begins", "none/seed-1: evaluate begins", "both/seed-1: train begins",
      "none/seed-2: evaluate begins"};
  for (const auto& moment : moments) {
    Process process(desk.command(""));
    EXPECT_TRUE(process.wait_for(moment)) << moment << "\n" << process.err();
    process.kill(SIGKILL);
    EXPECT_EQ(process.wait().exit_code, 128 + SIGKILL) << moment;
  }
  go_on(desk);
  expect_equal(desk.report(), unbroken().report());
}

TEST_F(ExperimentFaultsTest, AKilledChildFailsItsCellAndIsGoneOnWith) {
  Desk desk;
  desk.write_experiment();
  Process process(desk.command(""));
  ASSERT_TRUE(process.wait_for("both/seed-1: train begins")) << process.err();
  for (const auto child : children_of(process.id())) ::kill(child, SIGKILL);
  const auto result = process.wait();
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_NE(result.err.find("both/seed-1: train failed: it was ended by signal 9"),
            std::string::npos)
      << result.err;
  EXPECT_NE(result.out.find("3 of 4 runs done, 1 failed"), std::string::npos) << result.out;
  const auto again = go_on(desk);
  EXPECT_EQ(count_of(again.err, "done before"), 3U) << again.err;
  expect_equal(desk.report(), unbroken().report());
}

TEST_F(ExperimentFaultsTest, ASignalIsPassedOnAndTheSameCommandGoesOn) {
  Desk desk;
  desk.write_experiment();
  for (const int signal : {SIGTERM, SIGINT}) {
    Process process(desk.command("--jobs 2"));
    ASSERT_TRUE(process.wait_for("train begins")) << process.err();
    process.kill(signal);
    const auto result = process.wait();
    EXPECT_EQ(result.exit_code, 128 + signal) << result.err;
    EXPECT_NE(result.err.find("the same command goes on"), std::string::npos) << result.err;
    EXPECT_EQ(result.err.find("failed"), std::string::npos) << result.err;
  }
  go_on(desk);
  expect_equal(desk.report(), unbroken().report());
}

TEST_F(ExperimentFaultsTest, TheEndOfTheTimeStopsRunsThatGoOnInTheNextCall) {
  Desk desk;
  desk.write_experiment(kRows, 20);
  const auto result = desk.experiment("--minutes 0.0001");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("4 left; the same command goes on"), std::string::npos) << result.out;
  EXPECT_EQ(result.err.find("failed"), std::string::npos) << result.err;
  go_on(desk);
  expect_equal(desk.report(), unbroken().report());
}

TEST_F(ExperimentFaultsTest, ACellThatFailsIsReportedAndTheOthersGoOn) {
  Desk desk;
  desk.write_experiment(std::string(kRows) +
                        "  lost: {data: {sources: [{path: nowhere.jsonl}]}}\n");
  const auto result = desk.experiment("--jobs 2");
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_NE(result.out.find("4 of 6 runs done, 2 failed"), std::string::npos) << result.out;
  const auto report = desk.report().at("report.md");
  EXPECT_NE(report.find("prepare failed with exit code 1"), std::string::npos);
  EXPECT_NE(report.find("nowhere.jsonl"), std::string::npos) << "the end of its log";
  EXPECT_NE(report.find("2 of 6 runs are not finished"), std::string::npos);
  EXPECT_EQ(count_of(report, "The end of the log of `lost/seed-"), 2U) << "both say why";
}

TEST_F(ExperimentFaultsTest, WhatIsDoneStaysDoneWithoutItsCorpus) {
  const Desk desk(unbroken());
  fs::remove(desk.folder() / "talk.jsonl");
  const auto again = desk.experiment();
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(count_of(again.err, "done before"), 4U) << again.err;
  EXPECT_NE(again.err.find("the corpus cannot be looked at: prepare ended with exit code 1"),
            std::string::npos)
      << again.err;
  expect_equal(desk.report(), unbroken().report());

  fs::remove(desk.grid() / "cells/both/seed-2/evaluation.json");
  const auto open = desk.experiment();
  EXPECT_EQ(open.exit_code, 1) << open.err;
  EXPECT_NE(open.out.find("3 of 4 runs done, 1 failed"), std::string::npos) << open.out;
  EXPECT_NE(desk.report().at("report.md").find("talk.jsonl"), std::string::npos)
      << "the log of prepare, which another cell has";
}

TEST_F(ExperimentFaultsTest, AFileThatCannotBeReadCostsItsRunAndNotTheReport) {
  const Desk desk(unbroken());
  base::write_durably(desk.grid() / "cells/both/seed-1/likelihoods.jsonl", "{\"dialogue\": 0}\n");
  fs::remove(desk.grid() / "cells/none/seed-2/likelihoods.jsonl");
  EXPECT_EQ(desk.experiment("--report-only").exit_code, 0);
  const auto report = desk.json_report();
  EXPECT_EQ(report.at("runs").as_array().size(), 2U);
  ASSERT_EQ(report.at("open").as_array().size(), 2U);
  EXPECT_NE(desk.report().at("report.md").find("likelihoods.jsonl:1: field"), std::string::npos);
}

TEST_F(ExperimentFaultsTest, AnAnswerThatIsLostFailsItsCellAlone) {
  Desk desk;
  desk.write_experiment();
  fs::create_directories(desk.grid() / "cells/both/seed-1");
  fs::create_symlink("/dev/null", desk.grid() / "cells/both/seed-1/out.json");
  const auto result = desk.experiment("--jobs 2");
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_NE(result.out.find("3 of 4 runs done, 1 failed"), std::string::npos) << result.out;
  go_on(desk);
  expect_equal(desk.report(), unbroken().report());
}

}  // namespace
}  // namespace banter::tests
