#include <filesystem>
#include <iostream>

#include "base/errors.h"
#include "base/json.h"
#include "configs/command_line.h"
#include "train/average.h"
#include "train/commands.h"

namespace banter::train {

int run_average(const std::vector<std::string>& arguments) {
  configs::CommandLine line("banter average",
                            "Writes the mean of a run's checkpoints, loaded as RUN@average.",
                            "banter average runs/ubuntu --last 5\n"
                            "banter average runs/ubuntu --best 3 ppl --to runs/ubuntu-mean");
  std::filesystem::path run, out;
  std::int64_t last = 0;
  std::vector<std::string> best;
  line.app.add_option("run", run, "run folder")->required();
  line.app
      .add_option("--last", last,
                  "the newest so many checkpoints; without --last and --best all that the "
                  "run has kept, at most 5")
      ->check(CLI::PositiveNumber)
      ->type_name("K");
  line.app.add_option("--best", best, "so many checkpoints, the best by a metric of validations")
      ->expected(2)
      ->type_name("K METRIC");
  line.app.add_option("--to", out, "run folder to write, instead of RUN/average");
  line.with_json();
  if (!line.parse(arguments)) return 0;

  if (last > 0 && !best.empty())
    throw base::UsageError("banter average: --last and --best exclude each other");
  AverageChoice choice{.count = last, .metric = {}};
  if (!best.empty()) {
    if (!CLI::detail::lexical_cast(best[0], choice.count) || choice.count < 1)
      throw base::UsageError("banter average: --best: \"" + best[0] +
                             "\" is no number of checkpoints; see `banter average --help`");
    choice.metric = best[1];
  }
  const auto name = out.empty() ? run.string() + "@average" : out.string();
  if (out.empty()) out = run / "average";
  const auto steps = write_average(run, choice, out);
  if (line.common.json) {
    std::cout << base::json::serialize(base::json::object{
                     {"average", name}, {"steps", base::json::array(steps.begin(), steps.end())}})
              << "\n";
    return 0;
  }
  std::cout << name << ": the mean of";
  for (const auto step : steps) std::cout << " step-" << step;
  std::cout << "\n";
  return 0;
}

}  // namespace banter::train
