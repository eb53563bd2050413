#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
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

/// A classifier of sentence pairs as a judge of replies, in commands of the built program: both
/// models are trained on made corpora in which what is true can be told from words.
namespace banter::tests {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;

const std::vector<std::string> kAnimals = {"dog", "cat", "bird", "fish", "horse"};

std::string have(const std::string& animal) { return "i have a " + animal; }
std::string lack(const std::string& animal) { return "i have no " + animal; }

/// "i have a X" entails itself and contradicts "i have no X"; of another animal both are neutral.
void write_pairs(const fs::path& file) {
  std::ofstream pairs(file);
  for (const auto& a : kAnimals)
    for (const auto& b : kAnimals)
      for (const bool has : {true, false})
        for (const bool says : {true, false}) {
          const auto* label = a != b ? "neutral" : has == says ? "entailment" : "contradiction";
          const auto premise = has ? have(a) : lack(a), hypothesis = says ? have(b) : lack(b);
          for (int i = 0; i < (a == b ? 8 : 2); ++i)
            pairs << json::serialize(json::object{
                         {"premise", premise}, {"hypothesis", hypothesis}, {"label", label}})
                  << "\n";
        }
}

/// Bo says what the persona does, or, with an odd id, what it denies.
void write_dialogues(const fs::path& file) {
  std::ofstream dialogues(file);
  for (int i = 0; i < 60; ++i) {
    const auto& animal = kAnimals[static_cast<std::size_t>(i) % kAnimals.size()];
    dialogues << json::serialize(json::object{
                     {"id", std::to_string(i)},
                     {"turns",
                      json::array{json::object{{"speaker", "Ann"}, {"text", "what do you have"}},
                                  json::object{{"speaker", "Bo"}, {"text", have(animal)}}}},
                     {"personas",
                      json::object{{"Bo", json::array{i % 2 == 0 ? have(animal) : lack(animal),
                                                      "i like tea"}}}}})
              << "\n";
  }
}

/// Trained models and their stores in one folder, made once; commands run in it.
class Desk {
 public:
  Desk() {
    write_pairs(folder_ / "pairs.jsonl");
    write_dialogues(folder_ / "talk.jsonl");
    base::write_durably(folder_ / "nli.yaml",
                        "store: nli.store\nrun: nli\nthreads: 1\n"
                        "data: {sources: [{path: pairs.jsonl, split: train}, "
                        "{path: pairs.jsonl, split: valid}], tokenizer: {vocab_size: 320}, "
                        "cleaning: {expand_contractions: true}}\n"
                        "batch: {tokens_per_batch: 200}\n"
                        "model: {type: nli, dim: 32, heads: 2, ffn_dim: 64, encoder_layers: 1, "
                        "dropout: 0}\n"
                        "train: {steps: 400, warmup_steps: 20, lr: 0.003, validate_every: 100}\n");
    base::write_durably(folder_ / "talk.yaml",
                        "store: talk.store\nrun: talk\nthreads: 1\n"
                        "data: {sources: [{path: talk.jsonl}], valid_share: 0.4, "
                        "tokenizer: {vocab_size: 320}}\n"
                        "batch: {tokens_per_batch: 200}\n"
                        "model: {type: hred, embed_dim: 16, hidden_dim: 16, attention: dynamic, "
                        "dropout: 0}\n"
                        "train: {steps: 150, warmup_steps: 5, lr: 0.02}\n"
                        "decoding: {max_new_tokens: 12}\n");
    base::write_durably(folder_ / "stack.yaml",
                        "store: talk.store\nrun: stack\nthreads: 1\n"
                        "batch: {tokens_per_batch: 200}\n"
                        "model: {type: stack_propagation, dim: 16, heads: 2, ffn_dim: 32, "
                        "encoder_layers: 1, decoder_layers: 1, dropout: 0, phase1_steps: 2}\n"
                        "train: {steps: 30, warmup_steps: 5, lr: 0.01}\n"
                        "decoding: {max_new_tokens: 12}\n");
    for (const auto& command :
         std::vector<std::vector<std::string>>{{"prepare", "nli.yaml"},
                                               {"train", "nli.yaml"},
                                               {"prepare", "talk.yaml"},
                                               {"train", "talk.yaml"},
                                               {"train", "stack.yaml"},
                                               {"train", "talk.yaml", "--set", "run=blind", "--set",
                                                "batch.persona=none", "--set", "train.steps=5"}}) {
      auto quiet = command;
      quiet.emplace_back("--quiet");
      const auto made = banter(quiet);
      if (made.exit_code != 0) throw std::runtime_error(made.err);
    }
  }

  [[nodiscard]] ProcessResult banter(const std::vector<std::string>& arguments,
                                     const std::string& input = "") const {
    std::vector<std::string> command = {
        "bash", "-c", "cd '" + folder_.path().string() + "' && exec \"$0\" \"$@\"", BANTER_PROGRAM};
    command.insert(command.end(), arguments.begin(), arguments.end());
    Process process(command, {{"OMP_NUM_THREADS", "1"}});
    process.write(input);
    return process.wait();
  }
  /// The answer of a command that must succeed.
  [[nodiscard]] json::object answer(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--json", "--quiet"});
    const auto result = banter(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return base::parse_json(result.out, "answer").as_object();
  }
  [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
};

class ConsistencyTest : public testing::Test {
 protected:
  static const Desk& desk() {
    static const auto made = std::make_unique<Desk>();
    return *made;
  }
  static double value(const json::object& metrics, const char* name) {
    return metrics.at(name).at("value").to_number<double>();
  }
  /// A file of one context whose speaker has this one fact.
  static std::string context_of(const std::string& fact) {
    base::write_durably(
        desk().folder() / "context.jsonl",
        json::serialize(json::object{{"turns", {"what do you have"}}, {"personas", {fact}}}));
    return "context.jsonl";
  }
  /// Fails with this code and one sentence that holds `part`.
  static void expect_failure(const ProcessResult& result, int code, const std::string& part) {
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_EQ(result.out, "");
  }
};

TEST_F(ConsistencyTest, TheReferencesScoreIsWhatTheCorpusSays) {
  // Bo says what the first line says (+1) or denies (-1): half of the dialogues each.
  const auto found = desk().answer({"evaluate", "talk", "--nli", "nli", "--metrics",
                                    "c_score,entailed_replies,contradicted_replies", "--replies",
                                    "100", "--write-replies", "replies.jsonl"});
  std::istringstream lines(base::read_file(desk().folder() / "replies.jsonl"));
  double replies = 0, consistent = 0;
  for (std::string line; std::getline(lines, line); ++replies) {
    const auto object = base::parse_json(line, "replies").as_object();
    const auto said = object.at("references").at(0);
    consistent += object.at("persona").at(0) == said ? 1 : 0;
    EXPECT_EQ(object.at("judgements").at("labels").as_array().size(), 2U);
  }
  ASSERT_GT(replies, 10);
  const auto& reference = found.at("reference").as_object();
  EXPECT_DOUBLE_EQ(value(reference, "c_score"), (2 * consistent - replies) / replies);
  EXPECT_DOUBLE_EQ(value(reference, "entailed_replies"), consistent / replies);
  EXPECT_DOUBLE_EQ(value(reference, "contradicted_replies"), 1 - consistent / replies);
  const auto& score = found.at("greedy").at("c_score");
  EXPECT_LE(score.at("low").to_number<double>(), score.at("value").to_number<double>());
  EXPECT_EQ(score.at("count").to_number<double>(), replies);
  const std::string signature(score.at("signature").as_string());
  EXPECT_TRUE(signature.starts_with("c_score|nli:")) << signature;
  EXPECT_NE(signature.find("|nli_accuracy:1.0000|"), std::string::npos) << signature;
}

TEST_F(ConsistencyTest, MetricsReadsHowRepliesWereJudged) {
  const auto found = desk().answer({"evaluate", "talk", "--nli", "nli", "--metrics", "c_score,f1",
                                    "--write-replies", "judged.jsonl"});
  const auto metrics = desk().answer({"metrics", "--replies", "judged.jsonl"});
  EXPECT_EQ(metrics.at("metrics").at("c_score"), found.at("greedy").at("c_score"));
  const auto same = desk().answer({"metrics", "--replies", "judged.jsonl", "--against",
                                   "judged.jsonl", "--metrics", "c_score"});
  EXPECT_EQ(same.at("metrics").at("c_score").at("p").to_number<double>(), 1);
  base::write_durably(desk().folder() / "plain.txt", "i have a dog\n");
  expect_failure(desk().banter({"metrics", "--replies", "plain.txt", "--metrics", "c_score"}), 2,
                 "c_score needs replies that were judged");
}

TEST_F(ConsistencyTest, AnExperimentComparesItAndFailsBeforeItTrains) {
  const auto write = [&](const std::string& nli) {
    base::write_durably(desk().folder() / "grid.yaml",
                        "folder: grid\nbaseline: none\nsamples: 0\ntrials: 100\n"
                        "recipe: {store: talk.store, threads: 1, batch: {tokens_per_batch: 200}, "
                        "model: {type: hred, embed_dim: 16, hidden_dim: 16, dropout: 0}, "
                        "train: {steps: 30, warmup_steps: 2, lr: 0.01}}\n"
                        "rows: {none: {batch.persona: none}, turns: {batch.persona: turns}}\n"
                        "evaluate: {replies: 20, " +
                            nli + "metrics: [c_score, contradicted_replies]}\n");
  };
  write("");
  expect_failure(desk().banter({"experiment", "grid.yaml", "--quiet"}), 2,
                 "c_score needs a classifier of sentence pairs: give `evaluate.nli`");
  write("nli: talk, ");
  expect_failure(desk().banter({"experiment", "grid.yaml", "--quiet"}), 2,
                 "talk gives replies; a classifier of sentence pairs is wanted");
  write("nli: nli, ");
  const auto made = desk().banter({"experiment", "grid.yaml", "--quiet"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  const auto report =
      base::parse_json(base::read_file(desk().folder() / "grid/report.json"), "report").as_object();
  ASSERT_EQ(report.at("rows").as_array().size(), 2U);
  for (const auto& row : report.at("rows").as_array()) {
    const std::string name(row.at("row").as_string());
    const auto alone =
        desk().answer({"evaluate", "grid/cells/" + name + "/seed-1/run", "--nli", "nli",
                       "--metrics", "c_score,contradicted_replies", "--replies", "20"});
    for (const auto* metric : {"c_score", "contradicted_replies"}) {
      const auto& score = row.at("metrics").at(metric);
      EXPECT_EQ(score.at("runs"), 1);
      EXPECT_DOUBLE_EQ(score.at("mean").to_number<double>(),
                       value(alone.at("greedy").as_object(), metric))
          << name << " " << metric;
    }
  }
  EXPECT_EQ(report.at("differences").as_array().size(), 2U);
  EXPECT_NE(json::serialize(report).find("c_score|nli:"), std::string::npos);
  EXPECT_NE(json::serialize(report).find("The corpus's own replies have c_score"),
            std::string::npos);
}

TEST_F(ConsistencyTest, RepliesAreSortedByConsistencyAmongTheFluent) {
  std::string contexts;
  for (const auto& animal : kAnimals)
    contexts += json::serialize(json::object{
                    {"turns", {"what do you have"}},
                    {"personas", {have(animal), lack("dog"), lack("cat"), "I LIKE TEA"}}}) +
                "\n";
  base::write_durably(desk().folder() / "contexts.jsonl", contexts);
  std::size_t moved = 0, outside = 0;
  for (const auto* margin : {"0.1", "100"}) {
    const auto made = desk().banter(
        {"generate", "talk", "contexts.jsonl", "--method", "sample", "--replies", "12", "--rerank",
         "consistency", "--rerank-margin", margin, "--nli", "nli", "--json", "--quiet"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    std::istringstream lines(made.out);
    for (std::string line; std::getline(lines, line);) {
      const auto object = base::parse_json(line, "generate").as_object();
      const auto& replies = object.at("replies").as_array();
      std::vector<double> fluencies;
      for (const auto& reply : replies)
        fluencies.push_back(reply.at("log_prob").to_number<double>() /
                            static_cast<double>(reply.at("log_probs").as_array().size()));
      const auto best = std::ranges::max(fluencies);
      double before = 100;
      for (std::size_t r = 0; r < replies.size(); ++r) {
        double wanted = 0;
        for (const auto& fact : replies[r].at("consistency").as_array())
          wanted += fact.at("label") == "entailment"      ? 1
                    : fact.at("label") == "contradiction" ? -1
                                                          : 0;
        if (fluencies[r] < best - std::stod(margin)) wanted = -5, ++outside;
        const auto score = replies[r].at("rerank_score").to_number<double>();
        EXPECT_EQ(score, wanted);
        EXPECT_LE(score, before) << "the best comes first";
        if (score == before) {
          EXPECT_LE(fluencies[r], fluencies[r - 1]) << "of equals the more probable";
        }
        before = score;
      }
      moved += fluencies.front() < best ? 1 : 0;
    }
  }
  EXPECT_GT(moved, 0U) << "a less probable one was never chosen";
  EXPECT_GT(outside, 0U) << "the margin never mattered";
}

TEST_F(ConsistencyTest, TextsAreReadAsTheClassifiersCorpusWasSpelled) {
  const auto judged = [&](const std::string& fact) {
    const auto object = desk().answer({"generate", "talk", context_of(fact), "--nli", "nli",
                                       "--prefix", "i have a dog", "--max-new-tokens", "14"});
    return object.at("consistency").at(0).at("entailment").to_number<double>();
  };
  EXPECT_EQ(judged("I HAVE A Dog"), judged("i have a dog")) << "the corpus has no capital";
  EXPECT_EQ(judged("i've a dog"), judged("i have a dog")) << "it was cleaned so";
  fs::rename(desk().folder() / "nli.store", desk().folder() / "moved");
  EXPECT_EQ(judged("i've a dog"), judged("i have a dog")) << "the run alone knows it";
  fs::rename(desk().folder() / "moved", desk().folder() / "nli.store");
  EXPECT_NE(judged("i have a dog"), judged("i have a cat"));
}

TEST_F(ConsistencyTest, APersonaChangesWhileAChatGoesOn) {
  base::write_durably(desk().folder() / "bo.txt", "i have a cat\n\nI like tea\n");
  const auto made = desk().banter(
      {"chat", "stack", "--persona", "bo.txt", "--nli", "nli", "--json", "--quiet"},
      "what do you have\n/persona 1 i have no cat\nwhat do you have\n/persona add i have a dog\n"
      "/persona drop 2\n/persona\n/consistency\nwhat do you have\n/reset\n/persona clear\n"
      "what do you have\n");
  ASSERT_EQ(made.exit_code, 0) << made.err;
  std::vector<json::object> said;
  std::istringstream lines(made.out);
  for (std::string line; std::getline(lines, line);)
    said.push_back(base::parse_json(line, "chat").as_object());
  ASSERT_EQ(said.size(), 6U);
  const auto facts = [&](std::size_t i) {
    std::string texts;
    for (const auto& fact : said[i].at("consistency").as_array())
      texts += std::string(fact.at("text").as_string()) + "|";
    return texts;
  };
  EXPECT_EQ(facts(0), "i have a cat|I like tea|");
  EXPECT_EQ(facts(1), "i have no cat|I like tea|");
  EXPECT_EQ(json::serialize(said[2].at("persona")), R"(["i have no cat","i have a dog"])");
  EXPECT_EQ(facts(3), "i have no cat|i have a dog|") << "of the persona as it is now";
  EXPECT_EQ(facts(5), "");
  // The same replies as to the same contexts from the beginning.
  const auto reply = [&](std::size_t i) { return std::string(said[i].at("reply").as_string()); };
  const json::array first = {"what do you have"};
  json::array second = first;
  second.emplace_back(reply(0));
  second.emplace_back(first[0]);
  const auto log_prob = [](const json::object& object) {
    return object.at("log_prob").to_number<double>();
  };
  const auto fresh = [&](const json::array& turns, const json::array& persona) {
    base::write_durably(desk().folder() / "one.jsonl",
                        json::serialize(json::object{{"turns", turns}, {"personas", persona}}));
    return desk().answer({"generate", "stack", "one.jsonl"});
  };
  const auto expect_same = [&](std::size_t i, const json::object& wanted) {
    EXPECT_EQ(reply(i), std::string(wanted.at("reply").as_string()));
    EXPECT_NEAR(log_prob(said[i]), log_prob(wanted), 1e-4);
  };
  expect_same(0, fresh(first, {"i have a cat", "I like tea"}));
  expect_same(1, fresh(second, {"i have no cat", "I like tea"}));
  EXPECT_GT(std::abs(log_prob(said[1]) - log_prob(fresh(second, {"i have a cat", "I like tea"}))),
            1e-3)
      << "the persona makes no difference";
  expect_same(5, fresh(first, {}));
}

TEST_F(ConsistencyTest, AChatShowsHowTheLastReplyStandsToEachLine) {
  base::write_durably(desk().folder() / "bo.txt", "i have a cat\ni like tea\n");
  const auto made = desk().banter({"chat", "talk", "--persona", "bo.txt", "--nli", "nli"},
                                  "/consistency\n/persona\nhi\n/persona\n/consistency on\nhi\n"
                                  "/persona clear\n/persona\n");
  ASSERT_EQ(made.exit_code, 0) << made.err;
  std::vector<std::string> lines;
  std::istringstream out(made.out);
  for (std::string line; std::getline(out, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 10U) << made.out;
  EXPECT_EQ(lines[0], "there is no reply yet");
  EXPECT_EQ(lines[1], "1  i have a cat") << "not judged yet";
  const std::regex judged("1  (entailed|neutral|contradicted) +[01]\\.[0-9]{2}  i have a cat");
  EXPECT_TRUE(std::regex_match(lines[4], judged)) << lines[4];
  EXPECT_TRUE(std::regex_match(lines[7], judged)) << lines[7];
  EXPECT_NE(lines[9].find("there is no persona"), std::string::npos);
}

TEST_F(ConsistencyTest, AChatShowsDrafts) {
  const auto plain = desk().banter({"chat", "stack", "--draft"}, "hi\n/draft off\nhi\n/draft\n");
  ASSERT_EQ(plain.exit_code, 0) << plain.err;
  EXPECT_NE(plain.out.find("\ndraft: "), std::string::npos) << plain.out;
  EXPECT_EQ(plain.out.find("\ndraft: "), plain.out.rfind("\ndraft: ")) << "it was switched off";
  EXPECT_NE(plain.out.find("none was made"), std::string::npos);
  const auto object =
      base::parse_json(desk().banter({"chat", "stack", "--draft", "--json"}, "hi\n").out, "chat");
  base::write_durably(desk().folder() / "hi.txt", "hi\n");
  const auto generated = desk().answer({"generate", "stack", "hi.txt", "--draft"});
  EXPECT_EQ(object.at("draft").at("reply"), generated.at("draft").at("reply"));
  EXPECT_EQ(object.at("reply"), generated.at("reply"));
  expect_failure(desk().banter({"chat", "talk", "--draft"}), 2, "has no draft decoder");
  expect_failure(desk().banter({"chat", "talk"}, "/draft on\n"), 1, "stdin:1: draft: hred has no");
}

TEST_F(ConsistencyTest, AnOddPersonaWorksOrIsOneSentence) {
  const auto chat = [&](const std::string& persona, const std::string& run = "talk",
                        const std::string& lines = "hi\n") {
    base::write_durably(desk().folder() / "odd.txt", persona);
    return desk().banter({"chat", run, "--persona", "odd.txt", "--nli", "nli", "--json"}, lines);
  };
  const auto judged = [](const ProcessResult& result) {
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const auto object = base::parse_json(result.out, "chat").as_object();
    return object.at("consistency").as_array();
  };
  std::string many;
  for (int i = 0; i < 600; ++i) many += i % 2 == 0 ? "i have a dog\n" : "i have no cat\n";
  const auto all = chat(many);
  EXPECT_NE(all.err.find(" of the persona's 600 lines (batch.max_context_tokens is 1024)"),
            std::string::npos)
      << all.err;
  const auto lines = judged(all);
  ASSERT_EQ(lines.size(), 600U);
  for (std::size_t i = 0; i < lines.size(); ++i)
    EXPECT_NEAR(lines[i].at("entailment").to_number<double>(),
                lines[i % 2].at("entailment").to_number<double>(), 1e-5)
        << i;
  EXPECT_EQ(judged(chat(many.substr(0, 25 * 27))).size(), 50U);
  const auto longest = chat(std::string(10'000, 'a') + "\n");
  EXPECT_EQ(judged(longest).size(), 1U);
  EXPECT_NE(longest.err.find("of which this model reads the first 100"), std::string::npos)
      << longest.err;
  EXPECT_NE(longest.err.find("longer than the classifier of --nli reads"), std::string::npos);
  const auto blind = chat("i have a dog\n", "blind");
  EXPECT_EQ(judged(blind).size(), 1U);
  EXPECT_NE(blind.err.find("trained without personas"), std::string::npos) << blind.err;
  expect_failure(chat(""), 1, "odd.txt: holds no sentence of a persona");
  expect_failure(chat("b\xFFt\n"), 1, "odd.txt:1: byte 2 is not UTF-8");
  expect_failure(chat(std::string("a\0b\n", 4)), 1, "odd.txt:1: a sentence of a persona must not");
  expect_failure(chat("fine\n", "talk", "/persona 2 text\n"), 1, "stdin:1: /persona: there is no");
  expect_failure(desk().banter({"chat", "talk", "--persona", "-"}), 2, "standard input is what is");
  expect_failure(desk().banter({"chat", "talk", "--nli", "talk"}, "hi\n"), 1,
                 "a classifier of sentence pairs is wanted");
  expect_failure(desk().banter({"chat", "talk"}, "/consistency\n"), 1, "--nli");
}

TEST_F(ConsistencyTest, WhatCannotBeJudgedIsOneSentence) {
  expect_failure(desk().banter({"evaluate", "talk", "--metrics", "c_score"}), 2, "need --nli");
  expect_failure(desk().banter({"evaluate", "talk", "--nli", "talk"}), 1,
                 "hred gives replies; a classifier of sentence pairs is wanted");
  expect_failure(desk().banter({"evaluate", "talk", "--nli", "none"}), 1, "none");
  expect_failure(desk().banter({"evaluate", "talk", "--nli", "nli", "--replies", "0"}), 2,
                 "--replies above 0");
  expect_failure(desk().banter({"evaluate", "nli", "--nli", "nli"}), 2, "--nli is of replies");
  expect_failure(desk().banter({"evaluate", "talk", "--set", "decoding.method=sample", "--set",
                                "decoding.replies=4", "--set", "decoding.rerank=consistency"}),
                 2, "needs a classifier of sentence pairs: name its run with --nli");
}

}  // namespace
}  // namespace banter::tests
