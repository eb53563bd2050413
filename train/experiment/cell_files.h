#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "train/experiment/cell.h"

namespace banter::train {

/// How far a cell is.
enum class CellState {
  kNew,      ///< nothing of it is there
  kChanged,  ///< what is there was made from another recipe or other data: it is made anew
  kBegun,    ///< its training was stopped and goes on
  kTrained,  ///< its model is there, but not what is measured
  kDone,
};
const char* name_of(CellState state);

/// What stands in a cell's folder. Only the process that has the cell's lock may write.
///
/// Each mark is written durably and last, after what it vouches for, so that a kill between any two
/// steps costs the step and no more.
class CellFiles {
 public:
  explicit CellFiles(const Cell& cell) : cell_(cell) {}

  /// Reads marks and compares keys; `source` of CellSources, "" = not known.
  [[nodiscard]] CellState state(const std::string& source) const;

  /// Before the training: makes the folder, puts a run of another recipe aside (run.old-1, ...)
  /// with all that was measured of it, and writes down what the cell is made from. What it was
  /// begun with is not forgotten when `source` is not known.
  void begin(const std::string& source) const;
  /// Before it is measured: takes away what an earlier measurement left, one that was killed, too.
  void begin_measuring() const;
  /// `answer`: what the command wrote to standard output.
  void mark_trained(const std::string& answer) const;
  void mark_done(const std::string& answer) const;
  /// A command of it failed: its name, how it ended, and the log whose last lines tell why.
  void mark_failed(const std::string& command, int exit_code,
                   const std::filesystem::path& log) const;
  /// Adds a line to its log.
  void say(const std::string& line) const;
  /// Adds to the clock's account, which nothing but a person reads.
  void add_time(const std::string& command, double seconds) const;

  [[nodiscard]] base::json::object training() const;    ///< of mark_trained
  [[nodiscard]] base::json::object evaluation() const;  ///< of mark_done
  [[nodiscard]] std::optional<base::json::object> failure() const;
  [[nodiscard]] base::json::object times() const;  ///< seconds by command
  [[nodiscard]] std::string source() const;        ///< of `begin`

  [[nodiscard]] std::filesystem::path log() const { return cell_.folder / "log.txt"; }
  [[nodiscard]] std::filesystem::path lock() const { return cell_.folder / ".lock"; }
  [[nodiscard]] std::filesystem::path out() const { return cell_.folder / "out.json"; }

 private:
  [[nodiscard]] std::filesystem::path file(const char* name) const { return cell_.folder / name; }
  const Cell& cell_;
};

/// The last lines of a file, at most so many; "" when it is not there.
std::string last_lines(const std::filesystem::path& file, std::size_t count);

}  // namespace banter::train
