#include "configs/section.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "tests/configs/error_text.h"

namespace banter::configs {
namespace {

using Text = std::string;

/// The value of the key `a` in `yaml`, or the message of the error.
template <typename T>
std::string error_of_reading(std::string_view yaml) {
  return error_of([&] {
    auto config = Config::parse(yaml, "r.yaml");
    (void)config.root().require<T>("a");
  });
}

template <typename T>
T read(std::string_view yaml) {
  auto config = Config::parse(yaml, "r.yaml");
  return config.root().require<T>("a");
}

TEST(SectionTest, ReadsEveryType) {
  EXPECT_TRUE(read<bool>("a: true"));
  EXPECT_FALSE(read<bool>("a: false"));
  EXPECT_EQ(read<std::int64_t>("a: -12"), -12);
  EXPECT_EQ(read<std::int64_t>("a: +12"), 12);
  EXPECT_EQ(read<std::int64_t>("a: -9223372036854775808"),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(read<std::uint64_t>("a: 18446744073709551615"),
            std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(read<double>("a: 3"), 3.0);
  EXPECT_EQ(read<double>("a: -2.5e-3"), -0.0025);
  EXPECT_EQ(read<Text>("a: some text"), "some text");
  EXPECT_EQ(read<Text>("a: 12"), "12");
  EXPECT_EQ(read<Text>("a: \"\""), "");
  EXPECT_EQ(read<Text>("a: 'true'"), "true");
  EXPECT_EQ(read<Text>("a: |\n  two\n  lines\n"), "two\nlines\n");
  EXPECT_EQ(read<std::vector<std::int64_t>>("a: [1, 2]"), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(read<std::vector<double>>("a: [1, 0.5]"), (std::vector<double>{1, 0.5}));
  EXPECT_EQ(read<std::vector<Text>>("a:\n  - x\n  - \"y z\"\n"), (std::vector<Text>{"x", "y z"}));
  EXPECT_TRUE(read<std::vector<Text>>("a: []").empty());
}

TEST(SectionTest, AWrongTypeNamesPlaceKeyRuleAndValue) {
  EXPECT_EQ(error_of_reading<std::int64_t>("\na: big"),
            "r.yaml:2: a: expected an integer of 64 bits, got \"big\"");
  EXPECT_EQ(error_of_reading<bool>("a: yes"), "r.yaml:1: a: expected true or false, got \"yes\"");
  EXPECT_EQ(error_of_reading<double>("a: [1]"),
            "r.yaml:1: a: expected a finite number, got a list");
  EXPECT_EQ(error_of_reading<Text>("a: {b: 1}"), "r.yaml:1: a: expected text, got a mapping");
  EXPECT_EQ(error_of_reading<Text>("a:"), "r.yaml:1: a: expected text, got nothing");
  EXPECT_EQ(error_of_reading<std::vector<Text>>("a: x"),
            "r.yaml:1: a: expected a list, as in [a, b], got \"x\"");
  EXPECT_EQ(error_of_reading<std::vector<std::int64_t>>("a:\n  - 1\n  - x\n"),
            "r.yaml:3: a.1: expected an integer of 64 bits, got \"x\"");
  EXPECT_EQ(error_of_reading<std::vector<Text>>("a: [[x]]"),
            "r.yaml:1: a.0: expected text, got a list");
}

TEST(SectionTest, OnlyTrueAndFalseAreTruthValues) {
  for (const char* word :
       {"yes", "no", "on", "off", "True", "FALSE", "1", "0", "y", "\"true\"", "~", "[true]"}) {
    EXPECT_NE(error_of_reading<bool>(Text("a: ") + word), "") << word;
  }
}

TEST(SectionTest, NumbersMustBeWholeTextAndInRange) {
  for (const char* bad : {"9223372036854775808", "-9223372036854775809", "1.0", "1e3", "0x10",
                          "1_000", "1 2", "+-1", "++1", "\"1\"", "1.", "''"}) {
    EXPECT_NE(error_of_reading<std::int64_t>(Text("a: ") + bad), "") << bad;
  }
  for (const char* bad : {"-1", "18446744073709551616", "1.5"})
    EXPECT_NE(error_of_reading<std::uint64_t>(Text("a: ") + bad), "") << bad;
  for (const char* bad :
       {".nan", "nan", "inf", ".inf", "-inf", "1e999", "1,5", "1.2.3", "+-1", "0x1p3", "\"1\""}) {
    EXPECT_NE(error_of_reading<double>(Text("a: ") + bad), "") << bad;
  }
}

TEST(SectionTest, AnAbsentKeyGivesTheDefaultAndAnEmptyOneAnError) {
  auto config = Config::parse("a:\nb: ~\nc: 1", "r.yaml");
  auto root = config.root();
  EXPECT_EQ(root.get<std::int64_t>("absent", 5), 5);
  EXPECT_EQ(root.get("absent_text", "x"), "x");
  EXPECT_NE(error_of([&] { root.get<std::int64_t>("a", 5); }), "");
  EXPECT_NE(error_of([&] { root.get<std::int64_t>("b", 5); }), "");
  EXPECT_TRUE(root.has("c") && !root.has("absent"));
}

TEST(SectionTest, AKeyThatMustBeThereIsAskedFor) {
  auto config = Config::parse("model:\n  b: 1", "r.yaml");
  auto model = config.root().section("model");
  EXPECT_EQ(error_of([&] { model.require<Text>("type"); }),
            "r.yaml:1: model.type: is missing, and has no default");
}

TEST(SectionTest, ChoicesAreListed) {
  auto config = Config::parse("a: dynamc", "r.yaml");
  EXPECT_EQ(error_of([&] {
              config.root().choice("a", "none", {"none", "static", "dynamic"});
            }),
            "r.yaml:1: a: must be one of none|static|dynamic, got dynamc");
  EXPECT_EQ(config.root().choice("b", "none", {"none", "static"}), "none");
}

TEST(SectionTest, ARuleIsQuotedWithTheValueThatBreaksIt) {
  auto config = Config::parse("m:\n  n: 0\n", "r.yaml");
  auto section = config.root().section("m");
  const auto n = section.get<std::int64_t>("n", 3);
  EXPECT_EQ(error_of([&] { section.check(n > 0, "n", "positive"); }),
            "r.yaml:2: m.n: must be positive, got 0");
  EXPECT_EQ(error_of([&] { section.check(true, "n", "positive"); }), "");
  EXPECT_EQ(error_of([&] { section.fail("n", "is odd"); }), "r.yaml:2: m.n: is odd");
}

TEST(SectionTest, AnUnknownKeyIsRefusedWithTheNearestValidOne) {
  auto config = Config::parse("model:\n  hidden_dim: 1\n  hiden_dim: 2\n", "r.yaml");
  auto root = config.root();
  auto model = root.section("model");
  model.get<std::int64_t>("embed_dim", 1);
  model.get<std::int64_t>("hidden_dim", 1);
  EXPECT_EQ(error_of([&] { model.reject_unknown(); }),
            "r.yaml:3: model.hiden_dim: unknown key; the nearest one is hidden_dim");
  EXPECT_EQ(error_of([&] { root.reject_unknown(); }), "");
}

TEST(SectionTest, MergeKeysAreUnknownKeys) {
  auto config = Config::parse("a: 1\n<<: {b: 2}\n", "r.yaml");
  auto root = config.root();
  root.get<std::int64_t>("a", 0);
  EXPECT_EQ(error_of([&] { root.reject_unknown(); }),
            "r.yaml:2: <<: unknown key; the nearest one is a");
}

TEST(SectionTest, IgnoredKeysAreKnownAndSuggested) {
  auto config = Config::parse("train: {steps: 3}\ndata: {}\n", "r.yaml");
  auto root = config.root();
  root.ignore({"train", "data"});
  EXPECT_EQ(error_of([&] { root.reject_unknown(); }), "");
  auto other = Config::parse("trian: 1", "r.yaml");
  auto other_root = other.root();
  other_root.ignore({"train", "data"});
  EXPECT_EQ(error_of([&] { other_root.reject_unknown(); }),
            "r.yaml:1: trian: unknown key; the nearest one is train");
}

TEST(SectionTest, SectionsKnowTheirPathAndPlace) {
  auto config = Config::parse("train:\n  optimizer:\n    lr: x\n", "r.yaml");
  auto root = config.root();
  auto optimizer = root.section("train").section("optimizer");
  EXPECT_EQ(optimizer.path(), "train.optimizer");
  EXPECT_EQ(optimizer.where("lr"), "r.yaml:3");
  EXPECT_EQ(optimizer.where("absent"), "r.yaml:2");
  EXPECT_EQ(root.path(), "");
  EXPECT_EQ(root.where("absent"), "r.yaml");
  EXPECT_NE(error_of([&] { root.section("train").section("optimizer").section("lr"); }), "");
}

TEST(SectionTest, AnAbsentSectionIsEmptyAndGivesDefaults) {
  auto config = Config::parse("a: 1\nempty:\n", "r.yaml");
  auto root = config.root();
  for (const char* key : {"absent", "empty"}) {
    auto section = root.section(key);
    EXPECT_EQ(section.get<std::int64_t>("n", 4), 4);
    EXPECT_EQ(
        error_of([&] { section.check(false, "n", "odd"); }),
        (Text(key) == "empty" ? "r.yaml:2: " : "r.yaml: ") + Text(key) + ".n: must be odd, got 4");
    section.reject_unknown();
  }
}

TEST(SectionTest, AListOfMappingsIsReadOneByOne) {
  auto config = Config::parse("sources:\n  - path: x\n  - path: y\n    weigth: 2\n", "r.yaml");
  auto sources = config.root().sections("sources");
  ASSERT_EQ(sources.size(), 2u);
  EXPECT_EQ(sources[0].require<Text>("path"), "x");
  EXPECT_EQ(sources[1].require<Text>("path"), "y");
  EXPECT_EQ(sources[1].get<double>("weight", 1), 1);
  EXPECT_EQ(sources[1].path(), "sources.1");
  EXPECT_EQ(error_of([&] { sources[1].reject_unknown(); }),
            "r.yaml:4: sources.1.weigth: unknown key; the nearest one is weight");
  EXPECT_TRUE(config.root().sections("absent").empty());
  auto wrong = Config::parse("sources: [x]\nother: {}\n", "r.yaml");
  EXPECT_EQ(error_of([&] { wrong.root().sections("sources"); }),
            "r.yaml:1: sources.0: expected a mapping, got \"x\"");
  EXPECT_EQ(error_of([&] { wrong.root().sections("other"); }),
            "r.yaml:2: other: expected a list of mappings, got a mapping");
}

}  // namespace
}  // namespace banter::configs
