#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/json.h"

namespace banter::train {

/// A record of a TensorBoard event file around a serialised Event.
///
/// Math     length (8 bytes), masked CRC-32C of these 8, data, masked CRC-32C of the data, little
///          endian; masked = (crc rotated right by 15) + 0xa282ead8
/// Source   TensorFlow, core/lib/io/record_writer.h (format), core/lib/hash/crc32c.h (mask)
std::string event_record(std::string_view data);

/// RUN/events: the figures of log.jsonl as TensorBoard reads them.
///
/// Each start of a training writes a file of its own, numbered by its name, and begins it with a
/// session that purges what other files say of the steps that are made again. A crash can cut the
/// last record only, which TensorBoard passes over.
/// Source   tensorflow/core/util/event.proto, framework/summary.proto: the fields used are
///          Event.wall_time 1, step 2, file_version 3, summary 5, session_log 7; Summary.value 1;
///          Value.tag 1, simple_value 2; SessionLog.status 1, START = 1
class EventFile {
 public:
  /// A new file in `folder`, of a run that goes on from `step`. Throws   FileError
  EventFile(const std::filesystem::path& folder, std::int64_t step);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  /// The numbers of a line of the log, if it is of a step ("train/nll", ...) or of a validation
  /// ("valid/ppl", ...); `wall_time` in seconds since 1970. Throws   FileError
  void add(const base::json::object& line, double wall_time);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  void write(std::string_view record);

  std::filesystem::path path_;
  int fd_ = -1;
};

}  // namespace banter::train
