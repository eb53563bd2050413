#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/json.h"

namespace banter::train {

/// RUN/log.jsonl: what happened, one JSON object a line, each with its "event" and "step".
///
/// A run that goes on from step N drops the lines behind N first, so that no step stands twice.
/// Clock-measured figures stand here and nowhere else.
class RunLog {
 public:
  /// Opens for appending and keeps the lines up to `step`; a line cut by a crash goes too.
  /// Throws   FileError
  RunLog(std::filesystem::path path, std::int64_t step);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  /// Appends one line, whole, so that others may read along. Throws   FileError
  void write(const base::json::object& line);
  /// Makes what was written durable: before the checkpoint that it tells of. Throws   FileError
  void sync();

 private:
  std::filesystem::path path_;
  int fd_ = -1;
};

}  // namespace banter::train
