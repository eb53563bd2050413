#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace banter::base {

/// Shows how far a long piece of work is, on standard error: a bar with rate and time left, drawn
/// over itself, when that is a terminal; a plain line every few seconds when it is not; nothing
/// when `quiet`.
class Progress {
 public:
  struct Options {
    std::string label;                      ///< what is counted, "train"
    std::string unit = "it";                ///< of `done`, "steps"
    std::uint64_t total = 0;                ///< 0 = not known: no bar, no time left
    bool quiet = false;                     ///< show nothing
    std::chrono::milliseconds every{5000};  ///< between plain lines
    std::uint64_t done = 0;                 ///< where it starts (a run that goes on)
  };
  explicit Progress(Options options);
  ~Progress();  ///< ends the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `note` is shown behind the bar ("loss 4.31"). Cheap: draws at most ten times a second. Work
  /// that is to be done again (`done` falls) counts in the rate both times.
  void update(std::uint64_t done, std::string_view note = {});
  void advance(std::uint64_t by = 1, std::string_view note = {});
  /// Prints a whole line above the bar (or just the line when quiet: what must be read is read).
  void say(std::string_view line);
  /// Whether it draws on a terminal: there is somebody who looks.
  [[nodiscard]] bool is_drawn() const { return terminal_ && !options_.quiet; }
  void finish();  ///< draws the last state and ends the line; further calls do nothing

 private:
  void draw(bool last);
  [[nodiscard]] std::int64_t made() const { return static_cast<std::int64_t>(done_) - started_at_; }
  Options options_;
  std::uint64_t done_ = 0;
  std::int64_t started_at_ = 0;  ///< below 0 where work was done twice
  std::string note_;
  std::chrono::steady_clock::time_point start_, drawn_;
  bool terminal_ = false;
  bool finished_ = false;
};

/// "1h02m", "3m05s", "12s".
std::string duration_text(std::chrono::duration<double> seconds);

}  // namespace banter::base
