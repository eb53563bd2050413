#include "data/formats/pairs/kvpi.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/data/reading_test.h"

namespace banter::tests {
namespace {

using data::Label;

class KvpiTest : public ReadingTest {};

/// A line of the form without a header.
std::string line(const std::string& text, const std::string& label) {
  return text + "\t" + label + "\t1\tloc 西安\t2 0\t我 在 西安\t2 0 2\n";
}

const std::string kGood = line("{\"loc\": \"西安\"}[SEP]我 在 西安", "0");

TEST_F(KvpiTest, WithoutAHeaderTheColumnsStandAsPublished) {
  const auto reading = read(kGood + line("{\"loc\": \"兰州\"} [SEP] 我 想 去 西安 ", "1") + "\n" +
                            line("loc 西安 SEP 你好 \"啊\" sep 呀", "2"));
  EXPECT_EQ(reading.format, "kvpi");
  EXPECT_TRUE(reading.problems.empty());
  ASSERT_EQ(reading.pairs.size(), 3U);
  EXPECT_EQ(reading.pairs[0].id, "1");
  EXPECT_EQ(reading.pairs[0].premise, "{\"loc\": \"西安\"}");
  EXPECT_EQ(reading.pairs[0].hypothesis, "我 在 西安");
  EXPECT_EQ(reading.pairs[0].label, Label::kEntailment);
  EXPECT_EQ(reading.pairs[1].premise, "{\"loc\": \"兰州\"}");
  EXPECT_EQ(reading.pairs[1].hypothesis, "我 想 去 西安");
  EXPECT_EQ(reading.pairs[1].label, Label::kContradiction);
  EXPECT_EQ(reading.pairs[2].id, "4");
  EXPECT_EQ(reading.pairs[2].premise, "loc 西安");
  EXPECT_EQ(reading.pairs[2].hypothesis, "你好 \"啊\" sep 呀");
  EXPECT_EQ(reading.pairs[2].label, Label::kNeutral);
}

TEST_F(KvpiTest, LabelsMayBeWords) {
  const auto reading = read(line("a[sep]b", "entailed") + line("a[sep]c", "Contradicted") +
                            line("a[sep]d", "IRRELEVANT"));
  ASSERT_EQ(reading.pairs.size(), 3U);
  EXPECT_EQ(reading.pairs[0].label, Label::kEntailment);
  EXPECT_EQ(reading.pairs[1].label, Label::kContradiction);
  EXPECT_EQ(reading.pairs[2].label, Label::kNeutral);
}

TEST_F(KvpiTest, AHeaderNamesTheColumns) {
  for (const char* reply : {"response", "Reply"}) {
    const auto reading = read(
        "\xEF\xBB\xBF"
        "id\tLabel\tpost\t" +
        std::string(reply) +
        "\tdomain\tProfile\tattributes\r\n"
        "7\tirrelevant\t你 在 哪\t我 在 家\tloc\tloc: 西安\t-\r\n");
    EXPECT_EQ(reading.format, "kvpi");
    EXPECT_TRUE(reading.problems.empty());
    ASSERT_EQ(reading.pairs.size(), 1U);
    EXPECT_EQ(reading.pairs[0].premise, "loc: 西安");
    EXPECT_EQ(reading.pairs[0].hypothesis, "我 在 家");
    EXPECT_EQ(reading.pairs[0].label, Label::kNeutral);
  }
  const auto reading = read("label\ttext\tc\td\te\tf\tg\n1\ta[SEP]b\t\t\t\t\t\n");
  ASSERT_EQ(reading.pairs.size(), 1U);
  EXPECT_EQ(reading.pairs[0].premise, "a");
  EXPECT_EQ(reading.pairs[0].label, Label::kContradiction);
}

TEST_F(KvpiTest, OnlyTheFirstLineIsAHeader) {
  const std::string header = "text\tlabel\tdomain\ta\tb\tc\td\n";
  const auto reading = read(header + kGood + header);
  EXPECT_EQ(reading.pairs.size(), 1U);
  EXPECT_TRUE(tells(reading, "corpus:3: no [SEP] stands between profile and reply"));
}

TEST_F(KvpiTest, PairsThatStandTwiceOrDisagreeAreTold) {
  const auto reading = read(line("a[SEP]b", "0") + line("a[SEP]b", "1") + line("a[SEP]b", "0"));
  EXPECT_EQ(reading.pairs.size(), 3U);
  EXPECT_EQ(reading.lost, 0U);
  EXPECT_TRUE(tells(reading, "corpus:2: a pair has two labels"));
  EXPECT_TRUE(tells(reading, "corpus:3: a pair stands twice"));
}

TEST_F(KvpiTest, UnknownLabelsAreListedOnceAFileWithTheirCounts) {
  const auto reading = read(kGood + line("a[SEP]b", "3") + line("a[SEP]c", "3"));
  EXPECT_EQ(reading.pairs.size(), 1U);
  EXPECT_EQ(reading.lost, 2U);
  EXPECT_TRUE(tells(reading, "corpus: unknown labels were seen (\"3\" 2)"));
}

TEST_F(KvpiTest, AFaultLosesItsLineAloneAndIsNamed) {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"a[SEP]b\t0\t1\n", "a line has not seven columns"},
      {"x\t" + line("a[SEP]b", "0"), "a line has not seven columns"},
      {line("a[SEP]b", "3"), "a label is unknown (\"3\")"},
      {line("a[SEP]b", "0 "), "a label is unknown"},
      {line("a[SEP]b", "entailment"), "a label is unknown (\"entailment\")"},
      {line("a[SEP]b", "\x1B[31m"), "a label is unknown (\"\\x1B[31m\")"},
      {line("a separate b", "0"), "no [SEP] stands between profile and reply"},
      {line("a[SEP] ", "0"), "a sentence is blank (reply)"},
      {line("[SEP]b", "0"), "a sentence is blank (profile)"},
      {line("a[SEP]\xE8\xA5", "0"), "a text is not valid UTF-8"},
      {line(std::string("a[SEP]b\0", 8), "0"), "a text holds NUL"},
      {std::string("a[SEP]b\t0\t1\tloc\0\t2\tb\t2\n", 23), "a text holds NUL"},
      {line("a[SEP]" + std::string(500, 'b'), "0"), "a line is longer than"},
  };
  for (const auto& [faulty, rule] : bad) {
    const auto reading = read(kGood + faulty + line("x[SEP]y", "1"), {.max_line_bytes = 500});
    EXPECT_EQ(reading.pairs.size(), 2U) << rule;
    EXPECT_EQ(reading.lost, 1U) << rule;
    EXPECT_TRUE(tells(reading, "skip " + (folder_ / "corpus").string() + ":2: " + rule))
        << rule << " <- " << reading.problems.at(0);
  }
}

TEST(KvpiRecognitionTest, OnlySevenColumnsOfItsKindAreTakenForIt) {
  using data::recognises_kvpi;
  EXPECT_NE(recognises_kvpi(kGood), "");
  EXPECT_NE(recognises_kvpi(kGood.substr(0, kGood.size() - 1)), "");
  for (const std::string& head :
       {std::string(), std::string("a[SEP]b\t0\n"), line("a b", "0"), line("a[SEP]b", "maybe"),
        std::string("a[SEP]b\t0\t1\twords\tno tree\twords\t2 0\n"),
        std::string("label\ttext\tc\td\te\tf\tg\n1\ta b\t\t\t\t\t\n"),
        std::string("text\tc\td\te\tf\tg\th\n"),
        std::string("gold_label\tsentence1\tsentence2\ta\tb\tc\td\n"),
        std::string("1 your persona: a\n"), std::string("{\"id\": \"1\"}")})
    EXPECT_EQ(recognises_kvpi(head), "") << head;
}

}  // namespace
}  // namespace banter::tests
