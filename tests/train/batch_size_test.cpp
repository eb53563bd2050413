#include "train/batch_size.h"

#include <map>
#include <string>
#include <vector>

#include "base/errors.h"
#include "tests/train/thread_ranks.h"
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

TEST(BatchSizeTest, OfSeveralProcessesTheSmallestCountsWithWhatItTakesThere) {
  const std::vector<BatchSize> own = {{.tokens = 512, .bytes = 50, .budget = 60, .why = "epoch"},
                                      {.tokens = 128, .bytes = 13, .budget = 14, .why = "memory"},
                                      {.tokens = 512, .bytes = 51, .budget = 90, .why = "epoch"}};
  const auto agreed = tests::together(3, [&](Ranks& ranks) -> BatchSize {
    return smallest_of_all(ranks, own.at(static_cast<std::size_t>(ranks.rank())));
  });
  for (const auto& size : agreed) {
    EXPECT_EQ(size.tokens, 128);
    EXPECT_EQ(size.bytes, 13);
    EXPECT_EQ(size.budget, 14);
  }
  EXPECT_EQ(agreed[0].why, "process 1");
  EXPECT_EQ(agreed[1].why, "memory") << "its own";
  EXPECT_EQ(agreed[2].why, "process 1");
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

TEST_F(AutoBatchTest, PrefetchingChangesNeitherTheNumberNorTheRun) {
  const auto plain = sized(asked("plain")).recipe,
             ahead = sized(asked("ahead", {"train.prefetch=2"})).recipe;
  EXPECT_EQ(ahead.batch.tokens_per_batch, plain.batch.tokens_per_batch);
  EXPECT_EQ(ahead.train.prefetch, 2) << "it was off while measuring alone";
  train(plain);
  EXPECT_THROW(train(ahead, 5), Crash);
  train(ahead);
  for (const auto* file : {"log.jsonl", "step-8/model.safetensors", "step-8/optimizer.safetensors",
                           "step-8/state.json"})
    EXPECT_EQ(contents(ahead.run).at(file), contents(plain.run).at(file)) << file;
}

TEST_F(AutoBatchTest, ProcessesHaveOneNumber) {
  const MadeStore larger({.dialogues = 300, .most_words = 8, .splits = {"train", "valid"}});
  // The second one has less to learn from, so it would have fewer labels a batch.
  const std::vector<Recipe> recipes = {asked("run"), asked("run", {"train.fraction=0.3"})};
  const auto number = [&](const Recipe& r, const std::string& of_run, Ranks& ranks) {
    return with_batch_size(r, larger.store(), torch::kCPU, of_run, ranks)
        .recipe.batch.tokens_per_batch;
  };
  const auto alone_first = number(recipes[0], "", alone());
  const auto alone_second = number(recipes[1], "", alone());
  ASSERT_LT(alone_second, alone_first);
  const auto numbers = [&](const std::string& of_first) {
    return tests::together(2, [&](Ranks& ranks) -> std::int64_t {
      const auto rank = static_cast<std::size_t>(ranks.rank());
      return number(recipes[rank], rank == 0 ? of_first : "", ranks);
    });
  };
  EXPECT_EQ(numbers(""), (std::vector<std::int64_t>{alone_second, alone_second}));
  EXPECT_EQ(numbers(recipe("run", {"batch.tokens_per_batch=77"}).text),
            (std::vector<std::int64_t>{77, 77}))
      << "that of the run which goes on, whose folder the second one does not see";
}

TEST_F(AutoBatchTest, AShareThatIsTooSmallIsRefused) {
  EXPECT_THROW(sized(asked("run", {"train.memory_share=1e-9"})), base::Error);
  EXPECT_THROW(train(asked("run")), base::ConfigError) << "nobody has measured";
}

}  // namespace
}  // namespace banter::train
