#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

/// Experiments of the built program on made corpora: what a user sees, kills and changes.
namespace banter::tests {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRows =
    "rows:\n"
    "  none: {model.attention: none}\n"
    "  both: {model.attention: both}\n";

/// Dialogues in which a reply can be told from the turn before it.
void write_corpus(const fs::path& file) {
  std::ofstream corpus(file);
  for (int i = 0; i < 60; ++i) {
    const auto n = std::to_string(i % 10);
    corpus << R"({"id": ")" << i << R"(", "turns": [)";
    for (int turn = 0; turn < 8; ++turn)
      corpus << (turn > 0 ? ", " : "") << R"({"speaker": ")" << (turn % 2 == 0 ? "Ann" : "Bo")
             << R"(", "text": ")"
             << (turn % 2 == 0 ? "is room " + n + " free at " + std::to_string(turn)
                               : "yes, room " + n + " is")
             << R"("})";
    corpus << "]}\n";
  }
}

std::string recipe(int steps) {
  return "recipe:\n"
         "  threads: 1\n"
         "  data:\n"
         "    sources: [{path: talk.jsonl}]\n"
         "    valid_share: 0.4\n"
         "    tokenizer: {vocab_size: 400}\n"
         "  batch: {tokens_per_batch: 200}\n"
         "  model: {type: hred, embed_dim: 12, hidden_dim: 12, dropout: 0.1}\n"
         "  train: {steps: " +
         std::to_string(steps) +
         ", warmup_steps: 2, validate_every: 10, save_every: 5, log_every: 1, lr: 0.01}\n";
}

/// A folder with a corpus and one experiment, as a user has it: everything in it is named
/// relatively, so that two such folders must end with the same bytes.
class Desk {
 public:
  Desk() { write_corpus(folder_ / "talk.jsonl"); }

  void write_experiment(const std::string& rows = kRows, int steps = 20,
                        const std::string& more = "") {
    base::write_durably(folder_ / "grid.yaml",
                        "folder: grid\nseeds: [1, 2]\nbaseline: none\n"
                        "samples: 2\ntrials: 200\n" +
                            recipe(steps) + rows + evaluate_ + more);
  }
  void set_evaluate(const std::string& text) { evaluate_ = text; }

  [[nodiscard]] std::vector<std::string> command(const std::string& arguments) const {
    return {"bash", "-c",
            "cd '" + folder_.path().string() + "' && exec '" + BANTER_PROGRAM +
                "' experiment grid.yaml " + arguments};
  }
  ProcessResult experiment(const std::string& arguments = "") const {
    return run(command(arguments));
  }

  /// The report's files by name, without what a clock measured.
  [[nodiscard]] std::map<std::string, std::string> report() const {
    std::map<std::string, std::string> files;
    for (const auto* name : {"report.md", "report.json", "report.html"})
      files[name] = base::read_file(grid() / name);
    for (const auto& entry : fs::directory_iterator(grid() / "figures"))
      files[entry.path().filename().string()] = base::read_file(entry.path());
    return files;
  }
  [[nodiscard]] base::json::object json_report() const {
    return base::parse_json(base::read_file(grid() / "report.json"), "report.json").as_object();
  }
  [[nodiscard]] fs::path grid() const { return folder_ / "grid"; }
  [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
  std::string evaluate_ =
      "evaluate: {replies: 12, metrics: [ppl, token_accuracy, f1, distinct_1]}\n";
};

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

void expect_equal(const std::map<std::string, std::string>& got,
                  const std::map<std::string, std::string>& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (const auto& [name, bytes] : wanted)
    EXPECT_TRUE(got.contains(name) && got.at(name) == bytes) << name << " differs";
}

/// The direct children of a process.
std::vector<pid_t> children_of(pid_t parent) {
  const auto id = std::to_string(parent);
  std::ifstream list("/proc/" + id + "/task/" + id + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; list >> child;) children.push_back(child);
  return children;
}

class ExperimentTest : public testing::Test {
 protected:
  /// A grid that was never disturbed, made once for all tests.
  static const Desk& unbroken() {
    static const auto desk = [] {
      auto made = std::make_unique<Desk>();
      made->write_experiment();
      const auto result = made->experiment();
      if (result.exit_code != 0) throw std::runtime_error(result.out + result.err);
      return made;
    }();
    return *desk;
  }

  /// The same command until it is done.
  static ProcessResult go_on(const Desk& desk) {
    auto result = desk.experiment();
    EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
    return result;
  }
};

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

TEST_F(ExperimentTest, FractionsAreAnAxisWithABaselineAtEach) {
  Desk desk;
  desk.write_experiment(kRows, 10, "axes: {train.fraction: [1, 0.25]}\n");
  const auto done = desk.experiment("--set seeds=[1] --jobs 2");
  ASSERT_EQ(done.exit_code, 0) << done.out << done.err;
  const auto report = desk.json_report();
  std::map<std::string, std::int64_t> dialogues;
  for (const auto& one : report.at("runs").as_array())
    dialogues[std::string(one.at("row").as_string())] =
        one.at("learned_from").at("dialogues").as_int64();
  ASSERT_EQ(dialogues.size(), 4U);
  const auto all = dialogues.at("none-fraction-1");
  EXPECT_EQ(dialogues.at("both-fraction-1"), all);
  EXPECT_EQ(dialogues.at("none-fraction-0.25"), (all + 3) / 4);
  EXPECT_EQ(dialogues.at("both-fraction-0.25"), (all + 3) / 4);
  for (const auto& difference : report.at("differences").as_array()) {
    const std::string row(difference.at("row").as_string());
    EXPECT_EQ(std::string(difference.at("baseline").as_string()), "none" + row.substr(4));
  }
  EXPECT_EQ(report.at("differences").as_array().size(), 8U) << "both at two places, four metrics";
  const auto files = desk.report();
  EXPECT_TRUE(files.contains("train.fraction-ppl.svg"));
  EXPECT_NE(files.at("report.md").find("## Over train.fraction"), std::string::npos);
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
  Desk desk;
  desk.write_experiment();
  EXPECT_NE(unbroken().report().at("report.md").find("is room"), std::string::npos);
  ASSERT_EQ(desk.experiment("--jobs 2 --no-samples").exit_code, 0);
  for (const auto& [name, text] : desk.report())
    EXPECT_EQ(text.find("is room"), std::string::npos) << name;
}

TEST_F(ExperimentTest, KilledAtAnyMomentItGoesOnToTheSameReport) {
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

TEST_F(ExperimentTest, AKilledChildFailsItsCellAndIsGoneOnWith) {
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

TEST_F(ExperimentTest, ASignalIsPassedOnAndTheSameCommandGoesOn) {
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

TEST_F(ExperimentTest, TheEndOfTheTimeStopsRunsThatGoOnInTheNextCall) {
  Desk desk;
  desk.write_experiment(kRows, 20);
  const auto result = desk.experiment("--minutes 0.0001");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("4 left; the same command goes on"), std::string::npos) << result.out;
  EXPECT_EQ(result.err.find("failed"), std::string::npos) << result.err;
  go_on(desk);
  expect_equal(desk.report(), unbroken().report());
}

TEST_F(ExperimentTest, ACellThatFailsIsReportedAndTheOthersGoOn) {
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

TEST_F(ExperimentTest, WhatIsDoneStaysDoneWithoutItsCorpus) {
  Desk desk;
  desk.write_experiment();
  ASSERT_EQ(desk.experiment("--jobs 2").exit_code, 0);
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

TEST_F(ExperimentTest, AFileThatCannotBeReadCostsItsRunAndNotTheReport) {
  Desk desk;
  desk.write_experiment();
  ASSERT_EQ(desk.experiment("--jobs 2").exit_code, 0);
  base::write_durably(desk.grid() / "cells/both/seed-1/likelihoods.jsonl", "{\"dialogue\": 0}\n");
  fs::remove(desk.grid() / "cells/none/seed-2/likelihoods.jsonl");
  EXPECT_EQ(desk.experiment("--report-only").exit_code, 0);
  const auto report = desk.json_report();
  EXPECT_EQ(report.at("runs").as_array().size(), 2U);
  ASSERT_EQ(report.at("open").as_array().size(), 2U);
  EXPECT_NE(desk.report().at("report.md").find("likelihoods.jsonl:1: field"), std::string::npos);
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

TEST_F(ExperimentTest, AnAnswerThatIsLostFailsItsCellAlone) {
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

TEST_F(ExperimentTest, AChangedRowAloneIsRunAgain) {
  Desk desk;
  desk.write_experiment();
  ASSERT_EQ(desk.experiment("--jobs 2").exit_code, 0);
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
  Desk desk;
  desk.write_experiment();
  ASSERT_EQ(desk.experiment("--jobs 2").exit_code, 0);
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

TEST_F(ExperimentTest, WhatTheModelAloneMeasuresIsComparedToo) {
  Desk desk;
  desk.set_evaluate("evaluate: {replies: 6, metrics: [ppl, perturb_reverse_turns]}\n");
  desk.write_experiment();
  const auto result = desk.experiment("--jobs 2");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto report = desk.json_report();
  const auto& differences = report.at("differences").as_array();
  ASSERT_EQ(differences.size(), 2U);
  const auto& rise = differences.at(1).as_object();
  EXPECT_EQ(rise.at("metric"), "perturb_reverse_turns");
  EXPECT_GT(rise.at("p").to_number<double>(), 0);
  EXPECT_TRUE(rise.at("interval").is_object());

  desk.set_evaluate("evaluate: {replies: 6, metrics: [perturb_reverse_turns, bpb, bleu]}\n");
  desk.write_experiment();
  const auto more = desk.experiment();
  EXPECT_EQ(more.exit_code, 0) << more.err;
  EXPECT_EQ(more.err.find("begins"), std::string::npos) << "columns alone: " << more.err;
  const auto text = desk.report().at("report.md");
  const auto bigram = text.substr(text.find("| Kneser-Ney bigram"), 60);
  EXPECT_TRUE(bigram.starts_with("| Kneser-Ney bigram | - | - | ")) << bigram;
  EXPECT_FALSE(bigram.starts_with("| Kneser-Ney bigram | - | - | - ")) << "bits a byte: " << bigram;
}

/// Pairs of what rooms are like, in both splits.
void write_pairs(const fs::path& file) {
  std::ofstream corpus(file);
  for (int i = 0; i < 40; ++i)
    corpus << R"({"premise": "room )" << i % 10 << R"( is free", "hypothesis": "room )" << i % 10
           << (i % 2 == 0 ? R"( is free at 3", "label": "entailment")"
                          : R"( is not free at 3", "label": "contradiction")")
           << R"(, "group": ")" << i % 20 << "\"}\n";
}

TEST_F(ExperimentTest, SentencePairsOfTheRowsOwnStoreOrOfAnotherAreCompared) {
  Desk desk;
  write_pairs(desk.folder() / "pairs.jsonl");
  auto base = recipe(10);
  const std::string talk = "{path: talk.jsonl}";
  base.replace(base.find(talk), talk.size(), talk + ", {path: pairs.jsonl}");
  const std::string rows =
      "rows:\n"
      "  flat: {model: {type: transformer, dim: 8, heads: 2, ffn_dim: 8}}\n"
      "  stack: {model: {type: stack_propagation, dim: 8, heads: 2, ffn_dim: 8, encoder_layers: 1,"
      " decoder_layers: 1, consistency_layers: 1, phase1_steps: 5},"
      " train.pairs_per_dialogue_batch: 1}\n";
  const auto write = [&](const std::string& pairs) {
    base::write_durably(desk.folder() / "grid.yaml",
                        "folder: grid\nstores: stores\nseeds: [1, 2]\nbaseline: flat\nsamples: "
                        "0\ntrials: 200\n" +
                            base + rows +
                            "evaluate: {replies: 0, metrics: [ppl, pair_gain, ppl_d1.delta_p], " +
                            pairs + "}\n");
  };
  write("pairs: \"\"");
  const auto result = desk.experiment("--jobs 2");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto report = desk.json_report();
  std::vector<std::string> compared;
  for (const auto& difference : report.at("differences").as_array())
    compared.emplace_back(difference.at("metric").as_string());
  EXPECT_EQ(compared, (std::vector<std::string>{"ppl", "pair_gain"})) << "flat has no ppl_d1";
  const auto text = desk.report().at("report.md");
  for (const auto* likelihood : {"pair_gain|likelihood:ppl|", "pair_gain|likelihood:ppl_d2_causal|",
                                 "delta_p|likelihood:ppl_d1|"})
    EXPECT_NE(text.find(likelihood), std::string::npos) << likelihood << text;

  fs::path store;
  for (const auto& entry : fs::directory_iterator(desk.folder() / "stores"))
    if (fs::exists(entry.path() / "manifest.json")) store = entry.path();
  fs::copy(store, desk.folder() / "others", fs::copy_options::recursive);
  write("pairs: others, pairs_split: train");
  const auto others = desk.experiment();
  ASSERT_EQ(others.exit_code, 0) << others.err;
  EXPECT_EQ(others.err.find("train begins"), std::string::npos) << "it is measured, not trained";
  EXPECT_NE(desk.report().at("report.md").find("|split:train|premise:persona|"), std::string::npos);

  const auto texts =
      desk.experiment("--set evaluate.replies=4 --set 'evaluate.metrics=[length, pair_gain]'");
  ASSERT_EQ(texts.exit_code, 0) << texts.err;
  const std::regex signature(R"(length\|[^\s`]*\|data:[0-9a-f]{12}\|)");
  EXPECT_TRUE(std::regex_search(desk.report().at("report.md"), signature))
      << "what replies are compared with is not the pairs";
}

TEST_F(ExperimentTest, ClassifiersOfPairsAreComparedByTheirAccuracy) {
  Desk desk;
  write_pairs(desk.folder() / "pairs.jsonl");
  base::write_durably(
      desk.folder() / "grid.yaml",
      "folder: grid\nseeds: [1, 2]\nbaseline: small\nsamples: 2\ntrials: 200\n"
      "recipe:\n"
      "  threads: 1\n"
      "  data: {sources: [{path: pairs.jsonl}, {path: talk.jsonl}], valid_share: 0.4,"
      " tokenizer: {vocab_size: 400}}\n"
      "  model: {type: nli, dim: 8, heads: 2, ffn_dim: 8, encoder_layers: 1}\n"
      "  train: {steps: 8, warmup_steps: 2, validate_every: 4}\n"
      "rows: {small: {model.ffn_dim: 8}, wide: {model.ffn_dim: 24}}\n"
      "evaluate: {metrics: [accuracy, loss]}\n");
  const auto result = desk.experiment("--jobs 2");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto report = desk.json_report();
  const auto& differences = report.at("differences").as_array();
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_EQ(differences.at(1).at("metric"), "loss");
  EXPECT_GT(differences.at(1).at("p").to_number<double>(), 0);
  const auto text = desk.report().at("report.md");
  for (const auto* word : {"| most frequent label |", "| bag of words |", "accuracy|tokenizer:"})
    EXPECT_NE(text.find(word), std::string::npos) << word << "\n" << text;
  const auto again = desk.experiment();
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.err.find("begins"), std::string::npos) << "all is there: " << again.err;
}

TEST_F(ExperimentTest, GradientsAreMeasuredBeforeAndAfterTraining) {
  Desk desk;
  base::write_durably(desk.folder() / "grid.yaml",
                      "kind: gradient_flow\nfolder: grid\nseeds: [1, 2]\nbaseline: none\n" +
                          recipe(20) + kRows +
                          "gradient_flow: {min_turns: 2, max_turns: 6, replies: 10}\n");
  const auto result = desk.experiment("--jobs 2");
  ASSERT_EQ(result.exit_code, 0) << result.out << result.err;
  const auto report = desk.json_report();
  for (const auto& row : report.at("rows").as_array())
    for (const auto* stage : {"initial", "trained"}) {
      const auto& points = row.at(stage).as_array();
      ASSERT_EQ(points.size(), 5U);
      for (const auto& point : points) EXPECT_TRUE(point.at("mean").is_double());
    }
  EXPECT_TRUE(fs::exists(desk.grid() / "figures/initial.svg"));
  EXPECT_NE(desk.report().at("report.md").find("Lead above none"), std::string::npos);
}

}  // namespace
}  // namespace banter::tests
