#include "serve/client/decode_argument.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"

namespace banter::tests {
namespace {

using namespace serve;

std::string refusal(std::string_view setting) {
  DecodeChange change;
  try {
    add_decode_argument(change, setting, {});
    return "taken";
  } catch (const base::UsageError& error) {
    EXPECT_TRUE(change.fields.empty());
    return error.what();
  }
}

TEST(DecodeArgumentTest, ReadsValuesOfEveryKind) {
  DecodeChange change;
  for (const auto* setting :
       {"strategy=sample", "temperature=0.7", "max_new_tokens=40", "prefix=5 = five", "stop=um",
        R"(block=["a", "b"])", "seed=default", "top_p=1"})
    add_decode_argument(change, setting, {});
  const DecodeChange wanted{{{"strategy", std::string("sample")},
                             {"temperature", 0.7},
                             {"max_new_tokens", std::int64_t{40}},
                             {"prefix", std::string("5 = five")},
                             {"stop", std::vector<std::string>{"um"}},
                             {"block", std::vector<std::string>{"a", "b"}},
                             {"seed", std::nullopt},
                             {"top_p", 1.0}}};
  EXPECT_EQ(change, wanted);
}

TEST(DecodeArgumentTest, SaysWhatIsWrong) {
  EXPECT_EQ(refusal("strategy"), "a setting needs NAME=VALUE, as in strategy=sample");
  EXPECT_EQ(refusal("=1"), "a setting needs NAME=VALUE, as in strategy=sample");
  EXPECT_EQ(refusal("temprature=1"),
            "temprature is no field of decode; the nearest one is temperature");
  EXPECT_EQ(refusal("max_new_tokens=many"), "max_new_tokens must be a whole number from 1 to 512");
  EXPECT_EQ(refusal("max_new_tokens=513"), "max_new_tokens must be a whole number from 1 to 512");
  EXPECT_EQ(refusal("strategy=best"), "strategy must be one of greedy, beam, diverse_beam, sample");
}

}  // namespace
}  // namespace banter::tests
