#include "base/json.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/random.h"

namespace banter::base {
namespace {

std::string error_of(std::string_view text, std::size_t max_depth = 100) {
  try {
    parse_json(text, "line 7", max_depth);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(JsonTest, ReadsStrictJson) {
  const auto value = parse_json(R"( {"a": [1, -2.5, "\u00e9", null, true]} )", "here");
  EXPECT_EQ(value.at("a").at(0).as_int64(), 1);
  EXPECT_EQ(value.at("a").at(2).as_string(), "é");
}

TEST(JsonTest, ReadsTheNearestDouble) {
  for (int i = 0; i < 2000; ++i) {
    const auto number = std::bit_cast<double>(join_keys(7, static_cast<std::uint64_t>(i)));
    if (!std::isfinite(number)) continue;
    std::array<char, 40> shortest{}, longest{};
    *std::to_chars(shortest.data(), shortest.data() + 39, number, std::chars_format::scientific)
         .ptr = 0;
    std::snprintf(longest.data(), longest.size(), "%.25e", number);
    const auto text = std::string("{\"a\": [1, ") + shortest.data() +
                      ", {\"b\": " + longest.data() +
                      "}], \"c\": 18446744073709551616, \"d\": 0.1}";
    const auto value = parse_json(text, "here");
    EXPECT_EQ(value.at("a").at(1).as_double(), number) << text;
    EXPECT_EQ(value.at("a").at(2).at("b").as_double(), number) << text;
    EXPECT_EQ(value.at("c").as_double(), 18446744073709551616.0);
    EXPECT_EQ(value.at("d").as_double(), 0.1);
  }
}

TEST(JsonTest, SaysWhereAndWhichRuleIsBroken) {
  EXPECT_EQ(error_of(R"({"a": 1, "b": {"c": 1, "a": 2}, "a": 3})").substr(0, 47),
            "line 7: key \"a\" stands twice in one object near");
  for (const char* bad : {"", "{", "[1,]", "{\"a\":1,}", "nul", "[1] [2]", "{'a':1}", "[NaN]",
                          "// c\n1", "\"\xFF\"", "\"\x01\"", "[1e999]", "[-1e999]"}) {
    EXPECT_TRUE(error_of(bad).starts_with("line 7: not valid JSON near byte ")) << bad;
  }
}

TEST(JsonTest, AnEmptyKeyCanStandTwiceToo) {
  EXPECT_EQ(error_of(R"({"": 1, "": 2})").substr(0, 36), "line 7: key \"\" stands twice in one o");
}

TEST(JsonTest, EqualKeysInDifferentObjectsAreFine) {
  EXPECT_EQ(error_of(R"([{"a": 1}, {"a": {"a": 2}}])"), "");
}

TEST(JsonTest, BoundsTheDepth) {
  EXPECT_EQ(error_of("[[[1]]]", 3), "");
  EXPECT_NE(error_of("[[[[1]]]]", 3), "");
  EXPECT_NE(error_of(std::string(1'000'000, '[')), "");
}

TEST(JsonTest, FieldsAreReadByTypeAndTheErrorNamesThem) {
  const auto value = parse_json(R"({"name": "x", "count": 3, "share": 0.5, "whole": 2.0})", "here");
  const auto& object = value.as_object();
  EXPECT_EQ(string_field(object, "name", "w"), "x");
  EXPECT_EQ(integer_field(object, "count", "w"), 3);
  const auto message = [&](auto read) -> std::string {
    try {
      read();
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message([&] { field(object, "turns", "f:1"); }), "f:1: field \"turns\" is missing");
  EXPECT_EQ(message([&] { string_field(object, "count", "f:1"); }),
            "f:1: field \"count\" is not a string");
  EXPECT_EQ(message([&] { integer_field(object, "share", "f:1"); }),
            "f:1: field \"share\" is not an integer");
}

TEST(JsonTest, PrettyJsonKeepsTheOrderAndReadsBack) {
  const json::value value = {{"z", 1}, {"a", {1, "t\n", json::object()}}, {"e", json::array()}};
  const auto text = pretty_json(value);
  EXPECT_EQ(text,
            "{\n  \"z\": 1,\n  \"a\": [\n    1,\n    \"t\\n\",\n    {}\n  ],\n  \"e\": []\n}\n");
  EXPECT_EQ(parse_json(text, "here"), value);
}

}  // namespace
}  // namespace banter::base
