#include "train/experiment/grid.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/configs/error_text.h"

namespace banter::train {
namespace {

std::vector<Row> rows_of(const std::string& yaml) {
  const auto config = configs::Config::parse(yaml, "e.yaml");
  auto root = config.root();
  return read_rows(root);
}

std::vector<std::string> names_of(const std::string& yaml) {
  std::vector<std::string> names;
  for (const auto& row : rows_of(yaml)) names.push_back(row.name);
  return names;
}

std::string error_in(const std::string& yaml) {
  return configs::error_of([&] { rows_of(yaml); });
}

TEST(GridTest, NamedRowsStandAsTheyAre) {
  const auto rows = rows_of(
      "rows:\n  hred: {model.type: hred, model.attention: none}\n  plain: {model: {type: "
      "seq2seq}}\n");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].name, "hred");
  ASSERT_EQ(rows[0].changes.size(), 2U);
  EXPECT_EQ(rows[0].changes[1].first, "model.attention");
  EXPECT_EQ(rows[0].changes[1].second.yaml(), "none");
  EXPECT_EQ(rows[0].changes[1].second.where(), "e.yaml:2");
  EXPECT_EQ(rows[1].changes[0].second.yaml(), "{type: seq2seq}");
}

TEST(GridTest, AxesMakeAProduct) {
  EXPECT_EQ(names_of("axes:\n  model.attention: [none, both]\n  model.hidden_dim: [64, 128]\n"),
            (std::vector<std::string>{"none-hidden_dim-64", "none-hidden_dim-128",
                                      "both-hidden_dim-64", "both-hidden_dim-128"}));
}

TEST(GridTest, RowsAreCombinedWithNamedValuesOfAxes) {
  const auto rows = rows_of(
      "rows: {a: {model.type: hred}, b: {model.type: wseq}}\n"
      "axes: {size: {small: {model.hidden_dim: 8, model.embed_dim: 4}}}\n");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].name, "b-small");
  ASSERT_EQ(rows[1].changes.size(), 3U);
  EXPECT_EQ(rows[1].changes[2].first, "model.embed_dim");
}

TEST(GridTest, ABaselineIsARowOrAValueOfAnAxis) {
  const auto rows = rows_of(
      "rows: {full: {a: 1}, none: {a: 0}}\n"
      "axes: {train.fraction: [1, 0.125], size: {small: {b: 8}, large: {b: 9}}}\n");
  ASSERT_EQ(rows.size(), 8U);
  const auto against = [&](const std::string& name, const std::string& baseline) {
    const auto row = std::ranges::find(rows, name, &Row::name);
    return baseline_of(*row, rows, baseline).value_or("");
  };
  EXPECT_EQ(against("none-fraction-0.125-large", "full"), "full-fraction-0.125-large");
  EXPECT_EQ(against("full-fraction-0.125-large", "full"), "");
  EXPECT_EQ(against("none-fraction-0.125-large", "fraction-1"), "none-fraction-1-large");
  EXPECT_EQ(against("none-fraction-0.125-large", "small"), "none-fraction-0.125-small");
  EXPECT_EQ(against("none-fraction-1-small", "full-fraction-1-large"), "full-fraction-1-large");
  EXPECT_EQ(against("full-fraction-1-large", "full-fraction-1-large"), "") << "itself";
  EXPECT_EQ(against("full-fraction-1-large", ""), "");
  EXPECT_EQ(coordinate_names(rows), (std::vector<std::string>{"full", "fraction-1", "small",
                                                              "large", "fraction-0.125", "none"}));
  EXPECT_TRUE(coordinate_names(rows_of("rows: {a: {b: 1}}\n")).empty()) << "rows alone";
}

TEST(GridTest, AxesOfNumbersAreThoseThatCanBeDrawn) {
  using Axes = std::vector<std::pair<std::string, std::vector<double>>>;
  EXPECT_EQ(numeric_axes(rows_of("rows: {a: {b: 1}}\naxes:\n  train.fraction: [1, 0.5, 0.125]\n"
                                 "  model.combine: [sum, concat]\n  one: [3]\n"
                                 "  mixed: [3, none]\n  named: {x: {b: 1}, y: {b: 2}}\n")),
            (Axes{{"train.fraction", {0.125, 0.5, 1}}}));
}

TEST(GridTest, MistakesAreToldWithTheirPlace) {
  EXPECT_EQ(error_in("a: 1\n"), "e.yaml: rows: name what is compared: give `rows` or `axes`");
  EXPECT_NE(error_in("rows:\n  ok: {a: 1}\n  a/b: {a: 1}\n").find("e.yaml:3: rows.a/b: \"a/b\" "),
            std::string::npos);
  EXPECT_NE(error_in("rows:\n  ..: {a: 1}\n").find("cannot be part"), std::string::npos);
  EXPECT_NE(error_in("axes:\n  model.type: []\n").find("e.yaml:2: axes.model.type: has no values"),
            std::string::npos);
  EXPECT_NE(
      error_in("axes:\n  a.x: [1]\n  b.x: 3\n").find("e.yaml:3: axes.b.x: expected a mapping"),
      std::string::npos);
  EXPECT_NE(error_in("rows: {x-y: {a: 1}, x: {a: 2}}\n"
                     "axes: {s: {z: {b: 1}, y-z: {b: 2}}}\n")
                .find("two rows have the name x-y-z"),
            std::string::npos);
  EXPECT_NE(error_in("axes:\n  train.seed: [1, 2]\n").find("is set by the experiment itself"),
            std::string::npos);
  EXPECT_NE(error_in("rows:\n  a:\n    train:\n      steps: 3\n      seed: 5\n")
                .find("e.yaml:5: rows.a.train.seed: is set by the experiment itself"),
            std::string::npos)
      << error_in("rows:\n  a:\n    train:\n      steps: 3\n      seed: 5\n");
}

}  // namespace
}  // namespace banter::train
