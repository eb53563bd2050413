#include <bit>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "data/scratch/slot_table.h"
#include "tests/data/made_files.h"
#include "tests/data/prepare_fixture.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

/// KiB that a process needs at most to prepare a corpus.
long peak_of(const std::string& corpus, int sample_bytes) {
  const TemporaryFolder folder;
  write_file(folder / "corpus.jsonl", corpus);
  write_file(folder / "recipe.yaml",
             "store: " + (folder / "store").string() + "\ndata:\n  sources: [{path: " +
                 (folder / "corpus.jsonl").string() + "}]\n  tokenizer: {vocab_size: 1000, " +
                 "sample_bytes: " + std::to_string(sample_bytes) + "}\n");
  Process process({"/proc/self/exe"}, {{"BANTER_TEST_PREPARE", (folder / "recipe.yaml").string()}});
  const auto result = process.wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto at = result.out.find("peak ");
  return at == std::string::npos ? 0 : std::stol(result.out.substr(at + 5));
}

class PrepareMemoryTest : public testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer keeps freed memory: its peak is not the program's";
#endif
  }
};

/// KiB of the table of keys seen, the one part that is meant to grow (up to 32 MiB, see SeenKeys):
/// the id and the text of each dialogue, and at least as many empty slots.
double table_of(std::uint64_t dialogues) {
  return static_cast<double>(std::bit_ceil(2 * 2 * dialogues) * sizeof(data::Slot)) / 1024;
}

TEST_F(PrepareMemoryTest, IsTheSameForACorpusTenTimesAsLarge) {
  // The long form would see a few bytes that stay of every dialogue.
  const std::uint64_t dialogues = std::getenv("BANTER_LONG") != nullptr ? 20'000 : 4'000;
  const auto rest = [](std::uint64_t count) {
    return static_cast<double>(peak_of(made_corpus(count), 150'000)) - table_of(count);
  };
  const auto small = rest(dialogues);
  ASSERT_GT(small, 0);
  EXPECT_LT(rest(10 * dialogues), 1.1 * small);
}

TEST_F(PrepareMemoryTest, IsBoundedForDialoguesOfManyShortTurns) {
  const auto corpus = [](std::uint64_t dialogues) {
    std::string lines;
    for (std::uint64_t d = 0; d < dialogues; ++d) {
      std::vector<std::string> texts(2'000);
      for (std::uint64_t t = 0; t < texts.size(); ++t)
        texts[t] = static_cast<char>('a' + base::mix64(d * texts.size() + t) % 26);
      lines += json_line("d" + std::to_string(d), texts);
    }
    return lines;
  };
  const auto small = peak_of(corpus(300), 10'000);  // enough to fill what waits between threads
  const auto large = peak_of(corpus(1'500), 10'000);
  ASSERT_GT(small, 0);
  EXPECT_LT(static_cast<double>(large), 1.1 * static_cast<double>(small));
}

}  // namespace
}  // namespace banter::tests
