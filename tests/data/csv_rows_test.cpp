#include "data/input/csv_rows.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace banter::tests {
namespace {

/// A row as text: "2: a|b", "3! <fault>", "3! <fault> (lines 3 to 5)"; a "?" behind the number
/// tells of a stray quote.
std::vector<std::string> rows(std::string_view bytes, std::size_t max_bytes = 1000,
                              std::size_t at_once = 1000) {
  data::InputStream stream({}, "", [&](char* buffer, std::size_t size) {
    const auto count = bytes.copy(buffer, std::min(size, at_once));
    bytes.remove_prefix(count);
    return count;
  });
  data::CsvRows rows(stream, max_bytes);
  std::vector<std::string> found;
  while (rows.next()) {
    std::string text = std::to_string(rows.place().line);
    if (rows.has_stray_quote()) text += '?';
    text += rows.fault().empty() ? ": " : "! " + std::string(rows.fault());
    if (const auto span = rows.fault_span(); !span.empty()) text += " (" + span + ")";
    for (std::size_t i = 0; i < rows.size(); ++i)
      text += (i == 0 ? "" : "|") + std::string(rows.field(i));
    found.push_back(text);
  }
  return found;
}

using Rows = std::vector<std::string>;

TEST(CsvRowsTest, FieldsStandBetweenCommasAndRowsEndWithEitherLineEnd) {
  EXPECT_EQ(rows("a,b\r\n,\nc,\"\"\r\n\"d\""), (Rows{"1: a|b", "2: |", "3: c|", "4: d"}));
  EXPECT_EQ(rows("a,b\r"), (Rows{"1: a|b"}));
  EXPECT_EQ(rows("a,\"b\"\r"), (Rows{"1: a|b"}));
}

TEST(CsvRowsTest, QuotesKeepCommasQuotesAndLineEnds) {
  EXPECT_EQ(rows("\"a,b\",\"say \"\"hi\"\"\"\n\"\"\"\",x\n"),
            (Rows{"1: a,b|say \"hi\"", "2: \"|x"}));
  EXPECT_EQ(rows("\"a\nb\",\"c\r\nd\"\r\ne\n"), (Rows{"1: a\nb|c\r\nd", "4: e"}));
}

TEST(CsvRowsTest, BlankLinesAreNoRowsAndAreCounted) {
  EXPECT_EQ(rows("\n\r\n \t\na\n\n\"\"\n"), (Rows{"4: a", "6: "}));
  EXPECT_EQ(rows(""), Rows{});
  EXPECT_EQ(rows("\n"), Rows{});
}

TEST(CsvRowsTest, AByteOrderMarkIsNoText) {
  EXPECT_EQ(rows("\xEF\xBB\xBF\"a\",b\n"), (Rows{"1: a|b"}));
}

TEST(CsvRowsTest, AQuoteInsideAnUnquotedFieldIsTextAndTold) {
  EXPECT_EQ(rows("a \"b\",c\nd\n"), (Rows{"1?: a \"b\"|c", "2: d"}));
  EXPECT_EQ(rows(" \"a,b\"\n"), (Rows{"1?:  \"a|b\""}));
}

TEST(CsvRowsTest, TextBehindAClosingQuoteIsAFaultWhereTheQuoteOpened) {
  const std::string fault = "text stands right after a closing quote";
  EXPECT_EQ(rows("a\n\"b\"c,d\ne\n"), (Rows{"1: a", "2! " + fault, "3: e"}));
  EXPECT_EQ(rows("\"b\" ,d\ne\n"), (Rows{"1! " + fault, "2: e"}));
  EXPECT_EQ(rows("\"b\"\rc\ne\n"), (Rows{"1! " + fault, "2: e"}));
  EXPECT_EQ(rows("\"b\"\r\r\ne\n"), (Rows{"1! " + fault, "2: e"}));
  EXPECT_EQ(rows("\"b\n,c\nx\"y,\"z\ne\n"), (Rows{"1! " + fault + " (lines 1 to 3)", "4: e"}));
  EXPECT_EQ(rows("\"b\nc\",\"d\ne\"f\ng\n"), (Rows{"2! " + fault + " (lines 2 to 3)", "4: g"}));
}

TEST(CsvRowsTest, AQuoteThatIsNeverClosedIsToldWhereItOpened) {
  const std::string fault = "a quote is never closed";
  EXPECT_EQ(rows("a\nb,\"c\nd\ne\n"), (Rows{"1: a", "2! " + fault + " (lines 2 to 4)"}));
  EXPECT_EQ(rows("b,\"c\nd\ne"), (Rows{"1! " + fault + " (lines 1 to 3)"}));
  EXPECT_EQ(rows("\""), (Rows{"1! " + fault}));
}

TEST(CsvRowsTest, ARowAboveTheLimitIsLostAndTheNextLineIsRead) {
  const std::string fault = "a row is longer than data.max_line_bytes";
  EXPECT_EQ(rows("12,45\n123456\n12345\n", 5), (Rows{"1: 12|45", "2! " + fault, "3: 12345"}));
  EXPECT_EQ(rows("\"2345,\"x\nab\n", 5), (Rows{"1! " + fault, "2: ab"}));
  EXPECT_EQ(rows("a,\"4\n\n7\nab\n", 5),
            (Rows{"1! " + fault + " (lines 1 to 2)", "3: 7", "4: ab"}));
  EXPECT_EQ(rows("a,\"4\n67\nab\n", 5), (Rows{"1! " + fault + " (lines 1 to 2)", "3: ab"}));
  EXPECT_EQ(rows("\"\n\",\"6\nab\n", 5), (Rows{"2! " + fault, "3: ab"}));
  EXPECT_EQ(rows("12,\"56\nab\n", 5), (Rows{"1! " + fault, "2: ab"}));
}

TEST(CsvRowsTest, WhereTheBytesAreCutMakesNoDifference) {
  const std::string bytes = "\xEF\xBB\xBF\"a\r\nb\",\"\"\"c\"\r\nd,\"e\"f\r\n\r\ng\"h,i\r\n\"j";
  const auto whole = rows(bytes);
  EXPECT_EQ(whole.size(), 4U);
  for (std::size_t at_once = 1; at_once <= bytes.size(); ++at_once)
    EXPECT_EQ(rows(bytes, 1000, at_once), whole) << at_once;
}

}  // namespace
}  // namespace banter::tests
