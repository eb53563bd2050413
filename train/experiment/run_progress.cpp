#include "train/experiment/run_progress.h"

#include <cmath>
#include <iostream>
#include <optional>
#include <string_view>

#include "base/errors.h"
#include "base/json.h"
#include "base/progress.h"
#include "data/input/lines.h"
#include "train/experiment/cell_files.h"

namespace banter::train {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;

constexpr std::chrono::seconds kLookEvery{30};

/// The last step in a training's log; nothing when there is none.
std::optional<json::object> last_step(const fs::path& run) {
  const auto lines = last_lines(run / "log.jsonl", 50);
  std::optional<json::object> step;
  std::string_view rest = lines;
  while (!rest.empty()) {
    const auto line = data::take_line(rest);
    json::error_code error;
    auto value = json::parse({line.data(), line.size()}, error);
    const auto* event =
        error || !value.is_object() ? nullptr : value.get_object().if_contains("event");
    if (event != nullptr && *event == "step") step = std::move(value.get_object());
  }
  return step;
}

double number_in(const json::object& event, const char* key) {
  const auto* value = event.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

/// Where a training is, as "step 340 of 900, 3512 labels/s, 2m00s left"; "" when nobody knows.
std::string place_of(const Cell& cell) {
  const auto event = last_step(cell.run());
  if (!event) return "";
  const auto step = number_in(*event, "step"), labels = number_in(*event, "labels");
  const auto rate = number_in(*event, "labels_per_second");
  std::string text = "step " + std::to_string(std::llround(step));
  if (cell.steps > 0) text += " of " + std::to_string(cell.steps);
  if (rate > 0) text += ", " + std::to_string(std::llround(rate)) + " labels/s";
  const auto steps_left = static_cast<double>(cell.steps) - step;
  if (rate > 0 && step > 0 && steps_left > 0) {
    const std::chrono::duration<double> left{steps_left * labels / step / rate};
    text += ", " + base::duration_text(left) + " left";
  }
  return text;
}

std::string ending(int exit_code) {
  return exit_code > 128 ? "was ended by signal " + std::to_string(exit_code - 128)
                         : "ended with exit code " + std::to_string(exit_code);
}

}  // namespace

RunProgress::RunProgress(const std::vector<Cell>& cells, std::int64_t jobs, bool quiet)
    : cells_(cells), jobs_(jobs), quiet_(quiet) {}

void RunProgress::say(std::size_t cell, const std::string& text) const {
  std::cerr << "[" << ended_ << "/" << cells_.size() << "] " << cells_[cell].name << ": " << text
            << "\n";
}

void RunProgress::was_done(std::size_t cell) {
  ++ended_;
  if (!quiet_) say(cell, "done before");
}

void RunProgress::started(std::size_t cell, const std::string& command) {
  waiting_.erase(cell);
  if (!quiet_ && command != "prepare") say(cell, command + " begins");
}

void RunProgress::ended(std::size_t cell, const std::string& command,
                        std::chrono::duration<double> took, bool is_done) {
  of_cell_[cell] += took;
  if (is_done) {
    ++ended_;
    ++worked_;
    work_ += of_cell_[cell];
  }
  if (quiet_) return;
  auto text = command + " took " + base::duration_text(took);
  if (command == "train") {
    if (const auto place = place_of(cells_[cell]); !place.empty()) text += ", " + place;
  }
  say(cell, text + (is_done ? ": done" + time_left() : ""));
}

std::string RunProgress::time_left() const {
  const auto left = cells_.size() - ended_;
  if (left == 0 || worked_ == 0) return "";
  const auto each = work_ / static_cast<double>(worked_);
  return "; " + std::to_string(left) + " more, about " +
         base::duration_text(each * static_cast<double>(left) / static_cast<double>(jobs_));
}

void RunProgress::failed(std::size_t cell, const std::string& command, int exit_code,
                         const fs::path& log) {
  ++ended_;
  say(cell, command + " failed: it " + ending(exit_code) + "; " + log.string() + " has more:");
  std::cerr << last_lines(log, 3) << "\n";
}

void RunProgress::prepare_failed(std::size_t cell, int exit_code) {
  say(cell, "the corpus cannot be looked at: prepare " + ending(exit_code) + "; " +
                CellFiles(cells_[cell]).log().string() +
                " has more. What is done for the store that is there stays done");
}

void RunProgress::waits(std::size_t cell) {
  if (waiting_.insert(cell).second && !quiet_) say(cell, "waits for another process to end");
}

void RunProgress::look(const std::vector<std::size_t>& running) {
  const auto now = std::chrono::steady_clock::now();
  if (quiet_ || now - looked_ < kLookEvery) return;
  looked_ = now;
  for (const auto cell : running)
    if (const auto place = place_of(cells_[cell]); !place.empty()) say(cell, place);
}

}  // namespace banter::train
