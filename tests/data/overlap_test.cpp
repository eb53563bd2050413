#include "data/inspection/overlap.h"

#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/data/command_output.h"
#include "tests/data/made_files.h"
#include "tests/support/corpora.h"
#include "tests/support/few_files.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

using Object = base::json::object;

const std::string kLong = "what I always say and nobody else would ever think of";
const std::string kPersonas =
    R"({"id": "p", "turns": [{"speaker": "A", "text": "q"}, {"speaker": "B", "text": "r"}],)";

class OverlapTest : public testing::Test {
 protected:
  /// What of `other` is in `one`.
  Object overlap(const std::string& one, const std::string& other) {
    write_file(folder_ / "one", one);
    write_file(folder_ / "other", other);
    const auto all = inspect_all({(folder_ / "one").string(), (folder_ / "other").string()});
    EXPECT_EQ(all.size(), 3U);
    EXPECT_EQ(all.back().at("kind"), "overlap");
    EXPECT_EQ(all.back().at("of").as_string(), (folder_ / "other").string());
    EXPECT_EQ(all.back().at("in").as_string(), (folder_ / "one").string());
    return all.back();
  }
  TemporaryFolder folder_;
};

std::vector<std::int64_t> numbers(const Object& o, const char* key) {
  const auto& keys = o.at(key).as_object();
  std::vector<std::int64_t> all;
  for (const char* name : {"all", "shared", "distinct", "distinct_shared"})
    all.push_back(keys.at(name).to_number<std::int64_t>());
  return all;
}
using Numbers = std::vector<std::int64_t>;

TEST_F(OverlapTest, CountsWhatStandsInBoth) {
  const auto o = overlap(
      json_line("a", {"x", "y"}) + json_line("b", {kLong, "Hi!"}) + json_line("c", {"only", "one"}),
      json_line("d", {"x", "y"}) + json_line("b", {kLong, "hi"}) + json_line("e", {"x", "y"}) +
          json_line("f", {kLong + " more", kLong}) + json_line("g", {"x y", "z"}));
  EXPECT_EQ(numbers(o, "dialogues"), (Numbers{5, 2, 4, 1}));
  EXPECT_EQ(numbers(o, "normalised_dialogues"), (Numbers{5, 3, 4, 2}));
  EXPECT_EQ(numbers(o, "long_turns"), (Numbers{3, 2, 2, 1}));
  EXPECT_EQ(numbers(o, "ids"), (Numbers{5, 1, 5, 1}));
  EXPECT_EQ(numbers(o, "facts"), (Numbers{0, 0, 0, 0}));
  EXPECT_EQ(o.at("near_duplicates").at("dialogues"), 5);
  EXPECT_EQ(o.at("near_duplicates").at("same_shingles"), 2);
}

TEST_F(OverlapTest, CountsSharedFacts) {
  const auto o = overlap(kPersonas + R"("personas": {"A": ["one", "two"]}})",
                         kPersonas + R"("personas": {"A": ["two", "new"], "B": ["two"]}})");
  EXPECT_EQ(numbers(o, "facts"), (Numbers{3, 2, 2, 1}));
}

TEST_F(OverlapTest, EachPathIsComparedWithThoseBefore) {
  std::vector<std::string> paths;
  for (const char* name : {"a", "b", "c"}) {
    write_file(folder_ / name, json_line("x", {"q", "r"}));
    paths.push_back((folder_ / name).string());
  }
  const auto all = inspect_all(paths);
  ASSERT_EQ(all.size(), 6U);
  const auto names = [&](std::size_t i) {
    return std::vector{std::string(all[i].at("of").as_string()),
                       std::string(all[i].at("in").as_string())};
  };
  EXPECT_EQ(names(3), (std::vector{paths[1], paths[0]}));
  EXPECT_EQ(names(4), (std::vector{paths[2], paths[0]}));
  EXPECT_EQ(names(5), (std::vector{paths[2], paths[1]}));
}

TEST_F(OverlapTest, ManyPathsNeedFewOpenFiles) {
  std::vector<std::string> paths;
  const std::string pair = R"({"premise": "q", "hypothesis": "r", "label": "neutral"})";
  for (std::size_t i = 0; i < 60; ++i) {
    paths.push_back((folder_ / std::to_string(i)).string());
    write_file(paths.back(), i % 4 == 0 ? pair : json_line("x", {"q", "r"}));
  }
  const FewFiles few(40);
  const auto all = inspect_all(paths);
  ASSERT_EQ(all.size(), 60U + 60U * 59U / 2U);
  EXPECT_EQ(numbers(all.back(), "ids"), (Numbers{1, 1, 1, 1}));
}

TEST_F(OverlapTest, SplitsOfAStoreAreComparedToo) {
  std::string lines;
  for (int i = 0; i < 20; ++i) lines += json_line("x" + std::to_string(i), {"hello", "you"});
  write_file(folder_ / "corpus", lines);
  const auto recipe = (folder_ / "recipe.yaml").string();
  write_file(recipe, "store: " + (folder_ / "store").string() + "\ndata:\n  valid_share: 0.3\n" +
                         "  sources: [{path: " + (folder_ / "corpus").string() +
                         "}]\n  tokenizer: {vocab_size: 300}\n");
  (void)output_of(data::run_prepare, {recipe, "--quiet"});
  const auto all = inspect_all({(folder_ / "store").string()});
  ASSERT_EQ(all.size(), 2U);
  const auto found = numbers(all[1], "dialogues");
  EXPECT_GT(found[0], 0);
  EXPECT_EQ(found[1], found[0]);
  EXPECT_EQ(numbers(all[1], "ids")[1], 0);
}

TEST_F(OverlapTest, PeopleSeeATable) {
  write_file(folder_ / "one", json_line("a", {kLong, "y"}));
  write_file(folder_ / "other", json_line("b", {kLong, "z"}));
  const auto text = output_of(
      data::run_inspect, {(folder_ / "one").string(), (folder_ / "other").string(), "--quiet"});
  EXPECT_NE(text.find("  turns of 40 characters or more            1            1     100.00 %"
                      "            1            1\n"),
            std::string::npos)
      << text;
}

struct Known {
  const char *one, *other, *what;
  std::int64_t all, shared, distinct_shared;
};

std::ostream& operator<<(std::ostream& out, const Known& row) {
  return out << row.what << " of " << row.other << " in " << row.one;
}

class OverlapCorporaTest : public testing::TestWithParam<Known> {};

TEST_P(OverlapCorporaTest, IsThePublishedOne) {
  const auto& row = GetParam();
  std::vector<std::string> paths;
  for (const char* name : {row.one, row.other}) {
    const auto file = std::string(name) + ".jsonl.gz";
    if (const auto why = missing_corpus(file); !why.empty()) GTEST_SKIP() << why;
    paths.push_back((corpora() / file).string());
  }
  const auto found = numbers(inspect_all(paths).back(), row.what);
  EXPECT_EQ(found[0], row.all);
  EXPECT_EQ(found[1], row.shared);
  EXPECT_EQ(found[3], row.distinct_shared);
}

INSTANTIATE_TEST_SUITE_P(
    Flaws, OverlapCorporaTest,
    testing::Values(
        Known{"dailydialog/train", "dailydialog/valid", "long_turns", 4759, 391, 385},
        Known{"dailydialog/train", "dailydialog/valid", "dialogues", 989, 0, 0},
        Known{"persona/train_convai2", "persona/valid", "facts", 4492, 4449, 665},
        Known{"persona/train_personachat", "persona/valid", "facts", 4492, 97, 14},
        Known{"opensubtitles/train", "opensubtitles/valid", "normalised_dialogues", 1296, 6, 2},
        Known{"opensubtitles/train", "opensubtitles/valid", "long_turns", 2609, 15, 6},
        Known{"ubuntu_multiparty/train", "ubuntu_multiparty/valid", "normalised_dialogues", 187, 2,
              2},
        Known{"ubuntu_multiparty/train", "ubuntu_multiparty/valid", "long_turns", 1097, 6, 5},
        Known{"ubuntu/train", "ubuntu_multiparty/train", "long_turns", 28817, 5059, 4906},
        Known{"ubuntu/valid", "ubuntu_multiparty/valid", "long_turns", 1097, 197, 193},
        Known{"ubuntu/valid", "ubuntu_multiparty/valid", "ids", 187, 68, 68}));

}  // namespace
}  // namespace banter::tests
