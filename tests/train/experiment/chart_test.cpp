#include "train/experiment/chart.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <expat.h>
#include <gtest/gtest.h>

#include "train/experiment/document.h"

namespace banter::train {
namespace {

/// Elements of one name in an XML text; -1 when it is not well-formed.
int count_elements(const std::string& xml, const std::string& name) {
  struct Count {
    std::string name;
    int number = 0;
  } count{name};
  auto* parser = XML_ParserCreate("UTF-8");
  XML_SetUserData(parser, &count);
  XML_SetStartElementHandler(parser, [](void* data, const XML_Char* element, const XML_Char**) {
    auto& wanted = *static_cast<Count*>(data);
    wanted.number += wanted.name == element ? 1 : 0;
  });
  const auto status = XML_Parse(parser, xml.data(), static_cast<int>(xml.size()), 1);
  XML_ParserFree(parser);
  return status == XML_STATUS_OK ? count.number : -1;
}

std::vector<ChartSeries> some_series(std::size_t count) {
  std::vector<ChartSeries> series;
  for (std::size_t i = 0; i < count; ++i) {
    const auto y = 100.0 + static_cast<double>(i);
    series.push_back(
        {.name = "row <" + std::to_string(i) + "> & more",
         .points = {{.x = 100, .y = y, .interval = Interval{.low = y - 5, .high = y + 5}},
                    {.x = 200, .y = y - 20, .interval = {}}}});
  }
  return series;
}

TEST(TicksTest, AreRoundAndHoldTheRange) {
  EXPECT_EQ(round_ticks(0, 100), (std::vector<double>{0, 20, 40, 60, 80, 100}));
  EXPECT_EQ(round_ticks(103, 129), (std::vector<double>{100, 105, 110, 115, 120, 125, 130}));
  const auto small = round_ticks(-0.013, 0.021);
  EXPECT_LE(small.front(), -0.013);
  EXPECT_GE(small.back(), 0.021);
  EXPECT_GT(round_ticks(5, 5).back(), 5) << "a range of nothing still has two ticks";
  EXPECT_LT(round_ticks(0.4505, std::nextafter(0.4505, 1)).size(), 10U) << "nor is rounding one";
}

TEST(ChartTest, LinesAreWellFormedWithALegendAndWhiskers) {
  const auto svg =
      line_chart({.title = "a < b", .x_axis = "updates", .y_axis = "ppl"}, some_series(9));
  EXPECT_EQ(count_elements(svg, "polyline"), 9);
  EXPECT_GT(count_elements(svg, "text"), 9 + 6);
  EXPECT_NE(svg.find("row &lt;8&gt; &amp; more"), std::string::npos);
  EXPECT_EQ(svg,
            line_chart({.title = "a < b", .x_axis = "updates", .y_axis = "ppl"}, some_series(9)));
}

TEST(ChartTest, GivenPlacesHaveTheTicksAndEqualFactorsEqualDistances) {
  const std::vector<ChartSeries> series = {{.name = "a",
                                            .points = {{.x = 0.125, .y = 3, .interval = {}},
                                                       {.x = 0.25, .y = 2, .interval = {}},
                                                       {.x = 1, .y = 1, .interval = {}}}}};
  const ChartText text{.title = "t", .x_axis = "fraction", .y_axis = "ppl"};
  const std::vector<double> values = {0.125, 0.25, 1};
  const auto xs = [](const std::string& svg) {  // of the line's three points
    std::vector<double> all;
    auto rest = svg.substr(svg.find("<polyline points=\"") + 18);
    for (int i = 0; i < 3; ++i, rest = rest.substr(rest.find(' ') + 1))
      all.push_back(std::stod(rest));
    return all;
  };
  const auto svg = line_chart(text, series, {.values = values, .is_log = true});
  for (const auto* tick : {">0.125</text>", ">0.25</text>", ">1</text>"})
    EXPECT_NE(svg.find(tick), std::string::npos) << tick;
  EXPECT_EQ(svg.find(">0.5</text>"), std::string::npos) << "no other tick";
  const auto by_factor = xs(svg);
  EXPECT_NEAR(by_factor[2] - by_factor[1], 2 * (by_factor[1] - by_factor[0]), 0.03);
  const auto plain = xs(line_chart(text, series, {.values = values}));
  EXPECT_NEAR(plain[2] - plain[1], 6 * (plain[1] - plain[0]), 0.1);
  EXPECT_EQ(plain.front(), by_factor.front());
  EXPECT_EQ(plain.back(), by_factor.back());
}

TEST(ChartTest, BarsBeginAtZeroWhereThatHidesNothing) {
  std::vector<ChartSeries> far = {{.name = "a", .points = {{.x = 0, .y = 10, .interval = {}}}},
                                  {.name = "b", .points = {{.x = 0, .y = 90, .interval = {}}}}};
  const auto from_zero = bar_chart({.title = "t", .x_axis = "", .y_axis = ""}, far);
  EXPECT_EQ(count_elements(from_zero, "rect"), 3) << "two bars on a white ground";
  EXPECT_NE(from_zero.find(">0</text>"), std::string::npos);
  far[0].points[0].y = 89;
  const auto near = bar_chart({.title = "t", .x_axis = "", .y_axis = ""}, far);
  EXPECT_EQ(near.find(">0</text>"), std::string::npos);
}

TEST(ChartTest, WhatIsNoNumberIsLeftOut) {
  auto series = some_series(2);
  series[0].points[0].y = std::nan("");
  series[1].points[0].interval->high = std::numeric_limits<double>::infinity();
  const auto svg = line_chart({.title = "t", .x_axis = "x", .y_axis = "y"}, series);
  EXPECT_EQ(count_elements(svg, "polyline"), 2);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
  std::vector<ChartSeries> bar = {
      {.name = "a",
       .points = {
           {.x = 0,
            .y = 1,
            .interval = Interval{.low = 0.5, .high = std::numeric_limits<double>::infinity()}}}}};
  const auto bars = bar_chart({.title = "t", .x_axis = "", .y_axis = ""}, bar);
  EXPECT_EQ(bars.find("inf"), std::string::npos);
  const auto empty = line_chart({.title = "t", .x_axis = "x", .y_axis = "y"}, {});
  EXPECT_EQ(count_elements(empty, "polyline"), 0);
}

TEST(DocumentTest, SaysTheSameAsTextAndAsPage) {
  Document document{.title = "A & B", .blocks = {}};
  document.heading(2, "Means");
  document.paragraph("of `a<b>` here");
  document.blocks.emplace_back(DocumentTable{.head = {"row", "ppl"}, .rows = {{"a|b", "1 ± 2"}}});
  document.blocks.emplace_back(Code{"banter train 'x y'"});
  document.blocks.emplace_back(
      Figure{.file = "figures/f.svg", .svg = "<svg></svg>", .caption = "it"});
  EXPECT_EQ(to_markdown(document),
            "# A & B\n\n## Means\n\nof `a<b>` here\n\n| row | ppl |\n|---|---:|\n"
            "| a\\|b | 1 ± 2 |\n\n```text\nbanter train 'x y'\n```\n\n![it](figures/f.svg)\n");
  const auto page = to_html(document);
  EXPECT_NE(page.find("<h1>A &amp; B</h1>"), std::string::npos);
  EXPECT_NE(page.find("of <code>a&lt;b&gt;</code> here"), std::string::npos);
  EXPECT_NE(page.find("<td>a|b</td><td>1 ± 2</td>"), std::string::npos);
  EXPECT_NE(page.find("<figure><svg></svg>"), std::string::npos);
}

TEST(DocumentTest, TextsOfACorpusAreShownAsTheyAre) {
  Document document{.title = "t", .blocks = {}};
  document.blocks.emplace_back(DocumentTable{.head = {"turn", "text"},
                                             .rows = {{"turn 1", "run `ls` <b>*now*</b> a_b|c"}},
                                             .is_text = true});
  document.blocks.emplace_back(Code{"a ```` b"});
  EXPECT_EQ(to_markdown(document),
            "# t\n\n| turn | text |\n|---|---|\n"
            "| turn 1 | run \\`ls\\` \\<b\\>\\*now\\*\\</b\\> a\\_b\\|c |\n\n"
            "`````text\na ```` b\n`````\n");
  EXPECT_NE(to_html(document).find("<td>run `ls` &lt;b&gt;*now*&lt;/b&gt; a_b|c</td>"),
            std::string::npos);
}

}  // namespace
}  // namespace banter::train
