#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
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

/// What a run's log.jsonl says of its training, as curves: each number of the lines `step` and
/// `validation`, named `EVENT.FIELD`. Reads on where it was each time it is asked; a log that was
/// cut back is read anew. A line that is no JSON object (it is being written) is passed over.
///
/// Threads  any
class RunLog {
 public:
  explicit RunLog(std::filesystem::path file) : file_(std::move(file)) {}

  /// The bytes that were read: whoever saw that many has seen all.
  std::uint64_t read_on();
  [[nodiscard]] std::vector<std::string> names() const;
  /// The points behind step `after`, at most `most` of them, evenly taken, with the last one.
  [[nodiscard]] std::vector<CurvePoint> curve(const std::string& name, std::int64_t after,
                                              std::size_t most) const;
  /// What the last line says of the whole: "at step 1540", "ended at step 1540 (minutes)", or "".
  [[nodiscard]] std::string state() const;

 private:
  void take(std::string_view line);

  std::filesystem::path file_;
  mutable std::mutex mutex_;
  std::uint64_t read_ = 0;
  double minutes_ = 0;  ///< at the last step
  std::string state_;
  std::map<std::string, std::vector<CurvePoint>> curves_;
};

}  // namespace banter::serve
