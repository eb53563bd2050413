#include "train/batch_size.h"

#include <map>
#include <string>
#include <vector>

#include "base/errors.h"
#include "tests/train/trainer_fixture.h"

namespace banter::train {
namespace {

/// A step that needs `fixed` bytes and `each` a label, and which numbers were tried.
struct Step {
  std::int64_t fixed, each, enough_at = 1 << 30;
  std::vector<std::int64_t> tried{};

  BatchSize largest(std::int64_t budget) {
    return largest_within(budget, [this](std::int64_t tokens) {
      tried.push_back(tokens);
      return Need{fixed + each * tokens, tokens >= enough_at};
    });
  }
};

TEST(BatchSizeTest, IsTheLargestWithinTheBudget) {
  Step step{.fixed = 1000, .each = 10};
  auto size = step.largest(1000 + 10 * 2048);
  EXPECT_EQ(size.tokens, 2048);
  EXPECT_EQ(size.bytes, 1000 + 10 * 2048);
  EXPECT_EQ(size.why, "memory");
  EXPECT_EQ(step.largest(1000 + 10 * 2048 - 1).tokens, 1536);
  EXPECT_EQ(step.largest(1000 + 10 * 1535).tokens, 1024);
  for (const auto tokens : step.tried) EXPECT_LE(tokens, 2048) << "more was never tried";
  EXPECT_EQ(step.largest(1000 + 10 * 64).tokens, 64);
}

TEST(BatchSizeTest, EndsWhereMoreIsNotWanted) {
  Step step{.fixed = 0, .each = 1, .enough_at = 500};
  const auto size = step.largest(1 << 30);
  EXPECT_EQ(size.tokens, 512);
  EXPECT_EQ(size.why, "epoch");
  EXPECT_EQ((Step{.fixed = 0, .each = 1}.largest(1 << 30).tokens), 131'072);
}

TEST(BatchSizeTest, SaysWhatTheSmallestNeeds) {
  try {
    Step{.fixed = 3 << 20, .each = 0}.largest(1 << 20);
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(std::string(error.what()),
              "batch.tokens_per_batch: auto: a step with 64 labels takes 3 MiB, and "
              "train.memory_share leaves 1 MiB; free memory, raise it, or make the model or the "
              "contexts smaller");
  }
}

class AutoBatchTest : public TrainerTest {
 protected:
  Recipe asked(const std::string& run, std::vector<std::string> more = {}) const {
    more.emplace_back("batch.tokens_per_batch=auto");
    return recipe(run, more);
  }
  static Sized sized(const Recipe& r, const std::string& run_config = "") {
    return with_batch_size(r, store(), torch::kCPU, run_config, alone());
  }
};

TEST_F(AutoBatchTest, ANumberIsWrittenAndTheRunIsThatOfTheNumber) {
  const auto found = sized(asked("run"));
  ASSERT_TRUE(found.size);
  EXPECT_EQ(found.size->why, "epoch") << "a store of 24 dialogues fits any memory";
  EXPECT_GT(found.size->bytes, 0);
  EXPECT_EQ(found.recipe.batch.tokens_per_batch, found.size->tokens);
  const auto number = "tokens_per_batch: " + std::to_string(found.size->tokens);
  EXPECT_NE(found.recipe.text.find(number), std::string::npos);
  EXPECT_NE(found.recipe.learning.find(number), std::string::npos);
  train(found.recipe);
  const auto given =
      recipe("given", {"batch.tokens_per_batch=" + std::to_string(found.size->tokens)});
  train(given);
  EXPECT_EQ(contents(found.recipe.run), contents(given.run)) << "measuring leaves no trace";
}

TEST_F(AutoBatchTest, ARunThatGoesOnKeepsItsNumber) {
  const auto begun = recipe("run", {"batch.tokens_per_batch=77"});
  const auto again = sized(asked("run"), begun.text);
  EXPECT_EQ(again.recipe.batch.tokens_per_batch, 77);
  EXPECT_FALSE(again.size) << "nothing is measured";
  EXPECT_EQ(sized(begun).recipe.batch.tokens_per_batch, 77) << "a number is a number";
}

TEST_F(AutoBatchTest, AShareThatIsTooSmallIsRefused) {
  EXPECT_THROW(sized(asked("run", {"train.memory_share=1e-9"})), base::Error);
  EXPECT_THROW(train(asked("run")), base::ConfigError) << "nobody has measured";
}

}  // namespace
}  // namespace banter::train
