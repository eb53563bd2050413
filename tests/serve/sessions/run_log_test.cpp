#include "serve/routes/run_log.h"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace banter::serve {
namespace {

class RunLogTest : public testing::Test {
 protected:
  void write(const std::string& text, bool anew = false) {
    std::ofstream(file_, anew ? std::ios::trunc : std::ios::app) << text;
  }

  tests::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_ / "log.jsonl";
  RunLog log_{file_};
};

TEST_F(RunLogTest, ARunWithoutALogHasNoCurves) {
  EXPECT_EQ(log_.read_on(), 0U);
  EXPECT_TRUE(log_.names().empty());
}

TEST_F(RunLogTest, ReadsOnWhereItWasAndLeavesALineThatIsBeingWritten) {
  write(R"({"event":"step","step":10,"nll":8,"seconds":60})"
        "\n");
  log_.read_on();
  write(R"({"event":"validation","step":10,"ppl":500,"seconds":1})"
        "\n"
        R"({"event":"step","st)");
  log_.read_on();
  EXPECT_EQ(log_.names(), (std::vector<std::string>{"step.nll", "validation.ppl"}));
  const auto ppl = log_.curve("validation.ppl", -1, 10);
  ASSERT_EQ(ppl.size(), 1U);
  EXPECT_EQ(ppl[0].minutes, 1) << "of the last step";
  EXPECT_EQ(log_.state(), "at step 10");
  write(R"(ep":20,"nll":7,"seconds":120})"
        "\n"
        R"({"event":"stop","step":20,"why":"minutes"})"
        "\n");
  log_.read_on();
  EXPECT_EQ(log_.curve("step.nll", 10, 10).size(), 1U);
  EXPECT_EQ(log_.state(), "ended at step 20 (minutes)");
}

TEST_F(RunLogTest, ALogThatWasCutBackIsReadAnew) {
  for (int step = 1; step <= 3; ++step)
    write(R"({"event":"step","step":)" + std::to_string(step) + R"(,"nll":1,"seconds":1})" + "\n");
  log_.read_on();
  write(R"({"event":"step","step":1,"nll":2,"seconds":1})"
        "\n",
        /*anew=*/true);
  log_.read_on();
  const auto nll = log_.curve("step.nll", -1, 10);
  ASSERT_EQ(nll.size(), 1U);
  EXPECT_EQ(nll[0].value, 2);
}

TEST_F(RunLogTest, ThinsALongCurveAndKeepsItsEnd) {
  std::string lines;
  for (int step = 1; step <= 1001; ++step)
    lines +=
        R"({"event":"step","step":)" + std::to_string(step) + R"(,"nll":1,"seconds":1})" + "\n";
  write(lines + "no JSON\n[]\n");
  log_.read_on();
  const auto nll = log_.curve("step.nll", -1, 100);
  EXPECT_LE(nll.size(), 100U);
  EXPECT_GT(nll.size(), 80U);
  EXPECT_EQ(nll.back().step, 1001);
}

}  // namespace
}  // namespace banter::serve
