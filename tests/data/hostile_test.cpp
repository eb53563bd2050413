#include <fstream>
#include <map>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "data/preparation/prepare.h"
#include "tests/data/made_files.h"
#include "tests/support/corpora.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

/// A row of the table of hostile samples: what a file must come to.
struct Row {
  std::string file, fault, kept, turns, skipped, kind, where, right;
};

std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << row.file << ": " << row.fault;
}

std::vector<Row> rows() {
  std::vector<Row> rows;
  std::ifstream table(corpora() / "hostile/manifest.tsv");
  std::string line;
  std::getline(table, line);
  while (std::getline(table, line)) {
    Row row;
    std::istringstream cells(line);
    for (auto* cell : {&row.file, &row.fault, &row.kept, &row.turns, &row.skipped, &row.kind,
                       &row.where, &row.right})
      std::getline(cells, *cell, '\t');
    rows.push_back(row);
  }
  if (rows.empty()) rows.emplace_back();  // so that the absence is told by a skipped test
  return rows;
}

/// What the problems must name: "lines 2, 4" -> ":2:", "element 2" -> ":element 2:", "sentence 2"
/// -> "(sentence 2", "byte 7" as it is; members as they are. What stands behind an "or" is another
/// right answer.
std::vector<std::string> places(const Row& row) {
  using Around = std::pair<std::string, std::string>;  // what stands before and behind a number
  static const std::map<std::string, Around> units = {{"line", {":", ":"}},
                                                      {"lines", {":", ":"}},
                                                      {"element", {":element ", ":"}},
                                                      {"elements", {":element ", ":"}},
                                                      {"sentence", {"(sentence ", ""}},
                                                      {"byte", {"byte ", ""}}};
  std::vector<std::string> places;
  std::istringstream words(row.where);
  std::string word;
  auto unit = units.at("line");
  while (words >> word) {
    if (word.ends_with(',')) word.pop_back();
    if (word == "or") break;
    if (const auto found = units.find(word); found != units.end()) {
      unit = found->second;
      continue;
    }
    if (word == "second" || word == "to") continue;
    const bool is_number = word.find_first_not_of("0123456789") == std::string::npos;
    places.push_back(is_number ? unit.first + word + unit.second : word + ":");
  }
  return places;
}

class HostileTest : public testing::TestWithParam<Row> {
 protected:
  void SetUp() override {
    if (const auto why = missing_corpus("hostile/manifest.tsv"); !why.empty()) GTEST_SKIP() << why;
  }
  [[nodiscard]] std::string path() const { return (corpora() / "hostile" / GetParam().file); }
};

TEST_P(HostileTest, IsReadAsTheTableSays) {
  const auto& row = GetParam();
  const auto reading = read_corpus(path());
  if (row.kind == "fail") {
    EXPECT_NE(reading.damage, "") << row.right;
    return;
  }
  EXPECT_EQ(reading.damage, "") << row.right;
  std::size_t turns = 0;
  for (const auto& dialogue : reading.dialogues) turns += dialogue.turns.size();
  EXPECT_EQ(std::to_string(reading.dialogues.size() + reading.pairs.size()), row.kept) << row.right;
  EXPECT_EQ(row.turns == "-" ? "-" : std::to_string(turns), row.turns) << row.right;
  EXPECT_EQ(std::to_string(reading.lost), row.skipped) << row.right;

  std::string all;
  bool any_skip = false;
  bool any_note = false;
  for (const auto& problem : reading.problems) {
    all += problem + "\n";
    any_skip = any_skip || problem.starts_with("skip ");
    any_note = any_note || problem.starts_with("note ");
  }
  const std::string kind = any_skip ? "skip" : any_note ? "note" : "ok";
  EXPECT_EQ(kind, row.kind) << row.right << "\n" << all;
  if (row.kind == "ok") return;
  for (const auto& place : places(row))
    EXPECT_NE(all.find(place), std::string::npos) << place << " is not named in\n" << all;
  for (const char c : all) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
}

TEST_P(HostileTest, FailsPreparingOrRoundTrips) {
  const auto& row = GetParam();
  const TemporaryFolder folder;
  data::PrepareRequest request;
  request.store = folder / "store";
  request.data.sources = {{path(), "train", "auto"}};
  request.data.tokenizer.vocab_size = 1000;
  request.quiet = true;
  if (row.kind == "fail" || row.kept == "0") {
    EXPECT_THROW(data::prepare(request), base::DataError);
    EXPECT_FALSE(std::filesystem::exists(request.store));
    return;
  }
  data::prepare(request);
  const auto store = data::Store::open(request.store);
  const auto& split = store.split("train");
  const auto reading = read_corpus(path());
  ASSERT_EQ(split.pairs(), reading.pairs.size());
  for (std::uint64_t i = 0; i < split.pairs(); ++i)
    EXPECT_EQ(split.pair_record(i), reading.pairs[i]);
  ASSERT_EQ(split.dialogues(), reading.dialogues.size());
  for (std::uint64_t i = 0; i < split.dialogues(); ++i)
    EXPECT_EQ(split.record(i), reading.dialogues[i]);
}

INSTANTIATE_TEST_SUITE_P(Samples, HostileTest, testing::ValuesIn(rows()), [](const auto& sample) {
  std::string name = sample.param.file.empty() ? "absent" : sample.param.file;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
});

TEST(HostileFolderTest, ReadsTheUnpackedFormAsAWhole) {
  if (const auto why = missing_corpus("hostile/ubuntu_v1/folder"); !why.empty())
    GTEST_SKIP() << why;
  const auto reading = read_corpus(corpora() / "hostile/ubuntu_v1/folder");
  ASSERT_EQ(reading.dialogues.size(), 2U);
  EXPECT_EQ(reading.dialogues[0].turns.size() + reading.dialogues[1].turns.size(), 7U);
  EXPECT_EQ(reading.dialogues[0].id, "3/1");
  EXPECT_EQ(reading.lost, 1U);
}

}  // namespace
}  // namespace banter::tests
