#include <cstdint>
#include <filesystem>
#include <iostream>
#include <optional>

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
#include "train/training_page.h"
#include "train/verify_resume.h"

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

void print(const ResumeProof& proof, const ResumeTrial& trial, bool as_json) {
  if (as_json) {
    std::cout << json::serialize(json::object{{"steps", trial.steps},
                                              {"killed_at", json::value_from(proof.killed_at)},
                                              {"files", proof.files},
                                              {"bytes", proof.bytes},
                                              {"differences", json::value_from(proof.differences)}})
              << "\n";
    return;
  }
  std::cout << "killed behind steps";
  for (const auto step : proof.killed_at) std::cout << " " << step;
  std::cout << " of " << trial.steps << "; " << proof.files << " files, " << proof.bytes
            << " bytes compared with those of an unbroken run";
  if (proof.differences.empty()) std::cout << ": all the same";
  std::cout << "\n";
  for (const auto& difference : proof.differences) std::cout << "  " << difference << "\n";
}

/// Whether this machine, this program and this recipe resume to the byte.
int prove_resumption(const Recipe& recipe, const ResumeTrial& trial, bool as_json) {
  auto folder = recipe.run;
  folder += ".verify-resume";
  const auto proof = verify_resume(recipe, folder, trial);
  print(proof, trial, as_json);
  if (proof.differences.empty() && !proof.killed_at.empty()) return 0;
  throw base::Error(proof.killed_at.empty()
                        ? "nothing is proved: the training ended before it could be killed; ask "
                          "for more --verify-steps"
                        : "a run that is killed does not end with the bytes of an unbroken one; "
                          "both are in " +
                              folder.string());
}

}  // namespace

int run_train(const std::vector<std::string>& arguments) {
  configs::CommandLine line(
      "banter train", "Trains a model on a store; goes on where the run folder stopped.",
      "banter train recipe.yaml\nbanter train recipe.yaml --set train.minutes=10 --device cpu\n"
      "banter train recipe.yaml --page 8080\nbanter train recipe.yaml --verify-resume");
  std::string file, device;
  std::int64_t threads = -1;
  std::optional<std::uint16_t> page;
  bool restart = false, resume = false, verifies_resume = false;
  ResumeTrial trial;
  line.app.add_option("config", file, "the recipe (YAML)")->required();
  line.app.add_option("--device", device, "cpu, cuda:N or auto, instead of the recipe's");
  line.app
      .add_option("--threads", threads, "threads of computing, 0 = all cores or OMP_NUM_THREADS")
      ->check(CLI::NonNegativeNumber);
  line.app.add_flag("--restart", restart, "move an existing run folder aside and begin anew");
  line.app.add_flag("--resume", resume, "go on with a run; an error when there is none");
  line.app.add_option("--page", page,
                      "show the run on a page at this port of 127.0.0.1 while it trains, and talk "
                      "to its best checkpoint there");
  auto* const verify =
      line.app
          .add_flag("--verify-resume", verifies_resume,
                    "instead of training: prove that a run by this recipe that is killed at random "
                    "moments ends with the bytes of an unbroken one")
          ->excludes("--page");
  line.app.add_option("--verify-steps", trial.steps, "of --verify-resume: steps of each run")
      ->check(CLI::Range(2, 1'000'000))
      ->capture_default_str()
      ->needs(verify);
  line.app.add_option("--verify-kills", trial.kills, "of --verify-resume: how often it is killed")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str()
      ->needs(verify);
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

  trial.quiet = line.common.quiet;
  if (verifies_resume) return prove_resumption(recipe, trial, line.common.json);

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
  std::optional<TrainingPage> shown;
  if (page) {
    shown.emplace(folder.path(), *page);
    std::cerr << "page: " << shown->said() << "\n";
  }
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
