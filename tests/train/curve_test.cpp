#include "train/curve.h"

#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace banter::train {
namespace {

TEST(CurveTest, DrawsAValueABar) {
  const std::vector<double> falling = {8, 7, 6, 5, 4, 3, 2, 1};
  EXPECT_EQ(curve(falling, 40, /*ascii=*/false), "█▇▆▅▄▃▂▁");
  EXPECT_EQ(curve(falling, 40, /*ascii=*/true), "#%*+=-:.");
}

TEST(CurveTest, DrawsMoreValuesAsTheMeansOfParts) {
  const std::vector<double> values = {4, 2, 3, 3, 0, 2, 1, 1, 9, 9};
  EXPECT_EQ(curve({values.data(), 8}, 4, true), "##..");
  EXPECT_EQ(curve(values, 1, true).size(), 1U);
}

TEST(CurveTest, ALevelLineIsLowAndAGapIsASpace) {
  const std::vector<double> level = {3, 3, 3};
  EXPECT_EQ(curve(level, 9, true), "...");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(curve(std::vector<double>{2, nan, 1}, 9, true), "# .");
  EXPECT_EQ(curve({}, 9, true), "");
}

TEST(CurveTest, TheFirstVariableThatIsSetDecides) {
  std::vector<std::pair<const char*, std::optional<std::string>>> before;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    before.emplace_back(name, value == nullptr ? std::nullopt : std::optional<std::string>(value));
    ::unsetenv(name);
  }
  EXPECT_FALSE(is_utf8_locale());
  ::setenv("LANG", "de_DE.UTF-8", 1);
  EXPECT_TRUE(is_utf8_locale());
  ::setenv("LC_CTYPE", "", 1);
  EXPECT_TRUE(is_utf8_locale()) << "an empty one is not set";
  ::setenv("LC_ALL", "C", 1);
  EXPECT_FALSE(is_utf8_locale());
  for (const auto& [name, value] : before)
    if (value) {
      ::setenv(name, value->c_str(), 1);
    } else {
      ::unsetenv(name);
    }
}

}  // namespace
}  // namespace banter::train
