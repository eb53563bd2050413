#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/progress.h"
#include "models/hugging_face/encoder_start.h"
#include "train/batch_size.h"
#include "train/event_file.h"
#include "train/init_from.h"
#include "train/log.h"
#include "train/options.h"
#include "train/ranks/ranks.h"
#include "train/run_folder.h"
#include "train/state.h"
#include "train/tasks/task.h"

namespace banter::train {

/// Tells how a training goes: lines in RUN/log.jsonl, event files, progress on standard error.
/// Everything that a clock measures is here, and nothing of it goes back into the training.
class Report {
 public:
  /// `share` of the whole work that was done before. Throws   FileError
  Report(const RunFolder& folder, const TrainOptions& options, const TrainState& state,
         double share, bool quiet);

  [[nodiscard]] double minutes() const;  ///< since the start of the program's training

  void warn(const TrainState& state, const std::string& text);  ///< shown even when quiet
  void started(const TrainState& state, const std::string& device, int processes,
               std::int64_t parameters, const Amounts& learned_from);
  void sized(const TrainState& state, const BatchSize& size);
  void initialised(const TrainState& state, const Initialised& from);
  void initialised(const TrainState& state, const models::EncoderStart& start);
  /// After every step; writes a line every `log_every` of them, and then empties `since_log`.
  void stepped(TrainState& state, double grad_norm, double share);
  /// A line of what was measured, and one of what was answered.
  void validated(const TrainState& state, const Judgement& judgement, bool is_best,
                 std::chrono::duration<double> took);
  /// Cuts the log back to where the run has gone back to, and says so behind it.
  void fell_back(const TrainState& from, const TrainState& to, const std::string& why);
  void stopped(const TrainState& state, const std::string& why, const Ranks& ranks);
  void sync() { log_->sync(); }  ///< before a checkpoint that the lines tell of

 private:
  void open(std::int64_t step);
  void write(const base::json::object& line);  ///< to the log, and its figures to RUN/events
  [[nodiscard]] std::string note(const TrainState& state, double share) const;
  [[nodiscard]] double labels_per_second(const TrainState& state) const;
  void tell_samples(const TrainState& state, const Judgement& judgement);
  void draw_curve(const TrainState& state);  ///< of the loss, where somebody looks

  TrainOptions options_;
  bool quiet_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::int64_t labels_at_start_;
  double share_at_start_;
  std::map<std::string, double> mean_loss_;
  std::vector<double> curve_;     ///< of the main loss, a point each `log_every` steps
  std::size_t points_drawn_ = 0;  ///< of it, when it was drawn last
  std::filesystem::path folder_;
  std::unique_ptr<RunLog> log_;  ///< opened anew where the run goes back
  std::optional<EventFile> events_;
  base::Progress progress_;
};

}  // namespace banter::train
