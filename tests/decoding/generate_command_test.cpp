#include <array>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "models/commands.h"
#include "tests/decoding/command_runs.h"

namespace banter::models {
namespace {

namespace json = base::json;

/// Contexts of different lengths, half of them JSON and half plain.
std::string many_contexts(int count) {
  std::string content;
  for (int i = 0; i < count; ++i) {
    std::string turns, plain;
    for (int t = 0; t <= i % 6; ++t) {
      const auto text = "hello number " + std::to_string(7 * i + t);
      turns += (t == 0 ? "\"" : ", \"") + text + "\"";
      plain += (t == 0 ? "" : "\t") + text;
    }
    content += i % 2 == 0 ? R"({"id": "c)" + std::to_string(i) + R"(", "turns": [)" + turns + "]}\n"
                          : plain + "\n";
  }
  return content;
}

TEST(GenerateCommandTest, AnswersInOrderWhateverTheBatch) {
  const auto input = file(many_contexts(50));
  const auto one = output_of(run_generate, {run_path(), input, "--json", "--batch", "1"});
  const auto many = output_of(run_generate, {run_path(), input, "--json", "--batch", "7"});
  const auto replies = objects_of(one);
  const auto batched = objects_of(many);
  ASSERT_EQ(replies.size(), 50U);
  ASSERT_EQ(batched.size(), 50U);
  for (std::size_t i = 0; i < replies.size(); ++i) {
    EXPECT_EQ(replies[i].at("number").to_number<std::size_t>(), i + 1);
    EXPECT_EQ(replies[i].contains("id"), i % 2 == 0);
    EXPECT_EQ(replies[i].at("reply"), batched[i].at("reply"));
    EXPECT_EQ(replies[i].at("tokens"), batched[i].at("tokens"));
    EXPECT_EQ(batched[i].at("tokens").as_array().size(),
              batched[i].at("log_probs").as_array().size());
  }
}

TEST(GenerateCommandTest, PrintsPlainLinesWithoutJson) {
  const auto lines = lines_of(output_of(run_generate, {run_path(), file("hello\n\nhi\thello\n")}));
  EXPECT_EQ(lines.size(), 2U);
  const auto best =
      lines_of(output_of(run_generate, {run_path(), file("hello\nhi\n"), "--method", "beam",
                                        "--beam-size", "3", "--replies", "2"}));
  ASSERT_EQ(best.size(), 4U);
  EXPECT_EQ(best[0].substr(0, 2), "1\t");
  EXPECT_EQ(best[3].substr(0, 2), "2\t");
}

TEST(GenerateCommandTest, GivesSeveralRepliesBestFirst) {
  const auto objects =
      objects_of(output_of(run_generate, {run_path(), file("hello\n"), "--json", "--method", "beam",
                                          "--beam_size", "4", "--replies", "3", "--attention"}));
  ASSERT_EQ(objects.size(), 1U);
  const auto& replies = objects[0].at("replies").as_array();
  ASSERT_EQ(replies.size(), 3U);
  EXPECT_GE(replies[0].at("score").to_number<double>(), replies[1].at("score").to_number<double>());
  EXPECT_EQ(objects[0].at("sources").as_array().size(), 1U);
}

TEST(GenerateCommandTest, TellsWhatEachTokenLookedAt) {
  const auto object = objects_of(output_of(
      run_generate, {run_path(), file("a\tb\tc\td\te\tf\n"), "--json", "--attention"}))[0];
  // Four turns fit into this model's context: those numbered 2 to 5.
  const auto& sources = object.at("sources").as_array();
  ASSERT_EQ(sources.size(), 4U);
  EXPECT_EQ(sources[0].at("turn").to_number<int>(), 2);
  EXPECT_EQ(sources[3].at("turn").to_number<int>(), 5);
  for (const char* name : {"static", "dynamic"}) {
    const auto& rows = object.at("attention").at(name).as_array();
    ASSERT_EQ(rows.size(), object.at("tokens").as_array().size());
    for (const auto& row : rows) {
      double sum = 0;
      for (const auto& weight : row.as_array()) sum += weight.to_number<double>();
      EXPECT_NEAR(sum, 1.0, kCommandTolerance);
    }
  }
}

/// The draft is what the draft decoder alone says, by another sum; the reply is as without it.
TEST(GenerateCommandTest, GivesTheDraftBesideTheReply) {
  const std::string sizes = "dim: 8, heads: 2, ffn_dim: 10, dropout: 0, tied: false";
  for (const std::string preset : {"none", "paper"}) {
    const TinyRun run("{type: stack_propagation, preset: " + preset + ", " + sizes + "}");
    const auto input =
        run.file(
               R"({"turns": ["hello", "fine"], "personas": {"B": ["i am fine", "hello"]}, "speaker": "B"})"
               "\nhow are you\n")
            .string();
    const auto with =
        objects_of(output_of(run_generate, {run.path().string(), input, "--json", "--draft"}));
    const auto without =
        objects_of(output_of(run_generate, {run.path().string(), input, "--json"}));
    ASSERT_EQ(with.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(with[i].at("reply"), without[i].at("reply"));
      EXPECT_FALSE(without[i].contains("draft"));
      const auto& draft = with[i].at("draft").as_object();
      EXPECT_EQ(draft.at("tokens").as_array().size(), draft.at("log_probs").as_array().size());
      EXPECT_NE(draft.at("log_probs"), with[i].at("log_probs")) << "one decoder gave both";
    }
  }
  EXPECT_THROW(output_of(run_generate, {run_path(), file("a\n"), "--json", "--draft"}),
               base::UsageError);
  const TinyRun run("{type: stack_propagation, " + sizes + "}");
  EXPECT_THROW(output_of(run_generate, {run.path().string(), file("a\n"), "--draft"}),
               base::UsageError);
}

TEST(GenerateCommandTest, AnswersALivePipeLineByLine) {
  std::array<std::string, 3> replies;
  {
    Pipes pipes;
    std::thread command([] {
      run_generate({run_path(), "--device", "cpu", "--threads", "1", "--json"});
    });
    for (auto& reply : replies) {
      pipes.write("hello\n");
      reply = pipes.read_line();  // before the next one is asked
    }
    pipes.end();
    command.join();
  }
  for (std::size_t i = 0; i < replies.size(); ++i)
    EXPECT_NE(replies[i].find("\"number\":" + std::to_string(i + 1)), std::string::npos)
        << replies[i];
}

TEST(GenerateCommandTest, NamesABadLineAfterAnsweringTheGoodOnesBefore) {
  for (const std::string& bad : {std::string("{\"turns\": []}"), too_long_line()}) {
    const auto failed =
        failure_of(run_generate, {run_path(), file("hello\nhi\n" + bad + "\nhi\n")});
    EXPECT_EQ(failed.lines.size(), 2U);
    EXPECT_NE(failed.message.find("input:3"), std::string::npos) << failed.message;
  }
}

TEST(GenerateCommandTest, NamesAContextOfWhichTheModelReadsNothing) {
  const auto input =
      file("hello\nhi\n{\"turns\": [], \"personas\": [\"how are you today?\"]}\nhi\n");
  for (const auto* run : {&run_without_facts(), &run_for_short_facts()}) {
    const auto failed = failure_of(run_generate, {run->path().string(), input});
    EXPECT_EQ(failed.lines.size(), 2U);
    EXPECT_NE(failed.message.find("input:3"), std::string::npos) << failed.message;
  }
}

TEST(GenerateCommandTest, DrawsForEachLineByItselfAndByItsOwnSeed) {
  const auto replies = [](const std::string& lines) {
    std::vector<json::value> tokens;
    for (const auto& object : objects_of(
             output_of(run_generate, {run_path(), file(lines), "--json", "--method", "sample",
                                      "--min-new-tokens", "12", "--temperature", "3"})))
      tokens.push_back(object.at("tokens"));
    return tokens;
  };
  const auto plain = replies("hello\nhello\n");
  EXPECT_NE(plain.at(0), plain.at(1));
  const std::string seeded = "{\"turns\": [\"hello\"], \"seed\": 5}\n";
  const auto own = replies(seeded + "hello\n" + seeded);
  EXPECT_EQ(own.at(0), own.at(2));
  EXPECT_EQ(own.at(1), plain.at(1)) << "the second line's, whatever stands in the first";
}

TEST(GenerateCommandTest, TellsAFlagThatTheMethodDoesNotRead) {
  static const TinyRun run("{type: hred, embed_dim: 8, hidden_dim: 12}",
                           "{max_new_tokens: 3, top_p: 0.5}");
  const auto notes = [](const Arguments& flags) {
    Arguments arguments = {run.path().string(), file("hello\n")};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    testing::internal::CaptureStderr();
    output_of(run_generate, arguments);
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_NE(notes({"--temperature", "0.5"}).find("temperature"), std::string::npos);
  EXPECT_NE(notes({"--set", "decoding.beam_size=3"}).find("beam_size"), std::string::npos);
  EXPECT_EQ(notes({"--method", "sample", "--temperature", "0.5"}), "");
  EXPECT_EQ(notes({}), "") << "a recipe may hold the options of every method";
}

TEST(GenerateCommandTest, ObeysTheRunsDecodingTheFlagsAndTheSeed) {
  const auto tokens = [](const Arguments& more) {
    Arguments arguments = {run_path(), file("hello\n"), "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return objects_of(output_of(run_generate, arguments))[0].at("tokens").as_array();
  };
  EXPECT_LE(tokens({}).size(), 12U);  // the run's max_new_tokens
  EXPECT_EQ(tokens({"--min-new-tokens", "20", "--max-new-tokens", "20"}).size(), 20U);
  EXPECT_EQ(
      tokens({"--set", "decoding.min_new_tokens=9", "--set", "decoding.max_new_tokens=9"}).size(),
      9U);
  const Arguments sample = {"--method", "sample", "--min-new-tokens", "12", "--seed"};
  const auto with_seed = [&](const std::string& seed) {
    auto arguments = sample;
    arguments.push_back(seed);
    return tokens(arguments);
  };
  EXPECT_EQ(with_seed("1"), with_seed("1"));
  EXPECT_NE(with_seed("1"), with_seed("2"));
}

TEST(GenerateCommandTest, BeginsRepliesWithAPrefix) {
  const auto lines = file("hello\n{\"turns\": [\"hello\"], \"prefix\": \"fine, where\"}\n");
  for (const char* method : {"greedy", "beam", "sample"}) {
    const auto objects = objects_of(output_of(
        run_generate, {run_path(), lines, "--json", "--prefix", "how are", "--method", method}));
    ASSERT_EQ(objects.size(), 2U);
    EXPECT_TRUE(objects[0].at("reply").as_string().starts_with("how are")) << method;
    EXPECT_TRUE(objects[1].at("reply").as_string().starts_with("fine, where")) << method;
    EXPECT_EQ(objects[0].at("tokens").as_array().size(),
              objects[0].at("log_probs").as_array().size());
  }
  const auto failed =
      failure_of(run_generate, {run_path(), lines, "--prefix", "how are", "--max-new-tokens", "2"});
  EXPECT_NE(failed.message.find("input:1: the prefix has"), std::string::npos) << failed.message;
  EXPECT_THROW(output_of(run_generate, {run_path(), lines, "--prefix", " "}), base::UsageError);
}

std::string reply_of_one(const std::string& context, const Arguments& flags) {
  Arguments arguments = {run_that_says_one().path().string(), file(context + "\n"), "--json"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  const auto object = objects_of(output_of(run_generate, arguments)).at(0);
  return std::string(object.at("finish").as_string()) + ": " +
         std::string(object.at("reply").as_string());
}

TEST(GenerateCommandTest, EndsAtAStopString) {
  EXPECT_EQ(reply_of_one("hello", {}), "length: 1 1 1 1 1 1");
  EXPECT_EQ(reply_of_one("hello", {"--stop", "1 1 1"}), "stop: ");
  EXPECT_EQ(reply_of_one("hello", {"--stop", "\n", "--stop", " 1 1"}), "stop: 1");
  EXPECT_EQ(reply_of_one("hello", {"--set", "decoding.stop=[\" 1\"]"}), "stop: 1");
  EXPECT_EQ(reply_of_one("hello", {"--method", "beam", "--stop", " 1 1"}), "stop: 1");
}

TEST(GenerateCommandTest, SaysNoBlockedPhraseAndNothingOfTheContext) {
  const std::string words = "\n1\r\nhello\n";
  const auto list = tiny_run().path() / "blocked.txt";
  base::write_durably(list, words);
  for (const auto& flags : {Arguments{"--block", "1"}, Arguments{"--block-list", list.string()},
                            Arguments{"--set", "decoding.block=[hello, \"1\"]"}})
    EXPECT_EQ(reply_of_one("hello", flags).find('1'), std::string::npos) << flags[0];
  EXPECT_NE(reply_of_one("hello", {"--block", "2"}).find('1'), std::string::npos);
  const Arguments no_unigram = {"--context-no-repeat-ngram-size", "1"};
  EXPECT_EQ(reply_of_one("hello 1", no_unigram).find(" 1"), std::string::npos);
  EXPECT_NE(reply_of_one("hello", no_unigram).find(" 1"), std::string::npos);
  EXPECT_THROW(reply_of_one("hello", {"--block-list", "/no/such/file"}), base::FileError);
  EXPECT_THROW(reply_of_one("hello", {"--block", " "}), base::ConfigError);
}

TEST(GenerateCommandTest, SortsRepliesByTheRerankerThatIsNamed) {
  const auto object = objects_of(output_of(
      run_generate, {run_path(), file("hello\n"), "--json", "--method", "sample", "--replies", "5",
                     "--length-penalty", "0", "--rerank", "mean_log_prob"}))[0];
  const auto& replies = object.at("replies").as_array();
  ASSERT_EQ(replies.size(), 5U);
  double before = 0;
  for (const auto& reply : replies) {
    const auto score = reply.at("rerank_score").to_number<double>();
    EXPECT_LE(score, before);
    before = score;
    EXPECT_NEAR(score,
                reply.at("log_prob").to_number<double>() /
                    static_cast<double>(reply.at("log_probs").as_array().size()),
                kCommandTolerance);
  }
}

TEST(GenerateCommandTest, SortsRepliesByAReverseModel) {
  const auto run = run_that_says_one().path().string();
  const auto reverse_sum = [&](const std::string& reply) {
    return objects_of(output_of(run_score, {run_path(), file("{\"turns\": [\"" + reply +
                                                             "\"], \"reply\": \"hello\"}\n")}))[0]
        .at("sum")
        .to_number<double>();
  };
  const auto object = objects_of(output_of(
      run_generate,
      {run, file("hello\n"), "--json", "--method", "beam", "--beam-size", "3", "--replies", "3",
       "--max-new-tokens", "2", "--reverse", run_path(), "--mmi-weight", "0.75"}))[0];
  const auto& replies = object.at("replies").as_array();
  ASSERT_EQ(replies.size(), 3U);
  EXPECT_GE(replies[0].at("rerank_score").to_number<double>(),
            replies[2].at("rerank_score").to_number<double>());
  std::size_t seen = 0;
  for (const auto& reply : replies) {
    if (reply.at("reply").as_string() != "1 1") continue;  // others may be spelt by other pieces
    ++seen;
    EXPECT_NEAR(reply.at("rerank_score").to_number<double>(),
                0.25 * reply.at("log_prob").to_number<double>() + 0.75 * reverse_sum("1 1"),
                kCommandTolerance);
  }
  EXPECT_EQ(seen, 1U);
  // Of a reply that a stop string ends, what is said counts.
  const auto stopped = objects_of(
      output_of(run_generate, {run, file("hello\n"), "--json", "--method", "beam", "--replies", "2",
                               "--stop", " 1 1", "--reverse", run_path(), "--mmi-weight", "1"}))[0];
  std::size_t cut = 0;
  for (const auto& reply : stopped.at("replies").as_array()) {
    if (reply.at("finish").as_string() != "stop" || reply.at("reply").as_string() != "1") continue;
    ++cut;
    EXPECT_NEAR(reply.at("rerank_score").to_number<double>(), reverse_sum("1"), kCommandTolerance);
  }
  EXPECT_GT(cut, 0U);
  EXPECT_THROW(output_of(run_generate, {run, file("hello\n"), "--reverse", run_path()}),
               base::UsageError);
}

TEST(GenerateCommandTest, RefusesWhatItCannotDo) {
  const auto input = file("hello\n");
  EXPECT_THROW(output_of(run_generate, {run_path(), input, "--method", "best"}), base::ConfigError);
  EXPECT_THROW(output_of(run_generate, {run_path(), input, "--beam-size", "x"}), base::ConfigError);
  EXPECT_THROW(output_of(run_generate, {run_path(), input, "--set", "model.hidden_dim=3"}),
               base::UsageError);
  EXPECT_THROW(output_of(run_generate, {run_path(), input, "--attention"}), base::UsageError);
  EXPECT_THROW(output_of(run_generate, {run_path(), input, "--no-such-flag"}), base::UsageError);
  EXPECT_THROW(output_of(run_generate, {run_path(), input, "--batch", "1000000000000"}),
               base::UsageError);
  EXPECT_THROW(output_of(run_generate, {run_path(), "/no/such/file"}), base::FileError);
  EXPECT_THROW(output_of(run_generate, {"/no/such/run", input}), base::Error);
}

TEST(GenerateCommandTest, PrintsTheEffectiveDecoding) {
  const auto text =
      output_of(run_generate, {run_path(), file(""), "--dump-config", "--beam-size", "6"});
  EXPECT_NE(text.find("max_new_tokens: 12"), std::string::npos) << text;
  EXPECT_NE(text.find("beam_size: 6"), std::string::npos) << text;
}

TEST(EnsembleCommandTest, AnswersByWhatSeveralRunsSay) {
  static const TinyRun other("{type: seq2seq, embed_dim: 6, hidden_dim: 8}",
                             "{max_new_tokens: 12}");
  const auto asked = [](const Arguments& flags) {
    Arguments arguments = {run_path(), file("hello\nhow are you?\tfine\n"), "--json",
                           "--attention"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return objects_of(output_of(run_generate, arguments));
  };
  const auto alone = asked({});
  for (const char* mean : {"log_probs", "probs"}) {
    const auto twice = asked({"--ensemble", run_path(), "--ensemble-mean", mean});
    for (std::size_t i = 0; i < alone.size(); ++i) {
      EXPECT_EQ(twice[i].at("tokens"), alone[i].at("tokens"));
      EXPECT_NEAR(twice[i].at("log_prob").to_number<double>(),
                  alone[i].at("log_prob").to_number<double>(), kCommandTolerance);
    }
    const auto mixed = asked({"--ensemble", other.path().string(), "--ensemble-mean", mean});
    EXPECT_NE(mixed[0].at("log_probs"), alone[0].at("log_probs"));
    EXPECT_TRUE(mixed[0].at("attention").as_object().contains("static"));
    // What it says is scored as it was chosen.
    const auto scored = objects_of(
        output_of(run_score, {run_path(), file("{\"turns\": [\"hello\"], \"reply\": \"fine\"}\n"),
                              "--ensemble", other.path().string(), "--ensemble-mean", mean}));
    const auto forced = objects_of(
        output_of(run_generate, {run_path(), file("hello\n"), "--json", "--prefix", "fine",
                                 "--ensemble", other.path().string(), "--ensemble-mean", mean}));
    EXPECT_NEAR(scored[0].at("log_probs").at(0).to_number<double>(),
                forced[0].at("log_probs").at(0).to_number<double>(), 1e-5);
  }
}

TEST(EnsembleCommandTest, RefusesRunsThatDoNotGoTogether) {
  static const TinyRun other_words("{type: hred, embed_dim: 8, hidden_dim: 12}", "{}",
                                   "{max_context_turns: 4}", "", /*greeting=*/"good morning");
  static const TinyRun other_limits("{type: hred, embed_dim: 8, hidden_dim: 12}", "{}",
                                    "{max_context_turns: 3}");
  const auto refused = [&](Command command, const Arguments& flags) {
    Arguments arguments = {run_path(), file("hello\n")};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    EXPECT_THROW(output_of(command, arguments), base::UsageError);
    return failure_of(command, arguments).message;
  };
  for (auto* command : {&run_generate, &run_score}) {
    EXPECT_NE(refused(command, {"--ensemble", other_words.path().string()}).find("tokenizer"),
              std::string::npos);
    EXPECT_NE(refused(command, {"--ensemble", other_limits.path().string()})
                  .find("batch.max_context_turns 3"),
              std::string::npos);
    refused(command, {"--ensemble-mean", "probs"});
    refused(command, {"--ensemble", run_path(), "--ensemble-mean", "votes"});
  }
}

}  // namespace
}  // namespace banter::models
