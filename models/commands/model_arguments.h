#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "configs/command_line.h"
#include "models/checkpoint/load_model.h"
#include "models/commands/given_context.h"
#include "models/commands/print.h"
#include "models/decoding/options.h"

namespace banter::models {

/// RUN, --device and --threads of the commands that use a trained model.
struct ModelArguments {
  std::string run;
  std::string device = "auto";
  int threads = 0;
  std::vector<std::string> ensemble = {};   ///< runs that answer together with `run`
  std::string ensemble_mean = "log_probs";  ///< as in Ensemble

  void add_to(CLI::App& app);
  void add_ensemble_to(CLI::App& app);  ///< --ensemble and --ensemble-mean, too
  /// Sets threads, opens the device and loads the model; its warning goes to standard error. Of an
  /// ensemble, all that is no model comes from `run`.
  /// Throws   CheckpointError; UsageError when runs of an ensemble do not go together
  [[nodiscard]] LoadedModel load(torch::Dtype dtype = torch::kFloat32) const;
  /// The same of a run that is a classifier of sentence pairs.
  [[nodiscard]] LoadedClassifier load_classifier() const;
  /// The same of another such run, under --device.
  [[nodiscard]] LoadedClassifier load_other_classifier(const std::string& name) const;
  /// The same of another run alone, under --device.
  [[nodiscard]] LoadedModel load_other(const std::string& name,
                                       torch::Dtype dtype = torch::kFloat32) const;
};

/// A flag for each field of DecodingOptions: --beam-size is --set decoding.beam_size. Those that
/// hold a list may be repeated; --block-list FILE adds phrases to `block`, one a line.
class DecodingFlags {
 public:
  void add_to(CLI::App& app);

  /// The options of the run's config under --set and the flags, in this order; `later` come last
  /// ("temperature=0.8"). Prints them and returns nothing when --dump-config was given. Says on
  /// standard error which of the flags (of the last of `later`, when there are some) names an
  /// option that the method does not read.
  /// Throws   ConfigError; FileError, DataError for the block list; UsageError when --set names
  /// something else than decoding.*
  [[nodiscard]] std::optional<DecodingOptions> read(
      const Checkpoint& checkpoint, const configs::CommonOptions& common,
      const std::vector<std::string>& later = {}) const;

 private:
  std::map<std::string, std::string> values_;              ///< key -> value, "" = not given
  std::map<std::string, std::vector<std::string>> lists_;  ///< key -> its texts
  std::string block_list_;                                 ///< a file, "" = not given
};

/// The ids of a context that stands at `where`.
/// Throws   DataError "<where>: ..." when the model's limits leave neither a turn nor a fact of it
data::Context to_ids(const GivenContext& given, const LoadedModel& loaded, std::string_view where);

/// Throws   UsageError unless the model has a draft decoder
void expect_draft(const LoadedModel& loaded);

constexpr std::int64_t kMostRows = 4096;  ///< replies that are computed together at most

}  // namespace banter::models
