#include "train/log_table.h"

#include <string>

#include <gtest/gtest.h>

#include "base/errors.h"

namespace banter::train {
namespace {

constexpr auto kLog =
    "{\"event\":\"start\",\"step\":0,\"version\":\"1\"}\n"
    "{\"event\":\"step\",\"step\":2,\"nll\":5.5,\"lr\":0.001}\n"
    "{\"event\":\"validation\",\"step\":2,\"ppl\":7E0,\"best\":true}\n"
    "{\"event\":\"warning\",\"step\":3,\"text\":\"a, \\\"b\\\"\\nc\",\"of\":[1,2]}\n"
    "{\"event\":\"step\",\"step\":4,\"nll\":4,\"kl\":0.25}\n"
    "{\"event\":\"st";

TEST(LogTableTest, HasAColumnForEachKeyAndALineForEachEvent) {
  EXPECT_EQ(log_as_csv(kLog, "log", {"step", "validation"}),
            "event,step,nll,lr,ppl,best,kl\n"
            "step,2,5.5E0,1E-3,,,\n"
            "validation,2,,,7E0,true,\n"
            "step,4,4,,,,2.5E-1\n");
}

TEST(LogTableTest, QuotesWhatWouldBeReadOtherwise) {
  EXPECT_EQ(log_as_csv(kLog, "log", {"warning"}),
            "event,step,text,of\nwarning,3,\"a, \"\"b\"\"\nc\",\"[1,2]\"\n");
  EXPECT_EQ(log_as_csv(kLog, "log", {}), "event,step\n");
}

TEST(LogTableTest, SaysWhichLineIsNone) {
  try {
    log_as_csv("{\"event\":\"stop\",\"step\":1}\n[]\n", "log", {"stop"});
    FAIL();
  } catch (const base::DataError& error) {
    EXPECT_EQ(std::string(error.what()).substr(0, 6), "log:2:");
  }
}

}  // namespace
}  // namespace banter::train
