#include <filesystem>
#include <iostream>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "configs/command_line.h"
#include "data/store/store.h"
#include "models/device.h"
#include "train/commands.h"
#include "train/recipe.h"
#include "train/run_folder.h"
#include "train/trainer.h"

namespace banter::train {
namespace {

namespace json = base::json;

/// What a finished run says, for a person or a program.
void report(const Recipe& recipe, const TrainResult& result, bool as_json) {
  const auto& state = result.state;
  if (as_json) {
    json::object best;
    for (const auto& [metric, value] : state.best)
      best[metric] = {{"value", value.value}, {"step", value.step}};
    std::cout << json::serialize(json::object{{"run", recipe.run.string()},
                                              {"step", state.step},
                                              {"epoch", state.epoch()},
                                              {"labels", state.labels},
                                              {"why", result.why},
                                              {"best", std::move(best)}})
              << "\n";
    return;
  }
  std::cout << recipe.run.string() << ": step " << state.step
            << (result.went_on ? ", stopped by " : ", nothing to do: it had been stopped by ")
            << result.why;
  for (const auto& [metric, value] : state.best)
    std::cout << ", best " << metric << " " << value.value << " at step " << value.step;
  std::cout << "\n";
}

}  // namespace

int run_train(const std::vector<std::string>& arguments) {
  configs::CommandLine line(
      "banter train", "Trains a model on a store; goes on where the run folder stopped.",
      "banter train recipe.yaml\nbanter train recipe.yaml --set train.minutes=10 --device cpu");
  std::string file, device;
  std::int64_t threads = -1;
  bool restart = false, resume = false;
  line.app.add_option("config", file, "the recipe (YAML)")->required();
  line.app.add_option("--device", device, "cpu, cuda:N or auto, instead of the recipe's");
  line.app
      .add_option("--threads", threads, "threads of computing, 0 = all cores or OMP_NUM_THREADS")
      ->check(CLI::NonNegativeNumber);
  line.app.add_flag("--restart", restart, "move an existing run folder aside and begin anew");
  line.app.add_flag("--resume", resume, "go on with a run; an error when there is none");
  line.with_config();
  line.with_json();
  if (!line.parse(arguments)) return 0;

  if (resume && restart)
    throw base::UsageError("banter train: --resume and --restart exclude each other");

  auto overrides = line.common.overrides;
  if (!device.empty()) overrides.push_back("device=" + device);
  if (threads >= 0) overrides.push_back("threads=" + std::to_string(threads));
  const auto recipe = Recipe::load(file, overrides);
  if (line.common.dump_config) {
    std::cout << recipe.text;
    return 0;
  }

  models::set_threads(static_cast<int>(recipe.threads));
  const auto store = data::Store::open(recipe.store);
  store.verify();
  if (resume && !std::filesystem::exists(recipe.run / "config.yaml"))
    throw base::UsageError(recipe.run.string() + ": has no run to go on with; leave out --resume");
  if (restart && std::filesystem::exists(recipe.run))
    std::cerr << recipe.run.string() << ": moved to " << move_run_aside(recipe.run).string()
              << "\n";
  const RunFolder folder(recipe.run);
  if (folder.has_run()) folder.expect_same_config(recipe.text);
  Trainer trainer(folder, recipe, store, line.common.quiet);
  base::write_durably(folder.path() / "config.yaml", recipe.text);
  const auto result = trainer.run();
  if (result.signal != 0) {
    std::cerr << recipe.run.string() << ": saved at step " << result.state.step
              << "; the same command goes on\n";
    throw base::Stopped(result.signal);
  }
  report(recipe, result, line.common.json);
  return 0;
}

}  // namespace banter::train
