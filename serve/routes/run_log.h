#pragma once

#include <cstdint>
#include <filesystem>
#include <istream>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace banter::serve {

/// A point of a curve.
struct CurvePoint {
  std::int64_t step = 0;
  double minutes = 0;  ///< of training
  double value = 0;
};

/// How fast a training is, and how far.
struct RunProgress {
  double minutes = 0;  ///< since its program was started
  double labels_per_second = 0;
  std::optional<double> seconds_left;  ///< where it has a limit, and has not ended
};

/// What a run's log.jsonl says of its training, as curves: each number of the lines `step` and
/// `validation`, named `EVENT.FIELD`; and what it answered at its validations. Reads on where it
/// was each time it is asked; a log that was cut back is read anew. A line that is no JSON object
/// (it is being written) is passed over.
///
/// Threads  any
class RunLog {
 public:
  explicit RunLog(std::filesystem::path file) : file_(std::move(file)) {}

  /// The bytes that were read: whoever saw that many, after as many `rewrites`, has seen all.
  std::uint64_t read_on();
  /// How often the log was found cut back: then steps have other lines than those that were told.
  [[nodiscard]] std::uint64_t rewrites() const;
  [[nodiscard]] std::vector<std::string> names() const;
  /// The points behind step `after`, at most `most` of them, evenly taken, with the last one.
  [[nodiscard]] std::vector<CurvePoint> curve(const std::string& name, std::int64_t after,
                                              std::size_t most) const;
  /// What the last line says of the whole: "at step 1540", "ended at step 1540 (minutes)", or "".
  [[nodiscard]] std::string state() const;
  /// Nothing before the first line `step`.
  [[nodiscard]] std::optional<RunProgress> progress() const;
  /// The lines `samples` of steps in (after, before), each a JSON object: the newest `most` of
  /// them, newest first. They are read again from the file; one that is no longer there is missing.
  [[nodiscard]] std::vector<std::string> samples(std::int64_t after, std::int64_t before,
                                                 std::size_t most) const;

 private:
  /// Where a line stands in the file.
  struct Place {
    std::int64_t step = 0;
    std::uint64_t begin = 0, size = 0;
  };
  void take(std::string_view line, std::uint64_t begin);
  void forget();
  bool has_last_line(std::istream& file) const;

  std::filesystem::path file_;
  mutable std::mutex mutex_;
  std::uint64_t read_ = 0, rewrites_ = 0;
  std::string last_line_;  ///< that was read
  double minutes_ = 0;     ///< at the last step
  std::string state_;
  std::map<std::string, std::vector<CurvePoint>> curves_;
  std::vector<Place> samples_;  ///< rising steps
  double share_at_start_ = 0;   ///< of the whole work
  std::optional<RunProgress> progress_;
};

}  // namespace banter::serve
