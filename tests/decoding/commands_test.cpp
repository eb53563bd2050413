#include "models/commands.h"

#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/json.h"
#include "tests/decoding/tiny_run.h"

namespace banter::models {
namespace {

namespace json = base::json;

constexpr double kFloatTolerance = 2e-4;  // float32 against float64, summed over a reply

const TinyRun& tiny_run() {
  static const TinyRun run;
  return run;
}

using Arguments = std::vector<std::string>;

/// Runs a command on the CPU; what it wrote to standard output.
std::string output_of(int (*command)(const Arguments&), Arguments arguments) {
  arguments.insert(arguments.end(), {"--device", "cpu", "--threads", "1", "--quiet"});
  testing::internal::CaptureStdout();
  try {
    EXPECT_EQ(command(arguments), 0);
  } catch (...) {
    (void)testing::internal::GetCapturedStdout();
    throw;
  }
  return testing::internal::GetCapturedStdout();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<json::object> objects_of(const std::string& text) {
  std::vector<json::object> objects;
  for (const auto& line : lines_of(text)) objects.push_back(json::parse(line).as_object());
  return objects;
}

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

/// What a command wrote to standard output before it failed, and the sentence it failed with.
struct Failure {
  std::vector<std::string> lines;
  std::string message;
};

Failure failure_of(int (*command)(const Arguments&), Arguments arguments) {
  arguments.insert(arguments.end(), {"--device", "cpu", "--threads", "1", "--quiet"});
  Failure failure;
  testing::internal::CaptureStdout();
  try {
    command(arguments);
  } catch (const base::Error& error) {
    failure.message = error.what();
  }
  failure.lines = lines_of(testing::internal::GetCapturedStdout());
  return failure;
}

std::string run_path() { return tiny_run().path().string(); }
std::string file(const std::string& content) { return tiny_run().file(content).string(); }

/// Standard input and output that are pipes, for as long as this lives.
class Pipes {
 public:
  Pipes() {
    std::array<int, 2> in{}, out{};
    EXPECT_EQ(::pipe(in.data()) + ::pipe(out.data()), 0);
    std::fflush(stdout);
    saved_in_ = ::dup(STDIN_FILENO);
    saved_out_ = ::dup(STDOUT_FILENO);
    ::dup2(in[0], STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    ::close(in[0]);
    ::close(out[1]);
    writer_ = in[1];
    reader_ = out[0];
  }
  ~Pipes() {
    end();
    ::dup2(saved_in_, STDIN_FILENO);
    ::dup2(saved_out_, STDOUT_FILENO);
    for (const int fd : {saved_in_, saved_out_, reader_}) ::close(fd);
  }
  void write(const std::string& text) const {
    EXPECT_EQ(::write(writer_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void end() {
    if (writer_ >= 0) ::close(writer_);
    writer_ = -1;
  }
  /// The next line of output; "" when none comes in a long time.
  std::string read_line() const {
    constexpr int kLongMs = 60'000;
    std::string line;
    for (char c = 0;;) {
      pollfd waiting{.fd = reader_, .events = POLLIN, .revents = 0};
      if (::poll(&waiting, 1, kLongMs) != 1 || ::read(reader_, &c, 1) != 1) return "";
      if (c == '\n') return line;
      line += c;
    }
  }

 private:
  int saved_in_ = -1, saved_out_ = -1, writer_ = -1, reader_ = -1;
};

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
      EXPECT_NEAR(sum, 1.0, kFloatTolerance);
    }
  }
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

const std::string kTooLong(17U << 20U, 'a');  // more than a line may have

TEST(GenerateCommandTest, NamesABadLineAfterAnsweringTheGoodOnesBefore) {
  for (const std::string& bad : {std::string("{\"turns\": []}"), kTooLong}) {
    const auto failed =
        failure_of(run_generate, {run_path(), file("hello\nhi\n" + bad + "\nhi\n")});
    EXPECT_EQ(failed.lines.size(), 2U);
    EXPECT_NE(failed.message.find("input:3"), std::string::npos) << failed.message;
  }
}

/// Models that can read nothing of a context without turns.
const TinyRun& run_without_facts() {
  static const TinyRun run("{type: hred, embed_dim: 8, hidden_dim: 12}", "{}", "{persona: none}");
  return run;
}
const TinyRun& run_for_short_facts() {
  static const TinyRun run("{type: hred, embed_dim: 8, hidden_dim: 12}", "{}",
                           "{max_context_tokens: 3}");
  return run;
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

/// A model that says 1 before all else.
const TinyRun& run_that_says_one() {
  static const TinyRun run("{type: hred, embed_dim: 8, hidden_dim: 12}", "{max_new_tokens: 6}",
                           "{max_context_turns: 4}", /*favourite=*/"1");
  return run;
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
                kFloatTolerance);
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
                kFloatTolerance);
  }
  EXPECT_EQ(seen, 1U);
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
                  alone[i].at("log_prob").to_number<double>(), kFloatTolerance);
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
  const auto refused = [&](int (*command)(const Arguments&), const Arguments& flags) {
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

const char* const kToScore =
    "{\"id\": 1, \"turns\": [\"hello\"], \"reply\": \"fine\"}\n"
    "{\"id\": 2, \"turns\": [\"hello\", \"hi\", \"how are you?\"], "
    "\"reply\": \"where is the file today?\"}\n"
    "{\"id\": 3, \"turns\": [\"hello\", \"hi\"], \"reply\": \"fine, how are you?\"}\n";

TEST(ScoreCommandTest, KeepsTheOrderOfTheLinesAndSumsTheirTokens) {
  const auto together = objects_of(output_of(run_score, {run_path(), file(kToScore)}));
  const auto alone = objects_of(output_of(run_score, {run_path(), file(kToScore), "--batch", "1"}));
  ASSERT_EQ(together.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(together[i].at("id").to_number<std::size_t>(), i + 1);
    EXPECT_EQ(together[i].at("number").to_number<std::size_t>(), i + 1);
    EXPECT_EQ(together[i].at("pieces"), alone[i].at("pieces"));
    double sum = 0;
    for (const auto& log_prob : together[i].at("log_probs").as_array()) {
      EXPECT_LT(log_prob.to_number<double>(), 0);
      sum += log_prob.to_number<double>();
    }
    EXPECT_NEAR(together[i].at("sum").to_number<double>(), sum, kFloatTolerance);
    EXPECT_NEAR(alone[i].at("sum").to_number<double>(), sum, kFloatTolerance);
    EXPECT_EQ(together[i].at("ids").as_array().size(),
              together[i].at("log_probs").as_array().size());
    EXPECT_EQ(together[i].at("ids").as_array().back().to_number<int>(), 3) << "the end counts";
  }
}

TEST(ScoreCommandTest, ComputesInDoublePrecisionWhenAsked) {
  const auto single = objects_of(output_of(run_score, {run_path(), file(kToScore)}));
  const auto twice =
      objects_of(output_of(run_score, {run_path(), file(kToScore), "--double", "--batch", "1"}));
  const auto batched = objects_of(output_of(run_score, {run_path(), file(kToScore), "--double"}));
  for (std::size_t i = 0; i < 3; ++i) {
    const auto sum = [&](const auto& objects) { return objects[i].at("sum").as_double(); };
    EXPECT_NEAR(sum(single), sum(twice), kFloatTolerance);
    EXPECT_NEAR(sum(batched), sum(twice), 1e-10) << "not computed in float64";
  }
}

TEST(ScoreCommandTest, NamesABadLineAfterAnsweringTheGoodOnesBefore) {
  const std::string good = "{\"turns\": [\"hello\"], \"reply\": \"fine\"}\n";
  const std::string only_facts = "{\"personas\": [\"how are you today?\"], \"reply\": \"fine\"}";
  for (const std::string& bad : {std::string("{}"), kTooLong, only_facts}) {
    const auto failed = failure_of(
        run_score, {run_without_facts().path().string(), file(good + good + bad + "\n" + good)});
    EXPECT_EQ(failed.lines.size(), 2U);
    EXPECT_NE(failed.message.find("input:3"), std::string::npos) << failed.message;
  }
}

TEST(ScoreCommandTest, RefusesFlagsOfChoosingAReply) {
  for (const Arguments& flags : {Arguments{"--prefix", "fine"},
                                 {"--set", "decoding.seed=2"},
                                 {"--method", "beam"},
                                 {"--min-new-tokens", "3"}}) {
    Arguments arguments = {run_path(), file(kToScore)};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    EXPECT_THROW(output_of(run_score, arguments), base::UsageError) << flags[0];
  }
}

TEST(ScoreCommandTest, TellsTheAttentionThatGenerateTells) {
  const auto run = run_that_says_one().path().string();
  const auto made =
      objects_of(output_of(run_generate, {run, file("a\tb\tc\n"), "--json", "--attention"}))[0];
  ASSERT_EQ(made.at("reply").as_string(), "1 1 1 1 1 1");
  const auto scored = objects_of(output_of(
      run_score, {run, file("{\"turns\": [\"a\", \"b\", \"c\"], \"reply\": \"1 1 1 1 1 1\"}\n"),
                  "--attention"}))[0];
  EXPECT_EQ(made.at("sources"), scored.at("sources"));
  const auto rows = [](const json::object& object, const char* name) {
    return object.at("attention").at(name).as_array();
  };
  for (const char* name : {"static", "dynamic"}) {
    ASSERT_EQ(rows(made, name).size(), 6U);
    ASSERT_EQ(rows(scored, name).size(), 7U) << "with the end of the reply";
    for (std::size_t token = 0; token < 6; ++token)
      for (std::size_t source = 0; source < 3; ++source)
        EXPECT_NEAR(rows(made, name)[token].at(source).to_number<double>(),
                    rows(scored, name)[token].at(source).to_number<double>(), 1e-5)
            << name << " " << token;
  }
  EXPECT_EQ(rows(made, "static")[0], rows(made, "static")[5]) << "once a reply";
  EXPECT_NE(rows(made, "dynamic")[0], rows(made, "dynamic")[5]) << "at every token";
}

TEST(ScoreCommandTest, WantsAReplyOnEachLine) {
  EXPECT_THROW(output_of(run_score, {run_path(), file("{\"turns\": [\"a\"]}\n")}), base::DataError);
}

/// What the chat answers to these lines.
std::vector<std::string> chat(const std::string& lines, Arguments arguments = {},
                              const TinyRun& run = tiny_run()) {
  arguments.insert(arguments.begin(), run.path().string());
  arguments.insert(arguments.end(), {"--device", "cpu", "--threads", "1"});
  std::vector<std::string> answers;
  {
    Pipes pipes;
    pipes.write(lines);
    pipes.end();
    run_chat(arguments);
    std::fflush(stdout);
    ::close(STDOUT_FILENO);  // the reader sees the end
    for (auto line = pipes.read_line(); !line.empty(); line = pipes.read_line())
      answers.push_back(line);
  }
  return answers;
}

TEST(ChatCommandTest, IsAFilterWithAPipe) {
  const auto answers = chat("hello\n\nhow are you?\nfine\n", {"--min-new-tokens", "3"});
  EXPECT_EQ(answers.size(), 3U);
}

TEST(ChatCommandTest, RepliesAsGenerateDoesToTheSameHistory) {
  // The first reply is one piece, which as text is that piece again: nonsense might not be.
  static const TinyRun run("{type: hred, embed_dim: 8, hidden_dim: 12}", "{}",
                           "{max_context_turns: 4}", /*favourite=*/"1");
  const auto answers = chat("/set max_new_tokens=1\nhello\n/set max_new_tokens=9\nhow are you?\n",
                            {"--no-repeat-ngram-size", "1"}, run);
  ASSERT_EQ(answers.size(), 2U);
  const auto reply = [](const std::string& context, const char* most) {
    return output_of(run_generate, {run.path().string(), file(context + "\n"), "--max-new-tokens",
                                    most, "--no-repeat-ngram-size", "1"});
  };
  EXPECT_EQ(answers[0], "1");
  EXPECT_EQ(reply("hello", "1"), answers[0] + "\n");
  EXPECT_EQ(reply("hello\t1\thow are you?", "9"), answers[1] + "\n");
  EXPECT_NE(reply("how are you?", "9"), answers[1] + "\n") << "the history counts for nothing";
}

TEST(ChatCommandTest, DrawsAgainAsBeforeAfterAResetOrWithTheSeedSetAgain) {
  static const TinyRun forgetful("{type: hred, embed_dim: 8, hidden_dim: 12}", "{}",
                                 "{max_context_turns: 1}");
  const Arguments sample = {"--method", "sample", "--min-new-tokens", "12", "--temperature", "3"};
  for (const std::string& again : {std::string("/reset\n"), std::string("/set seed=5\n")}) {
    const auto answers =
        chat(again + "hello\nhello\n" + again + "hello\nhello\n", sample, forgetful);
    ASSERT_EQ(answers.size(), 4U);
    EXPECT_NE(answers[0], answers[1]);
    EXPECT_EQ(answers[0], answers[2]) << again;
    EXPECT_EQ(answers[1], answers[3]) << again;
  }
}

TEST(ChatCommandTest, SaysWhatIsNoCommand) {
  const auto answers = chat("/etc/fstab is broken\n/shrug\n// x\n//quit\n/quit\nhello\n/\n",
                            {"--min-new-tokens", "3"});
  EXPECT_EQ(answers.size(), 4U);
  const auto seen = chat("//quit now\n/attention\n", {"--min-new-tokens", "3"});
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_NE(seen[2].find("you: /quit now"), std::string::npos) << seen[2];
}

TEST(ChatCommandTest, TellsASettingThatTheMethodDoesNotRead) {
  const auto notes = [](const std::string& lines) {
    testing::internal::CaptureStderr();
    chat(lines);
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_NE(notes("/set top_k=3\n").find("top_k"), std::string::npos);
  EXPECT_EQ(notes("/set method=sample\n/set top_k=3\n/set max_new_tokens=3\n"), "");
}

TEST(ChatCommandTest, ObeysStopStringsAndWhatTheContextForbids) {
  const auto answers = chat("hello\n/set stop=[\" 1 1\"]\nhello\n", {}, run_that_says_one());
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0], "1 1 1 1 1 1");
  EXPECT_EQ(answers[1], "1");
  const auto others =
      chat("hello 1\n", {"--context-no-repeat-ngram-size", "1"}, run_that_says_one());
  ASSERT_EQ(others.size(), 1U);
  EXPECT_EQ(others[0].find(" 1"), std::string::npos) << others[0];
}

TEST(ChatCommandTest, ForgetsOnReset) {
  const auto answers =
      chat("hello\nhow are you?\n/reset\nhello\nhow are you?\n", {"--min-new-tokens", "3"});
  ASSERT_EQ(answers.size(), 4U);
  EXPECT_EQ(answers[0], answers[2]);
  EXPECT_EQ(answers[1], answers[3]);
}

TEST(ChatCommandTest, ShowsWhatTheReplyLookedAt) {
  const auto answers = chat("hello\nhow are you?\n/attention\n", {"--min-new-tokens", "3"});
  ASSERT_EQ(answers.size(), 6U);  // two replies, a head and three turns
  EXPECT_NE(answers[2].find("static"), std::string::npos);
  EXPECT_NE(answers[2].find("dynamic"), std::string::npos);
  EXPECT_NE(answers[3].find("you: hello"), std::string::npos);
  EXPECT_NE(answers[4].find("bot: " + answers[0]), std::string::npos);
  EXPECT_NE(answers[5].find("you: how are you?"), std::string::npos);
  EXPECT_EQ(chat("/attention on\nhello\n", {"--min-new-tokens", "3"}).size(), 3U);
}

TEST(ChatCommandTest, ChangesHowRepliesAreChosen) {
  const auto answers = chat(
      "/set max_new_tokens=1\nhello\n/set max_new_tokens=30\n"
      "/set min_new_tokens=30\n/reset\nhello\n");
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_LT(answers[0].size(), answers[1].size());
}

/// A terminal that is standard input and output for as long as this lives; no echo.
class Terminal {
 public:
  explicit Terminal(const std::string& typed) {
    master_ = ::posix_openpt(O_RDWR | O_NOCTTY);
    EXPECT_EQ(::grantpt(master_) + ::unlockpt(master_), 0);
    const int slave = ::open(::ptsname(master_), O_RDWR | O_NOCTTY);
    EXPECT_GE(slave, 0);
    termios plain{};
    EXPECT_EQ(::tcgetattr(slave, &plain), 0);
    plain.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    plain.c_oflag &= ~static_cast<tcflag_t>(OPOST);
    EXPECT_EQ(::tcsetattr(slave, TCSANOW, &plain), 0);
    EXPECT_EQ(::write(master_, typed.data(), typed.size()), static_cast<ssize_t>(typed.size()));
    std::fflush(stdout);
    saved_in_ = ::dup(STDIN_FILENO);
    saved_out_ = ::dup(STDOUT_FILENO);
    ::dup2(slave, STDIN_FILENO);
    ::dup2(slave, STDOUT_FILENO);
    ::close(slave);
  }
  ~Terminal() { (void)output(); }

  /// All that was written to it; it is no longer there then.
  std::string output() {
    std::string all;
    if (master_ < 0) return all;
    ::dup2(saved_in_, STDIN_FILENO);
    ::dup2(saved_out_, STDOUT_FILENO);
    std::array<char, 4096> bytes{};
    for (ssize_t count = 0; (count = ::read(master_, bytes.data(), bytes.size())) > 0;)
      all.append(bytes.data(), static_cast<std::size_t>(count));
    for (int* fd : {&saved_in_, &saved_out_, &master_}) ::close(std::exchange(*fd, -1));
    return all;
  }

 private:
  int master_ = -1, saved_in_ = -1, saved_out_ = -1;
};

/// How often this process has written so far; -1 where the system does not tell.
std::int64_t writes() {
  std::ifstream file("/proc/self/io");
  for (std::string name, number; file >> name >> number;)
    if (name == "syscw:") return std::stoll(number);
  return -1;
}

TEST(ChatCommandTest, ATerminalShowsAReplyWhileItIsWritten) {
  const auto typed = [](Arguments flags) {
    flags.insert(flags.begin(), {run_path(), "--device", "cpu", "--threads", "1",
                                 "--min-new-tokens", "12", "--no-repeat-ngram-size", "1"});
    Terminal terminal("hello\nhow are you?\n/quit\n");
    const auto before = writes();
    EXPECT_EQ(run_chat(flags), 0);
    const auto count = writes() - before;
    return std::pair(terminal.output(), count);
  };
  for (const Arguments& method : {Arguments{}, {"--method", "sample", "--temperature", "3"}}) {
    const auto [shown, writes_of_shown] = typed(method);
    auto at_once = method;
    at_once.emplace_back("--no-stream");
    const auto [whole, writes_of_whole] = typed(at_once);
    EXPECT_EQ(shown, whole) << "streaming changed what is said";
    EXPECT_NE(whole.find("bot> "), std::string::npos) << whole;
    EXPECT_EQ(whole.find("<"), std::string::npos) << "a control symbol: " << whole;
    if (writes() >= 0) {
      EXPECT_GT(writes_of_shown, writes_of_whole + 8);
    }
  }
}

/// What models say to each other, and what is said of it at the end.
std::vector<json::object> talk(const TinyRun& run, Arguments flags) {
  flags.insert(flags.begin(), {run.path().string(), "--json"});
  return objects_of(output_of(run_chat, flags));
}

std::string said(const json::object& turn) {
  return std::string(turn.at("speaker").as_string()) + ": " +
         std::string(turn.at("reply").as_string());
}

TEST(SelfChatCommandTest, AModelAnswersItselfAsItAnswersOthers) {
  const auto turns =
      talk(tiny_run(), {"--turns", "3", "--first", "hello", "--min-new-tokens", "3", "--self"});
  ASSERT_EQ(turns.size(), 5U);
  EXPECT_EQ(said(turns[0]), "A: hello");
  EXPECT_EQ(turns[1].at("speaker").as_string(), "B");
  EXPECT_EQ(turns[2].at("speaker").as_string(), "A");
  EXPECT_EQ(turns[3].at("turn").to_number<int>(), 4);
  const auto reply = objects_of(
      output_of(run_generate, {run_path(), file("hello\n"), "--json", "--min-new-tokens", "3"}));
  EXPECT_EQ(turns[1].at("tokens"), reply.at(0).at("tokens"));
  EXPECT_EQ(turns[4].at("turns").to_number<int>(), 4);
}

TEST(SelfChatCommandTest, TwoModelsTakeTurnsAndTheirLoopIsTold) {
  static const TinyRun two("{type: hred, embed_dim: 8, hidden_dim: 12}", "{max_new_tokens: 6}",
                           "{max_context_turns: 4}", /*favourite=*/"are");
  const auto& one = run_that_says_one();
  const auto turns =
      talk(one, {"--self", two.path().string(), "--turns", "6", "--max-new-tokens", "1"});
  ASSERT_EQ(turns.size(), 7U);
  EXPECT_EQ(said(turns[0]), "A: 1") << "without a first line the first model begins";
  const auto answer =
      output_of(run_generate, {two.path().string(), file("1\n"), "--max-new-tokens", "1"});
  EXPECT_EQ(said(turns[1]) + "\n", "B: " + answer);
  EXPECT_NE(answer, "1\n");
  EXPECT_EQ(said(turns[4]), "A: 1");
  EXPECT_EQ(turns[6].at("different").to_number<int>(), 2);
  EXPECT_EQ(turns[6].at("loop").at("from").to_number<int>(), 1);
  EXPECT_EQ(turns[6].at("loop").at("length").to_number<int>(), 2);

  testing::internal::CaptureStderr();
  const auto text = output_of(run_chat, {one.path().string(), "--self", "--turns", "3", "--first",
                                         "hi", "--max-new-tokens", "1"});
  EXPECT_EQ(text, "A: hi\nB: 1\nA: 1\nB: 1\n");
  const auto told = testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("2 of 4 turns differ; from turn 2 on the same turn"), std::string::npos)
      << told;
}

TEST(SelfChatCommandTest, FollowsItsSeed) {
  const auto talked = [](const std::string& seed) {
    std::string all;
    for (const auto& turn :
         talk(tiny_run(), {"--self", "--turns", "4", "--method", "sample", "--min-new-tokens", "8",
                           "--temperature", "3", "--seed", seed}))
      all += json::serialize(turn);
    return all;
  };
  EXPECT_EQ(talked("1"), talked("1"));
  EXPECT_NE(talked("1"), talked("2"));
}

TEST(SelfChatCommandTest, RefusesWhatDoesNotGoTogether) {
  for (const Arguments& flags : {Arguments{"--turns", "3"},
                                 {"--first", "hi"},
                                 {"--json"},
                                 {"--self", "--turns", "0"},
                                 {"--self", "--fact", "i am here"},
                                 {"--self", "--first", " "}}) {
    auto arguments = flags;
    arguments.insert(arguments.begin(), run_path());
    EXPECT_THROW(output_of(run_chat, arguments), base::UsageError) << flags.front();
  }
}

TEST(ChatCommandTest, QuitsAndRefusesBadCommands) {
  EXPECT_TRUE(chat("/quit\nhello\n").empty());
  EXPECT_FALSE(chat("/help\n").empty());
  for (const char* bad : {"/set temperature\n", "/set temperature=-1\n", "/set no_such=1\n",
                          "/attention maybe\n", "a\xff\n"}) {
    Pipes pipes;
    pipes.write(bad);
    pipes.end();
    EXPECT_THROW(run_chat({run_path(), "--device", "cpu", "--threads", "1"}), base::Error) << bad;
  }
}

}  // namespace
}  // namespace banter::models
