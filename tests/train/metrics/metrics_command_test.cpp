#include <fstream>
#include <functional>
#include <map>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "tests/data/command_output.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/metrics/texts.h"
#include "train/commands.h"

namespace banter::train {
namespace {

namespace json = base::json;

class MetricsCommandTest : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }
  static json::object answer(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    return json::parse(tests::output_of(run_metrics, arguments)).as_object();
  }
  static double value(const json::object& answer, const std::string& metric,
                      const std::string& key = "value") {
    return answer.at("metrics").at(metric).at(key).to_number<double>();
  }
  /// What is said against these arguments, without the folder's name.
  std::string error_of(const std::vector<std::string>& arguments, int wanted_code = 1) {
    try {
      run_metrics(arguments);
    } catch (const base::Error& error) {
      EXPECT_EQ(error.exit_code(), wanted_code);
      std::string what = error.what();
      const auto folder = folder_.path().string() + "/";
      for (auto at = what.find(folder); at != std::string::npos; at = what.find(folder))
        what.erase(at, folder.size());
      return what;
    }
    return "no error";
  }

  tests::TemporaryFolder folder_;
  std::string replies_ = file("r.txt", "i am fine , thanks .\nthe cat sat on the mat .\nno\n");
  std::string references_ =
      file("f.txt", "i am fine thanks .\nthe cat is on the mat .\nyes , please do .\n");
};

TEST_F(MetricsCommandTest, GoldenExampleFromPlainText) {
  const auto answer = this->answer({"--replies", replies_, "--references", references_});
  EXPECT_NEAR(value(answer, "bleu"), 31.704768, 1e-6);
  EXPECT_NEAR(value(answer, "f1"), 0.583333, 1e-6);
  EXPECT_NEAR(value(answer, "entropy_2"), 2.397895, 1e-6);
  EXPECT_LE(value(answer, "f1", "low"), value(answer, "f1"));
  EXPECT_EQ(value(answer, "f1", "count"), 3);
  EXPECT_TRUE(answer.at("metrics").at("distinct_1").at("low").is_null()) << "too few groups";
  EXPECT_EQ(answer.at("counts").at("groups").to_number<int>(), 3);
  EXPECT_FALSE(answer.at("metrics").as_object().contains("copy_1")) << "there are no contexts";
  EXPECT_FALSE(answer.at("metrics").as_object().contains("embed_avg"));
}

TEST_F(MetricsCommandTest, SignaturesSayHowAndOfWhat) {
  const auto signature = [&](const std::vector<std::string>& more, const std::string& metric) {
    std::vector<std::string> arguments = {"--replies", replies_, "--references", references_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return std::string(answer(arguments).at("metrics").at(metric).at("signature").as_string());
  };
  const auto bleu = signature({}, "bleu");
  EXPECT_TRUE(bleu.starts_with("bleu|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|replies:3|data:"))
      << bleu;
  EXPECT_TRUE(bleu.ends_with("|interval:bootstrap-group-1000-12345|version:banter-" BANTER_VERSION))
      << bleu;
  EXPECT_NE(signature({"--smoothing", "add-k"}, "bleu").find("smooth:add-k[1.00]|"),
            std::string::npos);
  EXPECT_NE(signature({"--smoothing", "floor"}, "bleu").find("smooth:floor[0.10]|"),
            std::string::npos);
  EXPECT_NE(signature({"--resamples", "50", "--seed", "7"}, "f1").find("bootstrap-group-50-7|"),
            std::string::npos);
  EXPECT_NE(signature({}, "distinct_1").find("interval:jackknife-group-20|"), std::string::npos);
  EXPECT_NE(signature({"--references", references_}, "chrf").find("nrefs:2|"), std::string::npos);
  EXPECT_NE(signature({"--groups", file("g.txt", "x\nx\ny\n")}, "bleu"), bleu);
}

TEST_F(MetricsCommandTest, CharactersAreToldInEverySignature) {
  const auto told =
      this->answer({"--replies", replies_, "--references", references_, "--tokenize", "char"});
  for (const auto& [metric, start] : std::map<std::string, std::string>{
           {"bleu", "bleu|nrefs:1|case:mixed|eff:no|tok:char|smooth:exp|"},
           {"rouge_l", "rouge_l|nrefs:1|case:lc|tok:char|"},
           {"f1", "f1|nrefs:1|case:lc|tok:f1-char|"},
           {"distinct_2", "distinct_2|case:lc|tok:char|"},
           {"length", "length|tok:char|"}})
    EXPECT_TRUE(told.at("metrics").at(metric).at("signature").as_string().starts_with(start))
        << metric;
  EXPECT_NEAR(value(told, "length"), (15 + 18 + 2) / 3.0, 1e-12);
}

TEST_F(MetricsCommandTest, JsonLinesHoldEverythingInOneFile) {
  const auto lines = file(
      "all.jsonl",
      "{\"reply\": \"i am fine , thanks .\", \"references\": [\"well .\", \"i am fine thanks .\"], "
      "\"context\": [\"how are you ?\"], \"dialogue\": 1}\n"
      "{\"reply\": {\"speaker\": \"b\", \"text\": \"no\"}, \"references\": [\"yes\"], "
      "\"turns\": [\"yes ?\", {\"speaker\": \"a\", \"text\": \"no ?\"}], \"dialogue\": 1}\n");
  const auto answer = this->answer({"--replies", lines});
  EXPECT_EQ(answer.at("counts").at("groups").to_number<int>(), 1);
  EXPECT_NEAR(value(answer, "f1"), 0.5, 1e-12) << "the best of two references, and none";
  EXPECT_NEAR(value(answer, "copy_1"), 0.5, 1e-12);
  EXPECT_NE(json::serialize(answer.at("metrics").at("bleu")).find("nrefs:var"), std::string::npos);
}

TEST_F(MetricsCommandTest, FilesOfTheirOwnCountMoreThanWhatStandsWithTheReply) {
  const auto lines = file("r.jsonl",
                          "{\"text\": \"yes\", \"references\": [\"no\"], \"dialogue\": \"d\"}\n"
                          "{\"text\": \"no\", \"references\": [\"yes\"], \"dialogue\": \"d\"}\n");
  EXPECT_EQ(value(answer({"--replies", lines}), "f1"), 0);
  const auto other = file("o.jsonl", "{\"text\": \"yes\"}\n{\"references\": [\"x\", \"no\"]}\n");
  const auto answer =
      this->answer({"--replies", lines, "--references", other, "--contexts",
                    file("c.txt", "yes\tno\nmaybe\n"), "--groups", file("g.txt", "1\n2\n")});
  EXPECT_EQ(value(answer, "f1"), 1);
  EXPECT_EQ(value(answer, "copy_1"), 0.5);
  EXPECT_EQ(answer.at("counts").at("groups").to_number<int>(), 2);
}

TEST_F(MetricsCommandTest, EmptyRepliesCountAndWindowsLineEndsDoNot) {
  const auto answer = this->answer({"--replies", file("e.txt", "\xEF\xBB\xBFyes\r\n\r\n"),
                                    "--references", file("f.txt", "yes\r\nno\r\n")});
  EXPECT_EQ(value(answer, "f1"), 0.5);
  EXPECT_EQ(value(answer, "length"), 0.5);
}

TEST_F(MetricsCommandTest, TextThatBeginsWithABraceIsStillText) {
  const auto answer = this->answer({"--replies", file("b.txt", "{ok}\n{\"a\": 1}\n"),
                                    "--references", file("f.txt", "ok\na 1\n")});
  EXPECT_EQ(value(answer, "f1"), 1);
}

TEST_F(MetricsCommandTest, TwoSystemsAreComparedInJsonAndTable) {
  const auto other = file("o.txt", "i am\nthe dog\nyes\n");
  const std::vector<std::string> arguments = {"--replies", replies_, "--references", references_,
                                              "--against", other,    "--metrics",    "f1,distinct",
                                              "--trials",  "100"};
  const auto answer = this->answer(arguments);
  EXPECT_NEAR(value(answer, "f1", "difference"),
              value(answer, "f1") - value(answer, "f1", "against"), 1e-12);
  EXPECT_GT(value(answer, "f1", "p"), 0);
  EXPECT_LE(value(answer, "f1", "p"), 1);
  EXPECT_EQ(answer.at("metrics").at("f1").at("test").as_string(), "randomisation-group-100-12345");
  const auto table = tests::output_of(run_metrics, arguments);
  for (const auto* word : {"metric", "95 % interval", "against", "difference", "distinct_2", "f1|"})
    EXPECT_NE(table.find(word), std::string::npos) << word;
}

TEST_F(MetricsCommandTest, ABootstrapIsDrawnAThousandTimes) {
  const auto answer =
      this->answer({"--replies", replies_, "--references", references_, "--against", references_,
                    "--test", "bootstrap", "--metrics", "f1,distinct_1", "--seed", "3"});
  const auto test = [&](const std::string& metric) {
    return answer.at("metrics").at(metric).at("test").as_string();
  };
  EXPECT_EQ(test("f1"), "bootstrap-group-1000-3");
  EXPECT_EQ(test("distinct_1"), "randomisation-group-1000-3");
}

TEST_F(MetricsCommandTest, VectorsGiveEmbeddingsWithCoverageAndSkippedPairs) {
  const auto vectors = file("v.txt", "i 1 0\nam 0 1\nno 1 1\n");
  const std::vector<std::string> arguments = {"--replies", replies_, "--references", references_,
                                              "--vectors", vectors,  "--metrics",    "embed"};
  const auto answer = this->answer(arguments);
  EXPECT_EQ(value(answer, "embed_avg", "count"), 1);
  EXPECT_NEAR(value(answer, "embed_avg"), 1, 1e-6);
  EXPECT_EQ(answer.at("metrics").as_object().size(), 4U);
  EXPECT_NEAR(answer.at("vectors").at("coverage").at("replies").to_number<double>(), 3.0 / 14,
              1e-12);
  const auto hash = std::string(answer.at("vectors").at("hash").as_string());
  EXPECT_NE(json::serialize(answer.at("metrics")).find("vectors:" + hash.substr(0, 12)),
            std::string::npos);
  EXPECT_NE(tests::output_of(run_metrics, arguments).find("embed_avg: 2 pairs skipped"),
            std::string::npos);
}

TEST_F(MetricsCommandTest, NumbersOfLinesThatDifferAreAnErrorWithBothAndTheFiles) {
  const auto two = file("two.txt", "a\nb\n");
  EXPECT_EQ(error_of({"--replies", replies_, "--references", two}),
            "r.txt has 3 lines and two.txt has 2: line N of both must be about the same reply");
  for (const auto* option : {"--contexts", "--groups", "--against"})
    EXPECT_NE(error_of({"--replies", replies_, "--references", references_, option, two})
                  .find("r.txt has 3 lines and two.txt has 2"),
              std::string::npos)
        << option;
}

TEST_F(MetricsCommandTest, WhatIsWrongInAFileIsToldWithItsLine) {
  const auto with = [&](const std::string& references) {
    return error_of({"--replies", replies_, "--references", file("x", references)});
  };
  EXPECT_EQ(with("a\n \nc\n"), "x:2: the reference is empty");
  EXPECT_EQ(with("{\"references\": [\"a\"]}\n{\"references\": []}\n{\"references\": [\"a\"]}\n"),
            "x:2: has no reference");
  EXPECT_EQ(with("a\nb\xFF\nc\n"), "x:2: byte 2 is not UTF-8");
  EXPECT_EQ(with("{\"text\": \"a\"}\n{\"other\": 1}\n{\"text\": \"a\"}\n"),
            "x:2: has neither \"reply\" nor \"text\"");
  EXPECT_NE(with("{\"text\": \"a\"}\nplain\n{\"text\": \"a\"}\n").find("x:2"), std::string::npos);
  EXPECT_EQ(error_of({"--replies", file("y",
                                        "{\"reply\": \"a\", \"references\": [\"b\"]}\n"
                                        "{\"reply\": \"a\"}\n")}),
            "y:2: has no reference, and other lines have one");
  EXPECT_EQ(error_of({"--replies", file("z", "")}), "z: holds no reply");
  EXPECT_NE(error_of({"--replies", (folder_ / "missing").string()}).find("missing"),
            std::string::npos);
}

TEST_F(MetricsCommandTest, AnUnknownMetricListsTheKnownOnes) {
  const auto what = error_of({"--replies", replies_, "--metrics", "bleu,blue"}, 2);
  EXPECT_TRUE(what.starts_with("there is no metric \"blue\"; known: bleu sentence_bleu chrf"))
      << what;
  for (const auto& metric : known_metrics())
    EXPECT_NE(what.find(" " + std::string(metric.name)), std::string::npos) << metric.name;
}

TEST_F(MetricsCommandTest, AMetricWithoutWhatItNeedsIsWrongUsage) {
  const std::map<std::string, std::string> needs = {{"bleu", "--references"},
                                                    {"copy_2", "--contexts"},
                                                    {"embed_avg", "--vectors and --references"}};
  for (const auto& [metric, option] : needs)
    EXPECT_EQ(error_of({"--replies", replies_, "--metrics", metric}, 2),
              "banter metrics: " + metric + " needs " + option + "; see `banter metrics --help`");
}

TEST_F(MetricsCommandTest, ANameStandsForItsKindUnlessItIsAMetric) {
  const auto names = [](const std::vector<std::string>& asked) {
    std::string all;
    for (const auto* metric : metrics_named(asked)) all += std::string(metric->name) + " ";
    return all;
  };
  EXPECT_EQ(names({"repeat"}), "repeat_1 repeat_2 repeat_3 repeat_4 ");
  EXPECT_EQ(names({"embed_greedy"}), "embed_greedy ");
  EXPECT_EQ(names({"f1", "bleu", "f1"}), "bleu f1 ") << "in the order of the table, once";
  EXPECT_THROW(metrics_named(std::vector<std::string>{""}), base::UsageError);
  EXPECT_THROW(metrics_named(std::vector<std::string>{"re"}), base::UsageError);
}

TEST_F(MetricsCommandTest, RankingsOfAnyProgramGiveHits) {
  const auto rankings =
      file("s.jsonl",
           "{\"scores\": [-3, -2.5, -9], \"answer\": 1, \"dialogue\": \"d\"}\n"
           "{\"scores\": [-1, -1], \"answer\": 0, \"dialogue\": \"d\"}\n\n"
           "{\"scores\": [-1, -2, -3], \"answer\": 2, "
           "\"candidates\": [\"The Ho!\", \"no\", \"ho\"]}\n"
           "{\"scores\": [4, 5], \"answer\": 0, \"candidates\": [\"a x\", \"x\"]}\n");
  const std::vector<std::string> arguments = {"--rankings", rankings, "--metrics", "hits_1,hits_2"};
  const auto text = tests::output_of(run_metrics, arguments);
  EXPECT_NE(text.find("3 replies, each among 2.3 candidates (2 to 3)"), std::string::npos) << text;
  auto as_json = arguments;
  as_json.emplace_back("--json");
  const auto answer = json::parse(tests::output_of(run_metrics, as_json)).as_object();
  EXPECT_NEAR(answer.at("hits_1").at("value").as_double(), 1.0 / 3, 1e-12) << "ties count against";
  EXPECT_NEAR(answer.at("hits_1").at("chance").as_double(), (1.0 / 3 + 0.5 + 0.5) / 3, 1e-12);
  EXPECT_EQ(answer.at("hits_2").at("value").as_double(), 1);
  const std::string signature(answer.at("hits_1").at("signature").as_string());
  EXPECT_TRUE(signature.starts_with("hits_1|data:")) << signature;
}

TEST_F(MetricsCommandTest, OfRankingsEachMetricIsGivenOnceAndRisesWithK) {
  const auto rankings = file("s.jsonl", "{\"scores\": [-3, -2.5, -9], \"answer\": 1}\n");
  const auto text =
      tests::output_of(run_metrics, {"--rankings", rankings, "--metrics", "hits_5,hits,hits_1"});
  std::size_t at = 0, rows = 0;
  for (const auto* row : {"\nhits_1 ", "\nhits_2 ", "\nhits_5 ", "\nhits_10 "}) {
    at = text.find(row, at);
    EXPECT_NE(at, std::string::npos) << row << text;
  }
  for (at = text.find("\nhits_"); at != std::string::npos; at = text.find("\nhits_", at + 1))
    ++rows;
  EXPECT_EQ(rows, 4U) << text;
}

TEST_F(MetricsCommandTest, WhatRankingsDoNotReadIsRefused) {
  const auto rankings = file("s.jsonl", "{\"scores\": [1, 2], \"answer\": 0}\n");
  for (const auto* option : {"--references", "--contexts", "--against", "--vectors", "--groups"})
    EXPECT_NE(error_of({"--rankings", rankings, option, replies_}, 2).find(option),
              std::string::npos)
        << option;
  EXPECT_NE(error_of({"--rankings", rankings, "--test", "bootstrap"}, 2).find("--test"),
            std::string::npos);
}

TEST_F(MetricsCommandTest, WhatIsWrongInRankingsIsToldWithItsLine) {
  const auto with = [&](const std::string& line) {
    return error_of({"--rankings", file("s", "{\"scores\": [1, 2], \"answer\": 0}\n" + line)});
  };
  EXPECT_EQ(with("{\"scores\": [1, 2], \"answer\": 2}"),
            "s:2: \"answer\" must be the place of the true reply in \"scores\", 0 to 1");
  EXPECT_EQ(with("{\"scores\": [1, 2]}").substr(0, 13), "s:2: \"answer\"");
  EXPECT_EQ(with("{\"scores\": [1, \"2\"], \"answer\": 0}"),
            "s:2: \"scores\" holds something that is no finite number");
  EXPECT_EQ(with("{\"scores\": [1, 2], \"answer\": 0, \"candidates\": [\"a\"]}"),
            "s:2: has 1 candidates and 2 scores");
  EXPECT_NE(with("scores").find("s:2"), std::string::npos);
  EXPECT_EQ(error_of({"--rankings", file("s", "{\"scores\": [1], \"answer\": 0}\n")}),
            "s: no line has candidates beside the true reply");
  EXPECT_EQ(error_of({"--rankings", references_, "--metrics", "f1"}, 2),
            "banter metrics: of --rankings there is no metric \"f1\"; known: hits_1 hits_2 ...");
  const std::string either =
      "banter metrics: give --replies, or --rankings in their place; see `banter metrics --help`";
  EXPECT_EQ(error_of({}, 2), either);
  EXPECT_EQ(error_of({"--replies", replies_, "--rankings", replies_}, 2), either);
}

TEST_F(MetricsCommandTest, HelpShowsExamples) {
  const auto help = tests::output_of(run_metrics, {"--help"});
  EXPECT_NE(help.find("Examples:"), std::string::npos);
  EXPECT_NE(help.find("--against"), std::string::npos);
}

TEST_F(MetricsCommandTest, EqualCallsGiveEqualBytes) {
  const std::vector<std::string> arguments = {"--replies", replies_,    "--references",
                                              references_, "--against", references_,
                                              "--json",    "--trials",  "64"};
  EXPECT_EQ(tests::output_of(run_metrics, arguments), tests::output_of(run_metrics, arguments));
}

TEST(MetricTableTest, TheReadmeHasEveryMetricInOrder) {
  const auto readme = base::read_file(std::filesystem::path(BANTER_SOURCE_DIR) / "train/README.md");
  std::size_t at = 0;
  for (const auto& metric : known_metrics()) {
    const auto found = readme.find("| `" + std::string(metric.name) + "` |", at);
    ASSERT_NE(found, std::string::npos) << metric.name;
    auto line = readme.substr(found, readme.find('\n', found) - found);
    for (auto bar = line.find("\\|"); bar != std::string::npos; bar = line.find("\\|"))
      line.erase(bar, 1);
    EXPECT_NE(line.find("| " + std::string(metric.unit) + " |"), std::string::npos) << line;
    EXPECT_NE(line.find(" `" + std::string(metric.signature) + "` |"), std::string::npos) << line;
    at = found;
  }
}

}  // namespace
}  // namespace banter::train
