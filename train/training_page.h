#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/child.h"

namespace banter::train {

/// The page of a training: `banter serve RUN --follow` in a process of its own, which draws the run
/// from its log and lets people talk to its best checkpoint, with one thread of computing. Whatever
/// becomes of it, training does not notice; it ends when this goes, or when this process dies.
/// Replies that run when this goes have a second; a server that has not ended after three is
/// killed.
class TrainingPage {
 public:
  /// Starts it for the run in `run`, at `port` of 127.0.0.1, and waits until it answers or has
  /// ended. What it says is in `run`/page.log.
  /// Throws   FileError when it cannot be started
  TrainingPage(const std::filesystem::path& run, std::uint16_t port);
  ~TrainingPage();
  TrainingPage(const TrainingPage&) = delete;
  TrainingPage& operator=(const TrainingPage&) = delete;

  /// "http://127.0.0.1:8080/", or why there is no page.
  [[nodiscard]] const std::string& said() const { return said_; }

 private:
  base::Child child_;
  std::string said_;
};

}  // namespace banter::train
