#include "models/checkpoint/checkpoint.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/utf8.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;
using base::CheckpointError;
using base::FileError;

constexpr std::string_view kManifest = "manifest.json";
constexpr std::string_view kFormat = "banter checkpoint";
constexpr std::int64_t kVersion = 1;
constexpr std::string_view kStep = "step-";
constexpr std::string_view kBest = "BEST.";
constexpr std::string_view kAverage = "average";
constexpr std::string_view kOld = ".old";
constexpr std::size_t kHashDigits = 64;

/// What is read of a checkpoint by its name. Nobody reads other files in the folder.
constexpr std::array<std::string_view, 8> kRead = {
    "config.yaml",           "ema.safetensors", "model.safetensors", "optimizer.safetensors",
    "reply_tokenizer.model", "state.json",      "tokenizer.json",    "tokenizer.model"};

std::string step_name(std::int64_t step) { return std::string(kStep) + std::to_string(step); }

/// The N of "step-N"; nothing for any other name ("step-07" included: one step, one name).
std::optional<std::int64_t> step_of(std::string_view name) {
  if (!name.starts_with(kStep)) return {};
  std::int64_t step = -1;
  const auto digits = name.substr(kStep.size());
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), step);
  if (error != std::errc() || step < 0 || name != step_name(step)) return {};
  return step;
}

void remove_folder(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) throw FileError(path.string() + ": cannot be removed: " + error.message());
}

/// The N of "step-N.old": what `publish` was replacing when a crash came, where folders cannot be
/// exchanged in one step (`exchange_durably`).
std::optional<std::int64_t> old_step_of(std::string_view name) {
  if (!name.ends_with(kOld)) return {};
  return step_of(name.substr(0, name.size() - kOld.size()));
}

/// What a crash leaves in a run: ".step-N.tmp" and ".step-N.old.tmp" of this file, and the new
/// content of a small file that was not yet renamed, "CURRENT.tmp-<pid>" (`write_durably`).
bool is_leftover(std::string_view name) {
  if (name.starts_with(".step-") && name.ends_with(".tmp")) return true;
  const auto mark = name.rfind(".tmp-");
  if (mark == std::string_view::npos) return false;
  const auto file = name.substr(0, mark), process = name.substr(mark + 5);
  const bool ours = file == "CURRENT" || file == "LAST" || file.starts_with(kBest) ||
                    file == "config.yaml" || file == "log.jsonl";
  return ours && process.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string manifest_of(const fs::path& folder, std::int64_t step) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  json::object files;
  for (const auto& name : names)
    files[name] = {{"size", fs::file_size(folder / name)},
                   {"sha256", base::sha256_hex_of_file(folder / name)}};
  return base::pretty_json(
      {{"format", kFormat}, {"version", kVersion}, {"step", step}, {"files", std::move(files)}});
}

std::string read_manifest(const fs::path& folder) {
  try {
    return base::read_file(folder / kManifest, 1 << 20);
  } catch (const FileError& error) {
    throw CheckpointError(folder.string() + ": no complete checkpoint: " + error.what());
  }
}

/// Compares a folder with its manifest. Returns the manifest's hash.
std::string check_folder(const fs::path& folder) {
  const auto fail = [&](const std::string& why,
                        const std::string& what_to_do = "put the file back") {
    throw CheckpointError(folder.string() + ": " + why +
                          "; name another checkpoint (RUN@step-N) or " + what_to_do);
  };
  const auto text = read_manifest(folder);
  const auto where = (folder / kManifest).string();
  try {
    const auto manifest = base::parse_json(text, where, 4);
    const auto* top = manifest.if_object();
    // Written by us, so it reads back to the very same bytes: any changed bit shows.
    if (top == nullptr || base::pretty_json(manifest) != text)
      fail("manifest.json was changed since it was written");
    if (base::string_field(*top, "format", where) != kFormat)
      fail("manifest.json is not a checkpoint's");
    if (base::integer_field(*top, "version", where) != kVersion)
      fail("it is of another format version than " + std::to_string(kVersion));
    if (step_name(base::integer_field(*top, "step", where)) != folder.filename())
      fail("manifest.json is of another step");
    const auto* files = base::field(*top, "files", where).if_object();
    if (files == nullptr) fail("manifest.json lists no files");

    for (const auto& [name, record] : *files) {
      const auto* entry = record.if_object();
      if (entry == nullptr || fs::path(std::string(name)).filename() != fs::path(std::string(name)))
        fail("manifest.json names no file by \"" + base::printable(name) + "\"");
      const auto path = folder / std::string(name);
      std::error_code error;
      const auto size = fs::file_size(path, error);
      if (error) fail(std::string(name) + " is missing");
      const auto expected = base::integer_field(*entry, "size", where);
      if (!std::in_range<std::int64_t>(size) || static_cast<std::int64_t>(size) != expected)
        fail(std::string(name) + " has " + std::to_string(size) +
             " bytes where manifest.json says " + std::to_string(expected));
    }
    for (const auto name : kRead)
      if (fs::exists(folder / name) && !files->contains(name))
        fail(std::string(name) + " is not listed in manifest.json", "take it away");
    for (const auto& [name, record] : *files)  // sizes of all first: they cost nothing
      if (base::sha256_hex_of_file(folder / std::string(name)) !=
          base::string_field(record.get_object(), "sha256", where))
        fail(std::string(name) + " was changed: its SHA-256 is not the one in manifest.json");
  } catch (const base::DataError& error) {
    fail(std::string("manifest.json is damaged: ") + error.what());
  }
  return base::sha256_hex(text);
}

struct Pointed {
  std::int64_t step = -1;
  std::string hash;
};

/// Nothing when the pointer does not exist. Throws   CheckpointError
std::optional<Pointed> read_pointer(const fs::path& run, std::string_view pointer) {
  const auto path = run / pointer;
  if (!fs::exists(path)) return {};
  std::string text;
  try {
    text = base::read_file(path, 4096);
  } catch (const FileError& error) {
    throw CheckpointError(std::string("damaged pointer: ") + error.what());
  }
  const auto space = text.find(' ');
  const auto step = step_of(std::string_view(text).substr(0, space));
  if (!step || space == std::string::npos || text.size() != space + 1 + kHashDigits + 1 ||
      text.back() != '\n')
    throw CheckpointError(path.string() + ": damaged: expected \"step-N <SHA-256>\", found \"" +
                          base::printable(text) + "\"; name a checkpoint (RUN@step-N)");
  return Pointed{*step, text.substr(space + 1, kHashDigits)};
}

std::string known_names(const fs::path& run, const std::vector<std::int64_t>& steps) {
  std::string names = "RUN@last";
  std::vector<std::string> best;
  for (const auto& entry : fs::directory_iterator(run))
    if (const auto name = entry.path().filename().string();
        name.starts_with(kBest) && !is_leftover(name))
      best.push_back(name.substr(kBest.size()));
  std::ranges::sort(best);
  for (const auto& metric : best) names += ", RUN@best:" + metric;
  for (const auto step : steps) names += ", RUN@" + step_name(step);
  return names;
}

Checkpoint verified(const fs::path& run, std::int64_t step) {
  const auto folder = run / step_name(step);
  return {.folder = folder, .step = step, .hash = check_folder(folder), .warning = {}};
}

/// What `pointer` names. Throws   CheckpointError when that is missing or damaged
Checkpoint follow(const fs::path& run, std::string_view pointer,
                  const std::vector<std::int64_t>& steps) {
  const auto pointed = read_pointer(run, pointer);
  if (!pointed)
    throw CheckpointError(run.string() + ": has no " + std::string(pointer) +
                          "; there are: " + known_names(run, steps));
  auto found = verified(run, pointed->step);
  if (found.hash != pointed->hash)
    throw CheckpointError((run / pointer).string() + ": names another " + step_name(pointed->step) +
                          " than the one that is there");
  return found;
}

Checkpoint newest_good(const fs::path& run, const std::vector<std::int64_t>& steps,
                       const std::string& problem) {
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    try {
      auto found = verified(run, *step);
      found.warning = problem + "; " + step_name(*step) + " is used instead";
      return found;
    } catch (const CheckpointError&) {
      continue;  // the first problem is the one to tell
    }
  }
  throw CheckpointError(problem + "; no other checkpoint of the run can be used");
}

}  // namespace

CheckpointWriter::CheckpointWriter(fs::path run, std::int64_t step)
    : run_(std::move(run)),
      folder_(run_ / ("." + step_name(step) + ".tmp")),
      final_(run_ / step_name(step)),
      step_(step) {
  remove_folder(folder_);
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) throw FileError(folder_.string() + ": cannot be made: " + error.message());
}

CheckpointWriter::~CheckpointWriter() {
  std::error_code ignored;
  if (!published_) fs::remove_all(folder_, ignored);
}

void CheckpointWriter::publish() {
  const auto manifest = manifest_of(folder_, step_);
  base::FileWriter writer(folder_ / kManifest);
  writer.write(manifest);
  writer.close();
  base::sync_folder(folder_);

  if (!fs::exists(final_)) {
    base::rename_durably(folder_, final_);
    published_ = true;
    return;
  }
  bool is_same = false;
  try {
    is_same = check_folder(final_) == base::sha256_hex(manifest);
  } catch (const CheckpointError&) {
    is_same = false;  // damaged: ours replaces it
  }
  if (is_same) return;  // ours is removed
  // Never a moment without a whole step-N, or one that `remove_leftovers` puts back.
  base::exchange_durably(folder_, final_);
  published_ = true;
  remove_folder(folder_);  // now the old one
}

void point_to(const fs::path& run, std::string_view pointer, std::int64_t step) {
  const auto text =
      step_name(step) + " " + base::sha256_hex(read_manifest(run / step_name(step))) + "\n";
  const auto path = run / pointer;
  if (fs::exists(path) && base::read_file(path) == text) return;
  base::write_durably(path, text);
}

std::int64_t pointed_step(const fs::path& run, std::string_view pointer) {
  const auto pointed = read_pointer(run, pointer);
  return pointed ? pointed->step : -1;
}

std::vector<std::int64_t> checkpoint_steps(const fs::path& run) {
  std::vector<std::int64_t> steps;
  if (!fs::is_directory(run)) return steps;
  for (const auto& entry : fs::directory_iterator(run))
    if (const auto step = step_of(entry.path().filename().string()); step && entry.is_directory())
      steps.push_back(*step);
  std::ranges::sort(steps);
  return steps;
}

bool has_manifest(const fs::path& run, std::int64_t step) {
  return fs::exists(run / step_name(step) / kManifest);
}

void remove_checkpoint(const fs::path& run, std::int64_t step) {
  const auto leftover = run / ("." + step_name(step) + ".old.tmp");
  remove_folder(leftover);
  base::rename_durably(run / step_name(step), leftover);
  remove_folder(leftover);
}

void set_checkpoint_aside(const fs::path& run, std::int64_t step) {
  const auto aside = run / (step_name(step) + ".damaged");
  remove_folder(aside);
  base::rename_durably(run / step_name(step), aside);
}

void remove_leftovers(const fs::path& run) {
  std::vector<fs::path> leftovers;
  std::vector<std::int64_t> old_steps;
  for (const auto& entry : fs::directory_iterator(run)) {
    const auto name = entry.path().filename().string();
    if (const auto step = old_step_of(name)) old_steps.push_back(*step);
    if (is_leftover(name)) leftovers.push_back(entry.path());
  }
  for (const auto step : old_steps) {
    const auto place = run / step_name(step);
    auto old = place;
    old += kOld;
    if (fs::exists(place)) {
      remove_folder(old);
    } else {
      base::rename_durably(old, place);
    }
  }
  for (const auto& leftover : leftovers) remove_folder(leftover);
}

RunName RunName::parse(std::string_view text) {
  const auto at = text.rfind('@');
  // A folder whose own name has an @ in it is that folder.
  if (at == std::string_view::npos || fs::is_directory(fs::path(text))) return {fs::path(text), ""};
  const auto which = text.substr(at + 1);
  const bool known =
      which == "last" || which == "ema" || which == kAverage || step_of(which) ||
      (which.starts_with("best:") && which.size() > 5 && which.find('/') == std::string_view::npos);
  if (!known || at == 0)
    throw base::UsageError("\"" + base::printable(text) +
                           "\" names no run: expected RUN, RUN@last, RUN@step-N, RUN@best:METRIC, "
                           "RUN@ema or RUN@average");
  return {fs::path(text.substr(0, at)), std::string(which)};
}

Checkpoint find_checkpoint(const RunName& name) {
  const auto& run = name.run;
  if (!fs::is_directory(run))
    throw CheckpointError(run.string() + ": no such run folder; `banter train CONFIG` makes one");
  if (name.which == kAverage) {
    if (!fs::is_directory(run / kAverage))
      throw CheckpointError(run.string() + ": has no average; `banter average RUN` makes one");
    return find_checkpoint({run / kAverage, ""});
  }
  const auto steps = checkpoint_steps(run);
  if (steps.empty())
    throw CheckpointError(run.string() + ": has no checkpoint yet; go on with `banter train`");

  if (const auto step = step_of(name.which)) {
    if (!std::ranges::binary_search(steps, *step))
      throw CheckpointError(run.string() + ": has no " + name.which +
                            "; there are: " + known_names(run, steps));
    return verified(run, *step);
  }
  if (name.which.starts_with("best:"))
    return follow(run, std::string(kBest) + name.which.substr(5), steps);
  if (name.which == "ema") {
    auto found = follow(run, "CURRENT", steps);
    found.use_ema = true;
    if (!fs::exists(found.folder / "ema.safetensors"))
      throw CheckpointError(found.folder.string() +
                            ": has no averaged weights; train with train.ema_decay above 0");
    return found;
  }
  try {
    return follow(run, name.which == "last" ? "LAST" : "CURRENT", steps);
  } catch (const CheckpointError& error) {
    return newest_good(run, steps, error.what());
  }
}

fs::path recipe_of(const Checkpoint& checkpoint) {
  const auto of_run = checkpoint.folder.parent_path() / "config.yaml";
  return fs::exists(of_run) ? of_run : checkpoint.folder / "config.yaml";
}

void verify_checkpoint(const fs::path& folder) { static_cast<void>(check_folder(folder)); }

}  // namespace banter::models
