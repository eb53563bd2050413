#include <cmath>
#include <string>
#include <vector>

#include "tests/train/trainer_fixture.h"

namespace banter::train {
namespace {

namespace json = base::json;

class SamplesTest : public TrainerTest {
 protected:
  Recipe answering(const std::string& run, std::vector<std::string> overrides = {}) const {
    overrides.insert(overrides.begin(), "train.samples=3");
    return recipe(run, overrides);
  }
  static std::string text_of_turn(std::uint64_t turn) {
    std::vector<data::TokenId> ids;
    store().split("valid").append_turn(turn, ids);
    return store().tokenizer().decode(ids);
  }
  std::vector<json::object> lines_of(const std::string& run, std::string_view event) const {
    std::vector<json::object> lines;
    for (auto& line : log_lines(place / run / "log.jsonl"))
      if (line.at("event").as_string() == event) lines.push_back(std::move(line));
    return lines;
  }
};

TEST_F(SamplesTest, EveryValidationAnswersTheSameContexts) {
  train(answering("run", {"model.attention=both", "train.lr=0.3"}));
  const auto lines = lines_of("run", "samples");
  std::vector<std::int64_t> steps;
  for (const auto& line : lines) steps.push_back(line.at("step").as_int64());
  EXPECT_EQ(steps, (std::vector<std::int64_t>{3, 6, 8}));
  const auto& first = lines[0].at("samples").as_array();
  const auto& last = lines[2].at("samples").as_array();
  ASSERT_EQ(first.size(), 3U);
  ASSERT_EQ(last.size(), 3U);
  bool is_another_reply = false;
  for (std::size_t i = 0; i < first.size(); ++i) {
    const auto& before = first[i].as_object();
    const auto& after = last[i].as_object();
    for (const char* what : {"dialogue", "turn", "facts", "turns", "speaker", "reference"})
      EXPECT_EQ(before.at(what), after.at(what)) << what;
    is_another_reply = is_another_reply || before.at("reply") != after.at("reply");
  }
  EXPECT_TRUE(is_another_reply) << "by the weights of that step";
}

TEST_F(SamplesTest, TellWhatTheReplyIsAndWhatItsTokensLookedAt) {
  train(answering("run", {"model.attention=both"}));
  const auto& split = store().split("valid");
  const auto lines = lines_of("run", "samples");
  for (const auto& value : lines.back().at("samples").as_array()) {
    const auto& sample = value.as_object();
    const auto dialogue = split.dialogue(sample.at("dialogue").to_number<std::uint64_t>());
    const auto turn = sample.at("turn").to_number<std::uint64_t>();
    EXPECT_EQ(sample.at("reference").as_string(), text_of_turn(dialogue.first_turn + turn));
    const auto& turns = sample.at("turns").as_array();
    EXPECT_EQ(turns.back().as_object().at("text").as_string(),
              text_of_turn(dialogue.first_turn + turn - 1));
    const auto& sources = sample.at("sources").as_array();
    const auto ends = sample.at("finish").as_string() == "eos" ? 1U : 0U;
    for (const char* kind : {"static", "dynamic"}) {
      const auto& rows = sample.at("attention").as_object().at(kind).as_array();
      EXPECT_EQ(rows.size(), sample.at("tokens").as_array().size() + ends);
      for (const auto& row : rows) {
        ASSERT_EQ(row.as_array().size(), sources.size());
        double sum = 0;
        for (const auto& weight : row.as_array()) sum += weight.to_number<double>();
        EXPECT_NEAR(sum, 1, 0.0005 * static_cast<double>(sources.size()) + 1e-9);
      }
    }
  }
}

TEST_F(SamplesTest, ChangeNothingOfATraining) {
  const auto with = answering("with", {"model.type=vhred", "train.samples=5"});
  train(with);
  train(answering("without", {"model.type=vhred", "train.samples=0"}));
  EXPECT_TRUE(lines_of("without", "samples").empty());
  const auto a = weights(with.run, 8), b = weights(place / "without", 8);
  for (const auto& [name, tensor] : a) EXPECT_TRUE(torch::equal(tensor, b.at(name))) << name;
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(lines_of("with", "validation")[i].at("ppl"),
              lines_of("without", "validation")[i].at("ppl"));
}

TEST_F(SamplesTest, ACrashLosesAndChangesNone) {
  const auto whole = answering("whole", {"model.attention=both"});
  const auto broken = answering("broken", {"model.attention=both"});
  train(whole);
  EXPECT_THROW(train(broken, 7), Crash);
  train(broken);
  EXPECT_EQ(contents(whole.run), contents(broken.run));
}

TEST_F(SamplesTest, WeightsThatGiveNoNumbersDoNotEndTheTraining) {
  const auto result = train(answering(
      "run", {"train.lr=1e38", "train.warmup_steps=0", "train.steps=4", "train.validate_every=2"}));
  EXPECT_EQ(result.why, "steps");
  const auto warnings = lines_of("run", "warning");
  ASSERT_FALSE(warnings.empty());
  EXPECT_NE(warnings[0].at("text").as_string().find("no samples: "), std::string::npos);
}

TEST_F(SamplesTest, TheLogSaysHowFarATrainingIs) {
  EXPECT_THROW(train(answering("run"), 5), Crash);
  train(answering("run"));
  const auto starts = lines_of("run", "start");
  ASSERT_EQ(starts.size(), 2U);
  EXPECT_FALSE(starts[0].contains("share"));
  EXPECT_EQ(starts[1].at("share").to_number<double>(), 0.5);
  for (const auto& line : lines_of("run", "step"))
    EXPECT_EQ(line.at("share").to_number<double>(), line.at("step").to_number<double>() / 8);
}

}  // namespace
}  // namespace banter::train
