#include "serve/commands/model_loader.h"

#include <chrono>
#include <fstream>
#include <future>
#include <iterator>
#include <utility>

#include "base/errors.h"
#include "models/checkpoint/checkpoint.h"

namespace banter::serve {
namespace {

constexpr std::chrono::seconds kLook{2};  ///< between two looks at a run that is followed

/// Throws   ConfigError when sessions of the one model cannot go on with the other
void check_same_kind(const ServedModel& before, const ServedModel& next) {
  if (before.tokenizer->hash() != next.tokenizer->hash())
    throw base::ConfigError(
        "the new checkpoint has another tokenizer; restart the server to serve it");
  if (before.name.type != next.name.type)
    throw base::ConfigError("the new checkpoint is of another model; restart the server");
}

}  // namespace

ModelLoader::ModelLoader(LoadModel load, ServedRun served, bool follows, Calls calls)
    : served_(std::move(served)),
      load_model_(std::move(load)),
      follows_(follows),
      calls_(std::move(calls)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

ModelLoader::~ModelLoader() = default;

void ModelLoader::reload() {
  {
    const std::lock_guard lock(mutex_);
    is_asked_ = true;
  }
  changed_.notify_one();
}

/// What names the run's best checkpoint, "" before there is one.
std::string ModelLoader::pointer() const {
  std::ifstream file(models::RunName::parse(served_.run).run / "CURRENT");
  return {std::istreambuf_iterator<char>(file), {}};
}

void ModelLoader::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    bool is_asked = false;
    {
      std::unique_lock lock(mutex_);
      const auto asked = [this] { return is_asked_; };
      if (follows_) {
        changed_.wait_for(lock, stop, kLook, asked);
      } else {
        changed_.wait(lock, stop, asked);
      }
      is_asked = std::exchange(is_asked_, false);
    }
    if (stop.stop_requested()) return;
    const auto now = pointer();
    const bool has_changed = follows_ && now != seen_;
    if (follows_ && now.empty() && !model_) continue;  // its first checkpoint is still to come
    if (!is_asked && !has_changed) continue;
    seen_ = now;
    load();
  }
}

void ModelLoader::load() {
  try {
    // On a thread that ends: the computing threads that loading has begun would last as long as it,
    // and where OpenMP counts more threads than cores, those of the engine sleep between any two
    // products instead of waiting for the next one (GOMP_SPINCOUNT in libgomp's manual).
    auto loading = std::async(std::launch::async, [this] { return load_model_(served_, {}); });
    auto next = loading.get();
    if (model_) check_same_kind(*model_, *next);
    model_ = std::move(next);
    calls_.on_model(model_);
  } catch (...) {
    calls_.on_failure(std::current_exception(), model_ == nullptr);
  }
}

}  // namespace banter::serve
