#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "configs/section.h"

namespace banter::configs {
namespace {

TEST(DumpTest, PrintsWhatWasReadWithDefaultsInTheOrderOfReading) {
  auto config = Config::parse("z: 1\nmodel: {dropout: 0.5, type: hred}\nnot_read: 3\n", "r.yaml");
  auto root = config.root();
  auto model = root.section("model");
  model.get("type", "seq2seq");
  model.get<std::int64_t>("layers", 2);
  model.get<double>("dropout", 0.1);
  root.get<bool>("quiet", false);
  root.get<std::int64_t>("z", 0);
  root.get<std::vector<double>>("betas", {0.9, 0.999});
  root.section("empty");
  root.sections("none");
  EXPECT_EQ(config.dump(),
            "model:\n"
            "  type: hred\n"
            "  layers: 2\n"
            "  dropout: 0.5\n"
            "quiet: false\n"
            "z: 1\n"
            "betas: [0.9, 0.999]\n"
            "empty: {}\n"
            "none: []\n");
}

TEST(DumpTest, PrintsListsOfMappings) {
  auto config = Config::parse("data:\n  sources:\n    - {path: x, clean: {nfkc: true}}\n    - {}\n",
                              "r.yaml");
  auto root = config.root();
  auto data = root.section("data");
  auto sources = data.sections("sources");
  sources[0].get("path", "");
  sources[0].section("clean").get<bool>("nfkc", false);
  data.get<std::int64_t>("seed", 1);
  EXPECT_EQ(config.dump(),
            "data:\n"
            "  sources:\n"
            "    - path: x\n"
            "      clean:\n"
            "        nfkc: true\n"
            "    - {}\n"
            "  seed: 1\n");
  auto again = Config::parse(config.dump(), "dump");
  auto read_again = again.root().section("data").sections("sources");
  ASSERT_EQ(read_again.size(), 2u);
  EXPECT_TRUE(read_again[0].section("clean").require<bool>("nfkc"));
}

TEST(DumpTest, OverridesAreInForce) {
  auto config = Config::parse("a: 1", "r.yaml", {"b.c=2"});
  auto root = config.root();
  root.get<std::int64_t>("a", 0);
  root.section("b").get<std::int64_t>("c", 0);
  EXPECT_EQ(config.dump(), "a: 1\nb:\n  c: 2\n");
}

TEST(DumpTest, ReadingAKeyTwicePrintsItOnce) {
  auto config = Config::parse("a: 1\nm: {b: 2}\n", "r.yaml");
  for (int i = 0; i < 2; ++i) {
    config.root().get<std::int64_t>("a", 0);
    config.root().section("m").get<std::int64_t>("b", 0);
    config.root().section("absent").get<std::int64_t>("c", 3);
  }
  EXPECT_EQ(config.dump(), "a: 1\nm:\n  b: 2\nabsent:\n  c: 3\n");
}

template <typename T>
T round_trip(const T& value) {
  auto config = Config::parse("other: 1", "r.yaml");
  config.root().get<T>("key", value);
  auto again = Config::parse(config.dump(), "dump");
  return again.root().require<T>("key");
}

TEST(DumpTest, TextComesBackByteForByte) {
  std::vector<std::string> texts = {"plain",
                                    "",
                                    " ",
                                    "true",
                                    "No",
                                    "null",
                                    "~",
                                    "12",
                                    "-1",
                                    "1e5",
                                    "a: b",
                                    "- x",
                                    "# c",
                                    "a #b",
                                    "'q'",
                                    "\"q\"",
                                    "back\\slash",
                                    "two\nlines",
                                    "tab\there",
                                    "\r\n",
                                    "\x01\x7F",
                                    "é€𝄞",
                                    "\xEF\xBB\xBF",
                                    "\xC2\x85",
                                    "\xE2\x80\xA8",
                                    "[",
                                    "{}",
                                    "*a",
                                    "&a",
                                    "!t",
                                    "%",
                                    "@",
                                    "`",
                                    "runs/a-b_c.d",
                                    ".hidden",
                                    "-",
                                    "---",
                                    "...",
                                    "<<",
                                    "=",
                                    "a,b",
                                    std::string(5000, 'x'),
                                    std::string("nul\0in", 6)};
  for (int byte = 0; byte < 128; ++byte) texts.emplace_back(1, static_cast<char>(byte));
  for (const auto& text : texts) EXPECT_EQ(round_trip(text), text) << text;
  EXPECT_EQ(round_trip(texts), texts);
}

TEST(DumpTest, NumbersComeBackBitForBit) {
  EXPECT_EQ(round_trip(std::numeric_limits<std::int64_t>::min()),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(round_trip(std::numeric_limits<std::uint64_t>::max()),
            std::numeric_limits<std::uint64_t>::max());
  EXPECT_TRUE(std::signbit(round_trip(-0.0)));
  for (const double value : {0.1, 1.0 / 3, 1e-5, 5e-324, 1e22, 1.7976931348623157e308, -2.5})
    EXPECT_EQ(round_trip(value), value);
  for (std::uint64_t key = 0; key < 200; ++key) {
    const double value = std::ldexp(base::to_unit(key), static_cast<int>(key) - 100);
    EXPECT_EQ(round_trip(value), value);
  }
}

TEST(DumpTest, NumbersArePrintedInTheirShortestForm) {
  auto config = Config::parse("a: 1", "r.yaml");
  config.root().get<double>("lr", 0.001);
  config.root().get<double>("small", 1e-8);
  config.root().get<double>("whole", 5);
  EXPECT_EQ(config.dump(), "lr: 0.001\nsmall: 1e-08\nwhole: 5\n");
}

}  // namespace
}  // namespace banter::configs
