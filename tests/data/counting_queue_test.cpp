#include "data/inspection/counting_queue.h"

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/random.h"
#include "data/inspection/reports/corpus_report.h"
#include "data/inspection/reports/pair_report.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

using data::Record;

static_assert(!std::is_copy_constructible_v<data::CountingQueue>);
static_assert(!std::is_move_constructible_v<data::CountingQueue>);

/// Some words that depend on the number and come again.
std::string said(std::uint64_t number, std::uint64_t words) {
  std::string text = "so";
  for (std::uint64_t i = 0; i < words; ++i)
    text += " caf\u00e9" + std::to_string(base::join_keys(number, i) % 50);
  return text;
}

Record dialogue(std::uint64_t number, std::uint64_t words) {
  data::Dialogue made;
  made.id = std::to_string(number);
  for (std::uint64_t turn = 0; turn < 2 + number % 3; ++turn)
    made.turns.push_back({turn % 2 == 0 ? "A" : "B", said(number % 700 + turn, words), ""});
  if (number % 5 == 0) made.personas = {{"A", {said(number % 7, 3)}}};
  return made;
}

Record pair(std::uint64_t number, std::uint64_t words) {
  return data::Pair{std::to_string(number),
                    said(number % 900, words),
                    said(number % 400, words),
                    static_cast<data::Label>(number % 3),
                    "",
                    std::to_string(number % 11)};
}

/// Dialogues and pairs in turns.
std::vector<Record> records(std::uint64_t size, std::uint64_t words) {
  std::vector<Record> made;
  for (std::uint64_t i = 0; i < size; ++i)
    made.push_back(i % 2 == 0 ? dialogue(i, words) : pair(i, words));
  return made;
}

struct Figures {
  explicit Figures(const TemporaryFolder& folder)
      : keys(std::make_shared<data::KeyFile>(folder.path())) {}

  [[nodiscard]] std::string text() {
    return boost::json::serialize(data::to_json(dialogues.figures())) + '\n' +
           boost::json::serialize(data::to_json(pairs.figures()));
  }

  std::shared_ptr<data::KeyFile> keys;
  data::CorpusStatistics dialogues{keys};
  data::PairStatistics pairs{keys};
};

std::string counted_in_the_queue(std::vector<Record> records) {
  const TemporaryFolder folder;
  Figures figures(folder);
  data::CountingQueue queue(figures.dialogues, figures.pairs);
  for (auto& record : records) queue.add(std::move(record));
  queue.finish();
  return figures.text();
}

std::string counted_plainly(const std::vector<Record>& records) {
  const TemporaryFolder folder;
  Figures figures(folder);
  for (const auto& record : records)
    if (const auto* dialogue = std::get_if<data::Dialogue>(&record)) {
      figures.dialogues.count(*dialogue);
      figures.dialogues.sketch(*dialogue);
    } else {
      figures.pairs.add(std::get<data::Pair>(record));
    }
  return figures.text();
}

TEST(CountingQueueTest, CountsAllPiecesAsAPlainCountDoes) {
  for (const std::uint64_t size :
       {0, 1, 2047, 2048, 2049, 4096, 5000}) {  // pieces of 2,048 records
    const auto some = records(size, 4);
    EXPECT_EQ(counted_in_the_queue(some), counted_plainly(some)) << size;
  }
  const auto large = records(60, 20'000);  // a few records fill a piece
  EXPECT_EQ(counted_in_the_queue(large), counted_plainly(large));
}

/// Adds turns until their keys need a file.
void count_many_turns(data::CountingQueue& queue) {
  constexpr auto kKeys = data::DistinctCounter::kBufferBytes / sizeof(data::Key);
  constexpr std::size_t kTurns = 10'000;
  for (std::size_t turns = 0; turns <= kKeys; turns += kTurns) {
    data::Dialogue dialogue;
    dialogue.id = std::to_string(turns);
    dialogue.turns.resize(kTurns, {"A", "x", ""});
    queue.add(std::move(dialogue));
  }
  queue.finish();
}

TEST(CountingQueueTest, AFaultOfAThreadReachesTheCaller) {
  const TemporaryFolder folder;
  const auto keys = std::make_shared<data::KeyFile>(folder.path() / "not there");
  data::CorpusStatistics dialogues(keys);
  data::PairStatistics pairs(keys);
  data::CountingQueue queue(dialogues, pairs);
  EXPECT_THROW(count_many_turns(queue), base::FileError);
}

}  // namespace
}  // namespace banter::tests
