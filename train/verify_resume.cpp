#include "train/verify_resume.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <poll.h>

#include "base/child.h"
#include "base/errors.h"
#include "base/files.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/signals.h"
#include "models/checkpoint/safetensors.h"

namespace banter::train {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kLookEvery = 2;               ///< ms between two looks at a log
constexpr std::int64_t kPlaces = 8;         ///< checkpoints that are saved on the way
constexpr std::int64_t kValidations = 4;    ///< at least, where there is a split for them
constexpr std::int64_t kMostReplies = 200;  ///< that each is judged by
constexpr std::array<std::string_view, 3> kNotCompared = {
    ".lock", "config.yaml", "log.jsonl"};  // these know places, clocks and starts

/// The last step that a run has logged; 0 when there is none.
std::int64_t logged_step(const fs::path& run) {
  const auto log = run / "log.jsonl";
  if (!fs::exists(log)) return 0;
  const auto text = base::read_file(log);
  constexpr std::string_view kKey = R"({"event":"step","step":)";
  const auto at = text.rfind(kKey);
  return at == std::string::npos ? 0 : std::strtoll(text.c_str() + at + kKey.size(), nullptr, 10);
}

std::int64_t logged_validations(const fs::path& run) {
  const auto text = base::read_file(run / "log.jsonl");
  std::int64_t count = 0;
  constexpr std::string_view kLine = R"({"event":"validation")";
  for (auto at = text.find(kLine); at != std::string::npos; at = text.find(kLine, at + 1)) ++count;
  return count;
}

std::string last_line(const fs::path& log) {
  auto text = base::read_file(log);
  while (text.ends_with('\n')) text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

/// What a trial asks of the recipe: saved and judged on the way, ended by its steps alone.
std::vector<std::string> settings(const TrainOptions& o, const ResumeTrial& trial) {
  const auto every = [&](std::int64_t places) {
    return std::to_string(std::max<std::int64_t>(1, trial.steps / places));
  };
  std::vector<std::string> set = {"train.steps=" + std::to_string(trial.steps),
                                  "train.save_every=" + every(kPlaces),
                                  "train.log_every=1",
                                  "train.epochs=0",
                                  "train.minutes=0",
                                  "train.patience=0",
                                  "train.stop_when=first"};
  if (o.valid_split.empty()) return set;
  if (o.validate_every == 0 || o.validate_every > trial.steps / kValidations)
    set.push_back("train.validate_every=" + every(kValidations));
  if (o.valid_replies == 0 || o.valid_replies > kMostReplies)
    set.push_back("train.valid_replies=" + std::to_string(kMostReplies));
  return set;
}

std::vector<std::string> arguments(const fs::path& recipe, std::vector<std::string> set) {
  std::vector<std::string> all = {"train", recipe.string(), "--quiet"};
  for (auto& setting : set) {
    all.emplace_back("--set");
    all.push_back(std::move(setting));
  }
  return all;
}

/// A training in a process of its own.
class Training {
 public:
  Training(const fs::path& folder, const std::string& name, std::vector<std::string> set)
      : run_(folder / name), log_(folder / (name + ".log")), child_([&] {
          set.push_back("run=" + run_.string());
          return base::ChildOptions{.arguments = arguments(folder / "recipe.yaml", std::move(set)),
                                    .variables = {},
                                    .out = folder / (name + ".out"),
                                    .log = log_};
        }()) {}

  /// Waits a moment; whether it has ended. Throws   Stopped
  bool has_ended(milliseconds wait) {
    pollfd handle{.fd = child_.descriptor(), .events = POLLIN, .revents = 0};
    if (::poll(&handle, 1, static_cast<int>(wait.count())) < 0 && errno != EINTR)
      throw base::FileError("a process cannot be waited for");
    base::throw_if_stopped();
    exit_code_ = child_.ended();
    return exit_code_.has_value();
  }

  /// After its end by itself. Throws   base::Error when it failed
  void expect_success() const {
    if (exit_code_ == 0) return;
    throw base::Error("verify-resume: a training ended with " + std::to_string(exit_code_.value()) +
                      ": " + last_line(log_));
  }

  void kill() {
    child_.send(SIGKILL);
    while (!has_ended(milliseconds(1000))) {
    }
  }

  [[nodiscard]] std::int64_t step() const { return logged_step(run_); }

 private:
  fs::path run_, log_;
  base::Child child_;
  std::optional<int> exit_code_;
};

void finish(Training& training, base::Progress& progress, std::uint64_t before) {
  while (!training.has_ended(milliseconds(200)))
    progress.update(before + static_cast<std::uint64_t>(training.step()));
  training.expect_success();
}

std::map<std::string, fs::path> files_of(const fs::path& run) {
  std::map<std::string, fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    const auto name = fs::relative(entry.path(), run).string();
    if (name.starts_with("events/")) continue;  // of each start of the program, with its times
    if (entry.is_regular_file() && std::ranges::find(kNotCompared, name) == std::end(kNotCompared))
      files.emplace(name, entry.path());
  }
  return files;
}

/// How two files that are not the same differ.
std::string difference(const std::string& name, const fs::path& a, const fs::path& b) {
  if (!name.ends_with(".safetensors")) return name + ": other bytes";
  const auto before = models::read_safetensors(a), after = models::read_safetensors(b);
  for (const auto& [tensor, values] : before) {
    const auto other = after.find(tensor);
    if (other == after.end() || other->second.sizes() != values.sizes())
      return name + ": " + tensor + " is missing or of another shape";
    if (values.equal(other->second)) continue;
    const auto most = (values.to(torch::kDouble) - other->second.to(torch::kDouble)).abs().max();
    return name + ": " + tensor + " differs by up to " + std::to_string(most.item<double>());
  }
  return name + ": other bytes, the same tensors";
}

void compare(const fs::path& whole, const fs::path& killed, ResumeProof& proof) {
  const auto before = files_of(whole), after = files_of(killed);
  for (const auto& [name, path] : before) {
    const auto other = after.find(name);
    ++proof.files;
    proof.bytes += fs::file_size(path);
    if (other == after.end()) {
      proof.differences.push_back(name + ": missing behind the kills");
    } else if (base::read_file(path, UINT64_MAX) != base::read_file(other->second, UINT64_MAX)) {
      proof.differences.push_back(difference(name, path, other->second));
    }
  }
  for (const auto& [name, path] : after)
    if (!before.contains(name)) proof.differences.push_back(name + ": only behind the kills");
}

}  // namespace

ResumeProof verify_resume(const Recipe& recipe, const fs::path& folder, const ResumeTrial& trial) {
  if (fs::exists(folder))
    throw base::UsageError(folder.string() +
                           ": is there, perhaps of a proof that failed; look at it and remove it");
  base::make_folders(folder);
  base::write_durably(folder / "recipe.yaml", recipe.text);

  const auto set = settings(recipe.train, trial);
  const auto steps = static_cast<std::uint64_t>(trial.steps);
  base::Progress progress(
      {.label = "verify-resume", .unit = "steps", .total = 2 * steps, .quiet = trial.quiet});
  const auto begin = Clock::now();
  {
    Training whole(folder, "whole", set);
    finish(whole, progress, 0);
  }
  const auto step_time = (Clock::now() - begin) / std::max<std::int64_t>(1, trial.steps);

  ResumeProof proof;
  for (std::int64_t kill = 0; kill < trial.kills; ++kill) {
    const auto draw = [&](std::uint64_t what) {
      return base::to_unit(
          base::join_keys(base::join_keys(trial.seed, static_cast<std::uint64_t>(kill)), what));
    };
    // In its share of the run, and then anywhere in a step.
    const auto place = (static_cast<double>(kill) + draw(0)) / static_cast<double>(trial.kills);
    const auto target = static_cast<std::int64_t>(place * static_cast<double>(trial.steps));
    const auto rest = std::chrono::duration_cast<milliseconds>(draw(1) * step_time);
    Training killed(folder, "killed", set);
    bool has_ended = false;
    while (!has_ended && killed.step() < target) {
      has_ended = killed.has_ended(milliseconds(kLookEvery));
      progress.update(steps + static_cast<std::uint64_t>(killed.step()));
    }
    if (has_ended || killed.has_ended(rest)) {
      killed.expect_success();
      break;  // it was too fast for more of them
    }
    proof.killed_at.push_back(killed.step());
    if (fs::exists(folder / "killed" / "LAST")) ++proof.resumed;
    killed.kill();
    progress.say("verify-resume: killed behind step " + std::to_string(proof.killed_at.back()));
  }
  {
    Training last(folder, "killed", set);
    finish(last, progress, steps);
  }
  progress.finish();
  proof.validations = logged_validations(folder / "whole");
  compare(folder / "whole", folder / "killed", proof);
  if (proof.differences.empty()) fs::remove_all(folder);
  return proof;
}

}  // namespace banter::train
