#include <fstream>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/metrics/texts.h"
#include "train/metrics/texts/sample_files.h"

namespace banter::train {
namespace {

using enum data::Label;

/// A reply of each way to stand to a persona; nothing is known of who gave the last one.
std::vector<Sample> judged_samples() {
  const auto sample = [](std::uint64_t group, std::vector<data::Label> judgements) {
    return Sample{.reply = "a reply",
                  .references = {"a reference"},
                  .group = group,
                  .persona = std::vector<std::string>(judgements.size(), "a sentence ."),
                  .judgements = std::move(judgements),
                  .judge = "nli:abc|nli_accuracy:0.5000"};
  };
  return {sample(0, {kEntailment, kNeutral, kEntailment}), sample(1, {kContradiction, kEntailment}),
          sample(2, {kNeutral}), sample(3, {kContradiction}),
          Sample{.reply = "a reply", .references = {"a reference"}, .group = 4}};
}

TEST(JudgementsTest, ByHand) {
  const auto samples = judged_samples();
  EXPECT_DOUBLE_EQ(tests::value_of("c_score", samples), (2 + 0 + 0 - 1) / 4.0);
  EXPECT_DOUBLE_EQ(tests::value_of("entailed_replies", samples), 2 / 4.0);
  EXPECT_DOUBLE_EQ(tests::value_of("contradicted_replies", samples), 2 / 4.0);
}

TEST(JudgementsTest, AreCountedAndSigned) {
  const auto samples = judged_samples();
  const auto scores =
      score(samples, {}, metrics_named(std::vector<std::string>{"c_score"}), {}, {});
  EXPECT_EQ(scores[0].counted, 4U) << "the last has no persona";
  EXPECT_TRUE(scores[0].signature.starts_with("c_score|nli:abc|nli_accuracy:0.5000|replies:5|"))
      << scores[0].signature;
  auto two_judges = samples;
  two_judges[1].judge = "nli:def|nli_accuracy:0.6000";
  const auto hash = hash_of_data(samples);
  EXPECT_TRUE(signature(*scores[0].metric, {}, two_judges, hash, 1, 1).starts_with("c_score|var|"));
  auto other_persona = samples;
  other_persona[0].persona[0] = "another one .";
  EXPECT_NE(hash_of_data(other_persona), hash);
}

TEST(JudgementsTest, WithoutThemThereIsNoSuchMetric) {
  auto samples = judged_samples();
  for (auto& sample : samples) sample.judgements.clear();
  for (const auto* metric : tests::plain_metrics(samples)) EXPECT_NE(metric->name, "c_score");
}

class JudgedFilesTest : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  static std::vector<Sample> read(const std::string& path) {
    return read_samples({.replies = path, .references = {}, .contexts = "", .groups = ""});
  }
  static std::string error_of(const std::function<void()>& act) {
    try {
      act();
    } catch (const base::DataError& error) {
      return error.what();
    }
    return "no error";
  }
  tests::TemporaryFolder folder_;
};

TEST_F(JudgedFilesTest, AreReadAsTheyWereWritten) {
  const auto samples = judged_samples();
  write_samples(folder_ / "r.jsonl", samples);
  const auto again = read((folder_ / "r.jsonl").string());
  ASSERT_EQ(again.size(), samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(again[i].persona, samples[i].persona);
    EXPECT_EQ(again[i].judgements, samples[i].judgements);
    EXPECT_EQ(again[i].judgements.empty() ? "" : again[i].judge,
              samples[i].judgements.empty() ? "" : samples[i].judge);
  }
}

TEST_F(JudgedFilesTest, JudgementsAreOfTheReplyThatTheyStandWith) {
  const std::string persona = R"("persona": ["i have a dog ."], )";
  const auto judged = [&](const std::string& label, const std::string& judge = "nli:abc") {
    return R"({"reply": "r", )" + persona + R"("judgements": {"judge": ")" + judge +
           R"(", "labels": [")" + label + R"("]}})" + "\n";
  };
  const auto first = file("first", judged("entailment"));
  const auto second = file("second", judged("contradiction"));
  const auto others = with_replies(read(first), second, first);
  EXPECT_EQ(others[0].judgements, std::vector{kContradiction});
  EXPECT_TRUE(with_replies(read(first), file("plain", "r\n"), first)[0].judgements.empty());
  const auto stranger = file("stranger", judged("neutral", "nli:def"));
  EXPECT_NE(error_of([&] { with_replies(read(first), stranger, first); }).find("by one classifier"),
            std::string::npos);
  EXPECT_NE(error_of([&] { read(file("bad", judged("maybe"))); }).find("\"maybe\" is no label"),
            std::string::npos);
  const auto few = R"({"reply": "r", "judgements": {"judge": "j", "labels": ["neutral"]}})"
                   "\n";
  EXPECT_NE(error_of([&] { read(file("few", few)); }).find("\"persona\" 0 sentences"),
            std::string::npos);
}

}  // namespace
}  // namespace banter::train
