#include "train/experiment/cell_files.h"

#include <filesystem>
#include <fstream>

#include "base/errors.h"
#include "base/files.h"
#include "train/run_folder.h"

namespace banter::train {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;

constexpr const char* kCell = "cell.json";
constexpr const char* kTraining = "training.json";
constexpr const char* kEvaluation = "evaluation.json";
constexpr const char* kFailure = "failure.json";
constexpr const char* kTimes = "times.json";

json::object read_object(const fs::path& file) {
  return base::as_object(base::parse_json(base::read_file(file), file.string()), file.string());
}

/// What a mark says; nothing when there is none, or none that can be read (it is made again).
std::optional<json::object> read_mark(const fs::path& file) {
  if (!fs::exists(file)) return std::nullopt;
  try {
    return read_object(file);
  } catch (const base::DataError&) {
    return std::nullopt;
  }
}

bool says(const json::object& mark, std::string_view key, std::string_view value) {
  const auto* found = mark.if_contains(json::string_view(key.data(), key.size()));
  return found != nullptr && found->is_string() && found->get_string() == value;
}

/// Takes away files that a killed process had not yet put in place (`write_durably`).
void sweep(const fs::path& folder) {
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().find(".tmp-") != std::string::npos)
      leftovers.push_back(entry.path());
  for (const auto& path : leftovers) fs::remove(path);
}

void write(const fs::path& file, const json::object& object) {
  base::write_durably(file, base::pretty_json(object));
}

}  // namespace

const char* name_of(CellState state) {
  switch (state) {
    case CellState::kNew:
      return "missing";
    case CellState::kChanged:
      return "changed";
    case CellState::kBegun:
      return "begun";
    case CellState::kTrained:
      return "trained";
    case CellState::kDone:
      return "done";
  }
  return "";
}

CellState CellFiles::state(const std::string& source) const {
  const auto made_from = read_mark(file(kCell));
  if (!made_from) return fs::exists(cell_.run()) ? CellState::kChanged : CellState::kNew;
  if (!says(*made_from, "recipe_key", cell_.recipe_key) ||
      (!source.empty() && !says(*made_from, "store_hash", source)))
    return CellState::kChanged;
  if (!read_mark(file(kTraining)))
    return fs::exists(cell_.run() / "config.yaml") ? CellState::kBegun : CellState::kNew;
  const auto evaluation = read_mark(file(kEvaluation));
  return evaluation && says(*evaluation, "key", cell_.evaluation_key) ? CellState::kDone
                                                                      : CellState::kTrained;
}

void CellFiles::begin(const std::string& source) const {
  base::make_folders(cell_.folder);
  sweep(cell_.folder);
  const auto before = state(source);
  if (before == CellState::kChanged) {
    for (const auto* name : {kTraining, kEvaluation, kTimes}) fs::remove(file(name));
    if (fs::exists(cell_.run())) move_run_aside(cell_.run());
  }
  fs::remove(file(kFailure));
  if (before != CellState::kBegun)
    write(file(kCell), {{"recipe_key", cell_.recipe_key}, {"store_hash", source}});
  base::write_durably(cell_.recipe_file(), cell_.recipe);
}

void CellFiles::begin_measuring() const {
  // the mark first: it vouches for the others, and a kill may come between
  for (const auto* name : {kEvaluation, kFailure}) fs::remove(file(name));
  base::sync_folder(cell_.folder);
  for (const auto* name : {"likelihoods.jsonl", "replies.jsonl", "sums.jsonl", "pairs.jsonl"})
    fs::remove(file(name));
  sweep(cell_.folder);
}

void CellFiles::mark_trained(const std::string& answer) const {
  write(file(kTraining),
        {{"version", BANTER_VERSION}, {"result", base::parse_json(answer, "banter train")}});
  fs::remove(file(kFailure));
}

void CellFiles::mark_done(const std::string& answer) const {
  write(file(kEvaluation), {{"key", cell_.evaluation_key},
                            {"version", BANTER_VERSION},
                            {"result", base::parse_json(answer, "banter")}});
  fs::remove(file(kFailure));
}

void CellFiles::mark_failed(const std::string& command, int exit_code, const fs::path& log) const {
  write(file(kFailure),
        {{"command", command}, {"exit_code", exit_code}, {"log", last_lines(log, 10)}});
}

void CellFiles::say(const std::string& line) const {
  std::ofstream(log(), std::ios::app) << line << "\n";
}

void CellFiles::add_time(const std::string& command, double seconds) const {
  auto account = times();
  const auto* before = account.if_contains(command);
  account[command] = seconds + (before != nullptr ? before->to_number<double>() : 0);
  write(file(kTimes), account);
}

json::object CellFiles::training() const { return read_object(file(kTraining)); }
json::object CellFiles::evaluation() const { return read_object(file(kEvaluation)); }
std::optional<json::object> CellFiles::failure() const { return read_mark(file(kFailure)); }
json::object CellFiles::times() const { return read_mark(file(kTimes)).value_or(json::object{}); }

std::string CellFiles::source() const {
  const auto made_from = read_object(file(kCell));
  return std::string(base::string_field(made_from, "store_hash", file(kCell).string()));
}

std::string last_lines(const fs::path& file, std::size_t count) {
  if (!fs::exists(file)) return "";
  const base::MappedFile mapped(file);
  const auto text = mapped.text();
  std::size_t begin = text.ends_with('\n') ? text.size() - 1 : text.size();
  for (std::size_t lines = 0; begin > 0; --begin)
    if (text[begin - 1] == '\n' && ++lines == count) break;
  return std::string(text.substr(begin));
}

}  // namespace banter::train
