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

TEST_F(RunLogTest, ALogThatWasCutBackAndHasGrownBeyondIsReadAnew) {
  const auto line = [](int step, int seconds) {
    return R"({"event":"step","step":)" + std::to_string(step) + R"(,"nll":1,"seconds":)" +
           std::to_string(seconds) + "}\n";
  };
  write(line(1, 1) + line(2, 2) + line(3, 3));
  log_.read_on();
  write(line(4, 4));
  log_.read_on();
  EXPECT_EQ(log_.rewrites(), 0U) << "it has only grown";
  // Back to the first step; the new lines end where the old ones did, and more are behind them.
  write(line(1, 1) + line(2, 5) + line(3, 6) + line(4, 7) + line(5, 8), /*anew=*/true);
  log_.read_on();
  EXPECT_EQ(log_.rewrites(), 1U);
  const auto nll = log_.curve("step.nll", -1, 10);
  ASSERT_EQ(nll.size(), 5U) << "no step twice";
  EXPECT_EQ(nll[1].minutes, 5.0 / 60);
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

TEST_F(RunLogTest, TellsRateAndTimeLeft) {
  write(R"({"event":"start","step":40,"share":0.2})"
        "\n");
  log_.read_on();
  EXPECT_FALSE(log_.progress());
  write(R"({"event":"step","step":60,"nll":1,"share":0.3,"seconds":60,"labels_per_second":500})"
        "\n");
  log_.read_on();
  const auto progress = log_.progress();
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->minutes, 1);
  EXPECT_EQ(progress->labels_per_second, 500);
  ASSERT_TRUE(progress->seconds_left);
  EXPECT_NEAR(*progress->seconds_left, 420, 1e-6) << "7 tenths, where one takes a minute";
  EXPECT_EQ(log_.names(), (std::vector<std::string>{"step.labels_per_second", "step.nll"}));
  write(R"({"event":"stop","step":60,"why":"patience"})"
        "\n");
  log_.read_on();
  EXPECT_FALSE(log_.progress()->seconds_left) << "it has ended";
}

TEST_F(RunLogTest, GivesBackSamplesTheNewestFirst) {
  const auto line = [](int step) {
    return R"({"event":"samples","step":)" + std::to_string(step) +
           R"(,"samples":[{"reply":"caf\u00e9"}]})";
  };
  write(line(10) + "\n" + line(20) + "\n" + line(30) + "\n" + line(40));  // one is being written
  log_.read_on();
  constexpr std::int64_t kEnd = 1000;
  EXPECT_EQ(log_.samples(-1, kEnd, 9), (std::vector<std::string>{line(30), line(20), line(10)}));
  EXPECT_EQ(log_.samples(-1, kEnd, 2), (std::vector<std::string>{line(30), line(20)}));
  EXPECT_EQ(log_.samples(10, 30, 9), std::vector<std::string>{line(20)});
  EXPECT_TRUE(log_.names().empty());
  write(line(5) + "\n", /*anew=*/true);
  EXPECT_TRUE(log_.samples(-1, kEnd, 9).empty()) << "what it had read is gone";
  log_.read_on();
  EXPECT_EQ(log_.samples(-1, kEnd, 9), std::vector<std::string>{line(5)});
}

}  // namespace
}  // namespace banter::serve
