#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "serve/sessions/served_run.h"

namespace banter::serve {

/// Loads a run's model beside whatever runs, and again when asked to or, where it follows, when the
/// run has another best checkpoint.
///
/// Threads  one of its own, on which `on_model` and `on_failure` are called; `reload` from any
class ModelLoader {
 public:
  struct Calls {
    /// A model is ready: the first one, or one that takes the place of the one before.
    std::function<void(std::shared_ptr<const ServedModel>)> on_model;
    /// It could not be loaded. `is_first`: there is none before it that could go on.
    std::function<void(std::exception_ptr error, bool is_first)> on_failure;
  };

  /// `follows`: a run without a checkpoint is waited for.
  ModelLoader(LoadModel load, ServedRun served, bool follows, Calls calls);
  ~ModelLoader();

  void reload();

 private:
  void run(const std::stop_token& stop);
  void load();
  [[nodiscard]] std::string pointer() const;

  ServedRun served_;
  LoadModel load_model_;
  bool follows_;
  Calls calls_;
  std::shared_ptr<const ServedModel> model_;  ///< the last one
  std::string seen_;                          ///< RUN/CURRENT when it was loaded

  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool is_asked_ = true;
  std::jthread thread_;  ///< last: it starts when all else is there
};

}  // namespace banter::serve
