#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "configs/section.h"
#include "tests/configs/error_text.h"

namespace banter::configs {
namespace {

constexpr std::string_view kRecipe =
    "run: runs/a\n"
    "model:\n"
    "  hidden_dim: 8\n"
    "data:\n"
    "  sources:\n"
    "    - path: one\n"
    "    - path: two\n"
    "empty:\n";

std::string error_with(const std::vector<std::string>& overrides) {
  return error_of([&] { Config::parse(kRecipe, "r.yaml", overrides); });
}

TEST(OverridesTest, ReplacesAndAddsValues) {
  auto config = Config::parse(kRecipe, "r.yaml",
                              {"run=runs/b", "model.hidden_dim=16", "model.type=hred",
                               "train.optimizer.lr=0.5", "empty.n=1", "data.sources.1.path=2.txt"});
  auto root = config.root();
  EXPECT_EQ(root.require<std::string>("run"), "runs/b");
  EXPECT_EQ(root.section("model").require<std::int64_t>("hidden_dim"), 16);
  EXPECT_EQ(root.section("model").require<std::string>("type"), "hred");
  EXPECT_EQ(root.section("train").section("optimizer").require<double>("lr"), 0.5);
  EXPECT_EQ(root.section("empty").require<std::int64_t>("n"), 1);
  auto sources = root.section("data").sections("sources");
  EXPECT_EQ(sources[0].require<std::string>("path"), "one");
  EXPECT_EQ(sources[1].require<std::string>("path"), "2.txt");
}

TEST(OverridesTest, TheLastOneWinsAndAnEqualsSignMayStandInTheValue) {
  auto config = Config::parse(kRecipe, "r.yaml", {"run=a", "run=b=c"});
  EXPECT_EQ(config.root().require<std::string>("run"), "b=c");
}

TEST(OverridesTest, TheValueIsYaml) {
  auto config =
      Config::parse(kRecipe, "r.yaml", {"list=[1, 2]", "model={hidden_dim: 32}", "text=\"5\""});
  auto root = config.root();
  EXPECT_EQ(root.require<std::vector<std::int64_t>>("list"), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(root.section("model").require<std::int64_t>("hidden_dim"), 32);
  EXPECT_EQ(root.require<std::string>("text"), "5");
}

TEST(OverridesTest, AWrongValueIsBlamedOnTheOverride) {
  auto config = Config::parse(kRecipe, "r.yaml", {"model.hidden_dim=big", "model.sub={deep: x}"});
  auto model = config.root().section("model");
  EXPECT_EQ(error_of([&] { model.get<std::int64_t>("hidden_dim", 1); }),
            "--set model.hidden_dim=big: model.hidden_dim: expected an integer of 64 bits, "
            "got \"big\"");
  auto sub = model.section("sub");
  EXPECT_EQ(error_of([&] { sub.get<bool>("deep", true); }),
            "--set model.sub={deep: x}: model.sub.deep: expected true or false, got \"x\"");
}

TEST(OverridesTest, AnUnknownKeyIsBlamedOnTheOverride) {
  auto config = Config::parse(kRecipe, "r.yaml", {"model.hiden_dim=4"});
  auto model = config.root().section("model");
  model.get<std::int64_t>("hidden_dim", 1);
  EXPECT_EQ(error_of([&] { model.reject_unknown(); }),
            "--set model.hiden_dim=4: model.hiden_dim: unknown key; the nearest one is hidden_dim");
}

TEST(OverridesTest, AnOverrideThatLeadsNowhereIsRefused) {
  EXPECT_EQ(error_with({"run"}), "--set run: must be key.path=value");
  EXPECT_EQ(error_with({"=1"}), "--set =1: must be key.path=value");
  for (const char* bad : {".a=1", "a.=1", "a..b=1", ".=1"})
    EXPECT_NE(error_with({bad}).find("an empty key stands between dots"), std::string::npos) << bad;
  EXPECT_EQ(error_with({"run.a=1"}), "--set run.a=1: run: is no mapping that could hold a key");
  EXPECT_EQ(error_with({"data.sources.2.path=x"}),
            "--set data.sources.2.path=x: data.sources: is a list of 2, there is no place 2");
  for (const char* bad : {"-1", "x", "1x", "00000000000000000000000099999999999999999999"})
    EXPECT_NE(error_with({std::string("data.sources.") + bad + "=x"}), "") << bad;
}

TEST(OverridesTest, TheLimitsOfAFileHoldForOverridesToo) {
  EXPECT_NE(error_with({"a={b: 1, b: 2}"}).find("stands twice"), std::string::npos);
  EXPECT_NE(error_with({"a=&x 1"}).find("anchors"), std::string::npos);
  EXPECT_NE(error_with({"a=" + std::string(100'000, '[')}), "");
  EXPECT_TRUE(error_with({"a=[1"}).starts_with("--set a=[1: "));
  EXPECT_EQ(error_with({"a='x"}).substr(0, 26), "--set a='x: not valid YAML");
  std::string deep = "a";
  for (int i = 0; i < 1'000'000; ++i) deep += ".a";
  EXPECT_NE(error_with({deep + "=1"}).find("nested deeper"), std::string::npos);
}

TEST(OverridesTest, AValueOfAnotherFileKeepsItsPlace) {
  const auto other = Config::parse(
      "rows:\n  wide:\n    model.hidden_dim: big\n    model.layers: 2\n  all:\n    model: {n: 1}\n",
      "rows.yaml");
  auto config = Config::parse(kRecipe, "r.yaml");
  for (const auto& [key, value] : other.root().value("rows").entries()[0].second.entries())
    config.set(key, value);
  auto model = config.root().section("model");
  EXPECT_EQ(model.get<std::int64_t>("layers", 1), 2);
  EXPECT_EQ(error_of([&] { model.get<std::int64_t>("hidden_dim", 1); }),
            "rows.yaml:3: model.hidden_dim: expected an integer of 64 bits, got \"big\"");
  config.set("model", other.root().value("rows").entries()[1].second.entries()[0].second);
  EXPECT_FALSE(config.root().section("model").has("hidden_dim")) << "a mapping is replaced";
  EXPECT_EQ(error_of([&] { config.set("run.a", "1", "place"); }),
            "place: run: is no mapping that could hold a key");
}

TEST(OverridesTest, ACopyIsReadByItself) {
  const auto config = Config::parse("a: 1\nb: {c: x}\n", "r.yaml");
  const auto copy = config.copy();
  copy.root().get<std::int64_t>("a", 0);
  EXPECT_EQ(copy.dump(), "a: 1\n");
  EXPECT_EQ(config.dump(), "");
  const auto part = Config::of(config.root().value("b"));
  part.root().get<std::string>("c", "");
  EXPECT_EQ(part.dump(), "c: x\n");
  EXPECT_EQ(part.root().path(), "");
  EXPECT_EQ(error_of([&] { Config::of(config.root().value("a")); }),
            "r.yaml:1: a: expected a mapping, got \"1\"");
}

TEST(OverridesTest, AValueOnOneLineReadsBackToItself) {
  const auto config = Config::parse(
      "v: {a: 1, b: -0.5, c: \"1\", d: [x, 'a, b', null, true], e: {f: \"n: o\"}, g: 'null', "
      "h: word, i: -}\n",
      "r.yaml");
  const auto text = config.root().value("v").yaml();
  EXPECT_EQ(text,
            "{a: 1, b: -0.5, c: \"1\", d: [x, \"a, b\", null, true], e: {f: \"n: o\"}, "
            "g: \"null\", h: word, i: \"-\"}");
  const auto again = Config::parse("v: " + text, "again.yaml");
  EXPECT_EQ(again.root().value("v").yaml(), text);
}

}  // namespace
}  // namespace banter::configs
