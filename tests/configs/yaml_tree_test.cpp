#include <string>

#include <gtest/gtest.h>

#include "base/files.h"
#include "configs/section.h"
#include "tests/configs/error_text.h"
#include "tests/support/temporary_folder.h"

namespace banter::configs {
namespace {

std::string error_of_parsing(std::string_view yaml) {
  return error_of([&] { Config::parse(yaml, "r.yaml"); });
}

std::string repeated(std::string_view piece, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += piece;
  return text;
}

TEST(YamlTreeTest, WhatHoldsNoMappingIsNoConfiguration) {
  for (const char* empty : {"", "\n\n", "# only a comment\n", "---\n", "~", "null"})
    EXPECT_EQ(error_of_parsing(empty), "r.yaml: is empty; a configuration has at least one key");
  EXPECT_EQ(error_of_parsing("\n[a, b]"), "r.yaml:2: must be a mapping, as in \"key: value\"");
  EXPECT_EQ(error_of_parsing("text"), "r.yaml:1: must be a mapping, as in \"key: value\"");
}

TEST(YamlTreeTest, AKeyThatStandsTwiceIsRefusedWithBothLines) {
  EXPECT_EQ(error_of_parsing("model:\n  a: 1\n  b: 2\n  a: 3\n"),
            "r.yaml:4: model.a: stands twice, first at r.yaml:2; keep one");
  EXPECT_EQ(error_of_parsing("m: {a: 1, 'a': 2}"),
            "r.yaml:1: m.a: stands twice, first at r.yaml:1; keep one");
  EXPECT_EQ(error_of_parsing("m: [{a: 1}, {a: 1}]"), "");
}

TEST(YamlTreeTest, AliasesAndAnchorsAreRefusedBeforeTheyExpand) {
  std::string bomb = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 40; ++i) {
    const auto number = std::to_string(i), before = std::to_string(i - 1);
    bomb += "a" + number + ": &a" + number + " [*a" + before + ", *a" + before + "]\n";
  }
  EXPECT_EQ(error_of_parsing(bomb), "r.yaml:1: anchors (&name) are not read; write the value out");
  EXPECT_NE(error_of_parsing("a: 1\nb: *a\n").find("r.yaml:2"), std::string::npos);
  EXPECT_EQ(error_of_parsing("&k a: 1\n"),
            "r.yaml:1: anchors (&name) are not read; write the value out");
}

TEST(YamlTreeTest, NestingIsBoundedHoweverItIsWritten) {
  const auto nested = [](std::size_t levels) {
    return "a: " + repeated("[", levels) + repeated("]", levels);
  };
  EXPECT_EQ(error_of_parsing(nested(19)), "");  // the top is the first of 20 levels
  EXPECT_EQ(error_of_parsing(nested(20)), "r.yaml:1: nested deeper than 20 levels");
  for (const char* piece : {"[", "{", "- ", "? ", "{a: ", "[{", "!a [", "&a ["}) {
    EXPECT_NE(error_of_parsing(repeated(piece, 100'000)), "") << piece;
    EXPECT_NE(error_of_parsing("a: " + repeated(piece, 100'000)), "") << piece;
  }
  std::string steps;
  for (std::size_t i = 0; i < 1000; ++i) steps += std::string(i, ' ') + "a:\n";
  EXPECT_NE(error_of_parsing(steps).find("nested deeper"), std::string::npos);
}

TEST(YamlTreeTest, SizeIsBounded) {
  EXPECT_EQ(error_of_parsing("a: " + std::string(1'000'000, 'x')), "");
  EXPECT_NE(error_of_parsing("a: " + std::string(1 << 20, 'x')).find("longer than 1 MB"),
            std::string::npos);
  EXPECT_NE(error_of_parsing("a: [" + repeated("1,", 20'000) + "1]").find("more than 10000 values"),
            std::string::npos);
  std::string keys;
  for (std::size_t i = 0; i < 20'000; ++i) keys += "key" + std::to_string(i) + ": 1\n";
  EXPECT_NE(error_of_parsing(keys).find("more than 10000 values"), std::string::npos);
}

TEST(YamlTreeTest, OneDocumentIsRead) {
  EXPECT_EQ(error_of_parsing("---\na: 1\n...\n"), "");
  EXPECT_EQ(error_of_parsing("a: 1\n---\nb: 2\n"),
            "r.yaml: holds a second document (---); one is read");
}

TEST(YamlTreeTest, KeysAreText) {
  for (const char* yaml : {"[a]: 1", "{a: 1}: 2", "? [a]\n: 1", "~: 1"})
    EXPECT_EQ(error_of_parsing(yaml), "r.yaml:1: a key must be plain text, not a list or mapping")
        << yaml;
}

TEST(YamlTreeTest, TagsAreRefused) {
  EXPECT_EQ(error_of_parsing("a: !!str 1"),
            "r.yaml:1: the tag tag:yaml.org,2002:str is not read; leave it out");
  EXPECT_NE(error_of_parsing("a: !python/object {b: 1}").find("is not read"), std::string::npos);
  EXPECT_NE(error_of_parsing("a: !!set [b]").find("is not read"), std::string::npos);
}

TEST(YamlTreeTest, BadYamlNamesItsLine) {
  EXPECT_TRUE(error_of_parsing("a: 1\n  b: 2\n").starts_with("r.yaml:2: not valid YAML"));
  for (const char* open : {"a: 1\nb: [1, 2\nc: 3\n", "a: 1\nb: {c: 1\n", "a: 1\nb: 'open\nc: 3\n",
                           "a: 1\nb: 'open", "a: 1\nb: \"open\nc: 3\n", "a: 1\n'b", "a: ["})
    EXPECT_NE(error_of_parsing(open).find("not valid YAML"), std::string::npos) << open;
}

TEST(YamlTreeTest, TextThatEndsAnywhereIsRead) {
  const auto value = [](std::string_view yaml) {
    return Config::parse(yaml, "r.yaml").root().require<std::string>("a");
  };
  for (const char* yaml : {"a: x", "a: x\n", "a: 'x'", "a: \"x\"", "a: x\n...", "a: x\n...\n",
                           "a: x # c", "a: >-\n  x", "a: |-\n  x\n\n"})
    EXPECT_EQ(value(yaml), "x") << yaml;
  EXPECT_EQ(value("a: |\n  x\n"), "x\n");
  EXPECT_EQ(value("a: |+\n  x\n\n"), "x\n\n");
}

TEST(YamlTreeTest, IndentingByTabsIsExplained) {
  const auto message = error_of_parsing("model:\n\ttype: hred\n");
  EXPECT_TRUE(message.starts_with("r.yaml:2: not valid YAML")) << message;
  EXPECT_TRUE(message.ends_with("(indent with spaces, not with tabs)")) << message;
}

TEST(YamlTreeTest, BytesThatAreNoTextAreRefused) {
  EXPECT_EQ(error_of_parsing("a: 1\nb: \xFF"),
            "r.yaml:2: byte 8 is not UTF-8; a configuration is UTF-8 text");
  EXPECT_EQ(error_of_parsing(std::string_view("a: 1\nb: \0", 9)),
            "r.yaml:2: holds the control character \\x00; a configuration is text");
  EXPECT_EQ(error_of_parsing("a: \x04 b: 2"),
            "r.yaml:1: holds the control character \\x04; a configuration is text");
}

TEST(YamlTreeTest, EscapesStandForCharacters) {
  EXPECT_EQ(error_of_parsing("a: \"\\N\""),
            "r.yaml:1: an escape stands for no character; use \\u0085 for \\N and \\u00a0 for \\_");
  EXPECT_NE(error_of_parsing("\"\\_\": 1"), "");
  EXPECT_NE(error_of_parsing("a: \"\\uD800\""), "");
  const auto config = Config::parse("a: \"\\x41\\u00e9\\U0001D11E\\x85\"", "r.yaml");
  EXPECT_EQ(config.root().require<std::string>("a"), "Aé𝄞\xC2\x85");
}

TEST(YamlTreeTest, WindowsLineEndsAndAByteOrderMarkAreRead) {
  auto config = Config::parse(
      "\xEF\xBB\xBF"
      "a: one\r\nb: 2\r\n",
      "r.yaml");
  auto root = config.root();
  EXPECT_EQ(root.require<std::string>("a"), "one");
  EXPECT_EQ(root.require<std::int64_t>("b"), 2);
}

TEST(YamlTreeTest, AFileThatCannotBeReadIsAConfigError) {
  const tests::TemporaryFolder folder;
  const auto missing = error_of([&] { Config::load(folder / "missing.yaml"); });
  EXPECT_NE(missing.find("missing.yaml: cannot be opened: No such file"), std::string::npos);
  EXPECT_NE(error_of([&] { Config::load(folder.path()); }).find("is a folder"), std::string::npos);
  base::write_durably(folder / "long.yaml", "a: " + std::string(2 << 20, 'x'));
  EXPECT_NE(error_of([&] { Config::load(folder / "long.yaml"); }), "");
  base::write_durably(folder / "good.yaml", "a: 7\n");
  EXPECT_EQ(Config::load(folder / "good.yaml").root().require<std::int64_t>("a"), 7);
}

}  // namespace
}  // namespace banter::configs
