#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <optional>
#include <thread>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/signals.h"
#include "base/without_backtrace.h"
#include "configs/command_line.h"
#include "data/store/store.h"
#include "models/device.h"
#include "train/batch_size.h"
#include "train/commands.h"
#include "train/learner.h"
#include "train/ranks/agreement.h"
#include "train/ranks/follower.h"
#include "train/ranks/ranks.h"
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
                                              {"resumed", proof.resumed},
                                              {"validations", proof.validations},
                                              {"files", proof.files},
                                              {"bytes", proof.bytes},
                                              {"differences", json::value_from(proof.differences)}})
              << "\n";
    return;
  }
  std::cout << "killed behind steps";
  for (const auto step : proof.killed_at) std::cout << " " << step;
  std::cout << " of " << trial.steps << ", with " << proof.validations << " validations; "
            << proof.files << " files, " << proof.bytes
            << " bytes compared with those of an unbroken run";
  if (proof.differences.empty()) std::cout << ": all the same";
  std::cout << "\n";
  for (const auto& difference : proof.differences) std::cout << "  " << difference << "\n";
}

/// Trainings that are compared have one batch size, however it is found.
Recipe sized(const Recipe& recipe) {
  if (recipe.batch.tokens_per_batch != data::BatchOptions::kAuto) return recipe;
  models::set_threads(static_cast<int>(recipe.threads));
  const auto store = data::Store::open(recipe.store);
  return with_batch_size(recipe, store, models::open_device(recipe.device), "", alone()).recipe;
}

/// Whether this machine, this program and this recipe resume to the byte.
int prove_resumption(const Recipe& given, const ResumeTrial& trial, bool as_json) {
  const auto recipe = sized(given);
  auto folder = recipe.run.has_filename() ? recipe.run : recipe.run.parent_path();
  folder += ".verify-resume";
  const auto proof = verify_resume(recipe, folder, trial);
  print(proof, trial, as_json);
  if (proof.differences.empty() && proof.resumed > 0) return 0;
  throw base::Error(proof.differences.empty()
                        ? "nothing is proved: it was never killed behind a checkpoint; ask for "
                          "more --verify-steps or --verify-kills"
                        : "a run that is killed does not end with the bytes of an unbroken one; "
                          "both are in " +
                              folder.string());
}

/// What `banter train` was asked beside the recipe.
struct Asked {
  bool resume = false, restart = false, quiet = false, as_json = false;
  std::optional<std::uint16_t> page;
};

/// Threads of computing of a process that shares its machine with others.
int threads_of(const Recipe& recipe, const Ranks& ranks) {
  if (recipe.threads > 0 || ranks.size() == 1 || std::getenv("OMP_NUM_THREADS") != nullptr)
    return static_cast<int>(recipe.threads);
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / ranks.local_size());
}

/// Where `cuda` or `auto` is a GPU and several processes share a machine, each has its own.
Recipe with_own_device(const Recipe& recipe, const Ranks& ranks) {
  auto own = recipe;
  const bool is_open = recipe.device == "cuda" || recipe.device == "auto";
  if (ranks.size() > 1 && is_open && models::open_device(recipe.device).is_cuda())
    own.device = "cuda:" + std::to_string(ranks.local_rank());
  return own;
}

/// Names the stores beside the recipe's own, "" = there are none.
std::string hash_beside(const Recipe& recipe) {
  std::string all;
  for (const auto& mixed : recipe.mix) all += data::Store::open(mixed.store).hash() + " ";
  if (recipe.train.pairs_per_dialogue_batch > 0 && !recipe.pairs.store.empty())
    all += data::Store::open(recipe.pairs.store).hash();
  return all.empty() ? "" : base::sha256_hex(all);
}

/// Opens what a process needs, and sees that all of them are about to do the same.
/// Returns  nothing at processes other than the first when they are not
/// Throws   UsageError at the first one then
std::optional<data::Store> begin_together(const Recipe& recipe, Ranks& ranks) {
  if (ranks.size() == 1) {
    auto store = data::Store::open(recipe.store);
    store.verify();
    return store;
  }
  std::optional<data::Store> store;
  Intent intent;
  intent.config = recipe.text;
  intent.cpu = at::get_cpu_capability();
  intent.threads = at::get_num_threads();
  try {
    intent.program = program_hash();
    intent.torch = base::sha256_hex(at::show_config());
    intent.device = torch::DeviceTypeName(models::open_device(recipe.device).type());
    store = data::Store::open(recipe.store);
    store->verify();
    intent.store = store->hash();
    intent.beside = hash_beside(recipe);
  } catch (const std::exception& error) {
    intent.problem = base::without_backtrace(error.what());
  }
  const auto fault = disagreement(ranks, intent);
  if (fault.empty()) return store;
  base::throw_if_stopped();
  if (ranks.rank() == 0) throw base::UsageError(fault);
  return std::nullopt;
}

/// Process 0, or the only one.
int train_first(const Recipe& given, const data::Store& store, const Asked& asked, Ranks& ranks) {
  if (asked.resume && !std::filesystem::exists(given.run / "config.yaml"))
    throw base::UsageError(given.run.string() + ": has no run to go on with; leave out --resume");
  if (asked.restart && std::filesystem::exists(given.run))
    std::cerr << given.run.string() << ": moved to " << move_run_aside(given.run).string() << "\n";
  const RunFolder folder(given.run);
  const auto [recipe, size] = with_batch_size(
      given, store, models::open_device(given.device),
      folder.has_run() ? base::read_file(folder.path() / "config.yaml", 1 << 20) : "", ranks);
  if (folder.has_run()) folder.expect_same_config(recipe.text);
  Trainer trainer(folder, recipe, store, asked.quiet, ranks);
  trainer.batch_size = size;
  base::write_durably(folder.path() / "config.yaml", recipe.text);
  std::optional<TrainingPage> shown;
  if (asked.page) {
    shown.emplace(folder.path(), *asked.page);
    std::cerr << "page: " << shown->said() << "\n";
  }
  const auto result = trainer.run();
  if (result.signal != 0) {
    std::cerr << recipe.run.string() << ": saved at step " << result.state.step
              << "; the same command goes on\n";
    if (ranks.size() > 1) return 128 + result.signal;  // the others end by themselves, too
    throw base::Stopped(result.signal);
  }
  report(recipe, result, asked.as_json);
  return 0;
}

/// Those that learn for process 0.
int train_other(const Recipe& given, const data::Store& store, Ranks& ranks) {
  const auto recipe =
      with_batch_size(given, store, models::open_device(given.device), "", ranks).recipe;
  Learner learner(recipe, store, models::open_device(recipe.device), ranks);
  follow(learner, ranks);
  return 0;
}

/// The others wait for a process that fails, and would for ever: it ends them.
[[noreturn]] void end_all(Ranks& ranks, const std::string& why, int exit_code) {
  std::cerr << "banter: process " << ranks.rank() << " of " << ranks.size() << " ("
            << ranks.machine() << "): " << why << "\n"
            << std::flush;
  ranks.abort(exit_code);
  std::_Exit(exit_code);
}

int train(const Recipe& recipe, const Asked& asked, Ranks& ranks) {
  models::set_threads(threads_of(recipe, ranks));
  const auto store = begin_together(recipe, ranks);
  if (!store) return base::UsageError("").exit_code();
  if (ranks.size() == 1) return train_first(recipe, *store, asked, ranks);
  try {
    const auto own = with_own_device(recipe, ranks);
    return ranks.rank() == 0 ? train_first(own, *store, asked, ranks)
                             : train_other(own, *store, ranks);
  } catch (const base::Error& error) {
    end_all(ranks, error.what(), error.exit_code());
  } catch (const std::exception& error) {
    end_all(ranks, std::string(base::without_backtrace(error.what())), 1);
  }
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

  const auto ranks = open_ranks();
  trial.quiet = line.common.quiet;
  if (verifies_resume && ranks->size() > 1)
    throw base::UsageError("banter train: --verify-resume is for one process, without mpirun");
  if (verifies_resume) return prove_resumption(recipe, trial, line.common.json);
  return train(recipe,
               {.resume = resume,
                .restart = restart,
                .quiet = line.common.quiet,
                .as_json = line.common.json,
                .page = page},
               *ranks);
}

}  // namespace banter::train
