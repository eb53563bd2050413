#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "train/experiment/cell.h"

namespace banter::train {

/// Tells on standard error how far a grid is: a line when a cell's command ends, and between them
/// where the running ones are, with rate and time left. What it measures goes nowhere else.
class RunProgress {
 public:
  RunProgress(const std::vector<Cell>& cells, std::int64_t jobs, bool quiet);

  void was_done(std::size_t cell);  ///< before this call
  void started(std::size_t cell, const std::string& command);
  void ended(std::size_t cell, const std::string& command, std::chrono::duration<double> took,
             bool is_done);
  /// Also when quiet; `log` has more.
  void failed(std::size_t cell, const std::string& command, int exit_code,
              const std::filesystem::path& log);
  /// The cell's store cannot be made or looked at: cells that are done stay so. Also when quiet.
  void prepare_failed(std::size_t cell, int exit_code);
  void waits(std::size_t cell);  ///< for another process; told once
  /// Every half minute: where the running cells are, by their logs.
  void look(const std::vector<std::size_t>& running);

 private:
  void say(std::size_t cell, const std::string& text) const;
  [[nodiscard]] std::string time_left() const;

  const std::vector<Cell>& cells_;
  std::int64_t jobs_;
  bool quiet_;
  std::size_t ended_ = 0;                  ///< cells, done or failed
  std::size_t worked_ = 0;                 ///< cells that were finished in this call
  std::chrono::duration<double> work_{0};  ///< of them
  std::map<std::size_t, std::chrono::duration<double>> of_cell_;  ///< in this call
  std::set<std::size_t> waiting_;
  std::chrono::steady_clock::time_point looked_ = std::chrono::steady_clock::now();
};

}  // namespace banter::train
