#include "train/batch_size.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <c10/core/CachingDeviceAllocator.h>

#include "base/allocator.h"
#include "base/errors.h"
#include "base/memory.h"
#include "base/signals.h"
#include "models/precision.h"
#include "train/arena.h"
#include "train/flat_config.h"
#include "train/range_rules.h"
#include "train/tasks/task.h"

namespace banter::train {
namespace {

constexpr std::string_view kKey = "batch.tokens_per_batch";
constexpr std::int64_t kFewest = 64, kMost = 131'072;
constexpr int kLooked = 256;     ///< batches, for the worst of them
constexpr int kFewBatches = 16;  ///< of an epoch: more labels are not wanted
constexpr std::int64_t kAllPhases = std::int64_t{1} << 40;  ///< updates: every loss counts

std::string megabytes(std::int64_t bytes) {
  return std::to_string((bytes + (std::int64_t{1} << 20) - 1) >> 20) + " MiB";
}

/// Memory of a device as a step meets it, beyond what was taken when this was made.
class Meter {
 public:
  explicit Meter(torch::Device device) : device_(device) {
    begin();
    before_ = device_.is_cpu() ? base::resident_memory() : reserved().current;
  }

  [[nodiscard]] std::int64_t free() const {
    if (device_.is_cpu()) return base::available_memory();
    return static_cast<std::int64_t>(allocator().getMemoryInfo(place()).first);
  }

  /// Gives back what is kept for later, and forgets peaks.
  void begin() {
    if (device_.is_cpu()) {
      base::give_back_free_memory();
      base::forget_peak_resident_memory();
    } else {
      allocator().emptyCache();
      allocator().resetPeakStats(place());
    }
  }

  /// The most that was taken since then.
  [[nodiscard]] std::int64_t taken() const {
    const auto peak = device_.is_cpu() ? base::peak_resident_memory() : reserved().peak;
    return std::max<std::int64_t>(0, peak - before_);
  }

 private:
  [[nodiscard]] c10::DeviceIndex place() const {
    return device_.has_index() ? device_.index() : c10::DeviceIndex{0};
  }
  [[nodiscard]] c10::DeviceAllocator& allocator() const {
    return *c10::getDeviceAllocator(device_.type());
  }
  [[nodiscard]] c10::CachingAllocator::Stat reserved() const {
    return allocator().getDeviceStats(place()).reserved_bytes[0];  // of all kinds of memory
  }

  torch::Device device_;
  std::int64_t before_ = 0;
};

Recipe with_tokens(const Recipe& recipe, std::int64_t tokens,
                   std::vector<std::string> overrides = {}) {
  overrides.push_back(std::string(kKey) + "=" + std::to_string(tokens));
  auto sized = Recipe::parse(recipe.text, "recipe", overrides);
  sized.device = recipe.device;  // that of this process
  return sized;
}

bool is_over(const TrainState& place) { return place.position.splits.front().epoch > 0; }

/// Where the first batches with the most of turns, contexts and replies are.
struct Worst {
  std::vector<TrainState> places;
  bool is_enough = false;  ///< the epoch had few batches
};
Worst worst_of(Task& task) {
  using Kind = std::int64_t Cells::*;
  constexpr std::array<Kind, 3> kKinds = {&Cells::turns, &Cells::stream, &Cells::replies};
  std::array<std::int64_t, kKinds.size()> most{};
  Worst worst{.places = std::vector<TrainState>(kKinds.size())};
  for (int i = 0; i < kLooked; ++i) {
    TrainState place;
    task.note_place(place);
    if (is_over(place)) {
      worst.is_enough = i < kFewBatches;
      break;
    }
    for (const auto& batch : task.next({})) {
      const auto cells = batch.cells();
      for (std::size_t kind = 0; kind < kKinds.size(); ++kind) {
        if (cells.*kKinds[kind] < most[kind]) continue;
        most[kind] = cells.*kKinds[kind];
        worst.places[kind] = place;
      }
    }
  }
  return worst;
}

/// The forward and the backward pass of a step, as a learner makes them.
void pass(Task& task, const TrainOptions& options, torch::Device device) {
  for (const auto& batch : task.next({})) {
    std::optional<models::Bf16Products> narrow;
    if (options.precision == "bf16") narrow.emplace(device);
    const auto losses = batch.losses(kAllPhases);
    narrow.reset();
    torch::Tensor total;
    for (const auto& loss : losses) {
      if (!loss.sum.requires_grad() || task.loss_weight(loss.name, kAllPhases) == 0) continue;
      total = total.defined() ? total + loss.sum : loss.sum;
    }
    if (total.defined()) total.backward();
  }
}

/// Of the optimizer and the average, which are the same whatever the batch.
std::int64_t kept_bytes(const TrainOptions& options, const Arena& arena) {
  const std::int64_t copies =
      (options.optimizer == "sgd" ? 1 : 2) + (options.ema_decay > 0 ? 1 : 0);
  return copies * static_cast<std::int64_t>(arena.values.nbytes());
}

Need measured_need(const Recipe& recipe, const data::Store& store, torch::Device device,
                   std::int64_t tokens, Meter& meter) {
  const auto trial = with_tokens(recipe, tokens, {"train.micro_batches=1", "train.prefetch=0"});
  meter.begin();
  const auto task = make_task(trial, store, device);
  task->model().train();
  const Arena arena(task->model(), range_rules(task->model(), trial.train, [&](const auto& name) {
                      return task->active_from(name);
                    }));
  const auto worst = worst_of(*task);
  for (const auto& place : worst.places) {
    base::throw_if_stopped();
    task->seek(place);
    pass(*task, trial.train, device);
  }
  return {meter.taken() + kept_bytes(trial.train, arena), worst.is_enough};
}

/// The number that a run's configuration has; nothing without one.
std::int64_t number_of_run(const std::string& config) {
  if (config.empty()) return data::BatchOptions::kAuto;
  const auto values = flat_config(config);
  const auto found = values.find(std::string(kKey));
  std::int64_t number = data::BatchOptions::kAuto;
  if (found != values.end())
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), number);
  return number;
}

}  // namespace

BatchSize largest_within(std::int64_t budget, const std::function<Need(std::int64_t)>& need) {
  auto last = need(kFewest);
  BatchSize size{.tokens = kFewest, .bytes = last.bytes, .budget = budget, .why = "memory"};
  if (size.bytes > budget)
    throw base::Error(std::string(kKey) + ": auto: a step with " + std::to_string(kFewest) +
                      " labels takes " + megabytes(size.bytes) +
                      ", and train.memory_share leaves " + megabytes(budget) +
                      "; free memory, raise it, or make the model or the contexts smaller");
  std::int64_t slope = size.bytes / 2;  // by which the need grew when the number last doubled
  while (true) {
    if (last.is_enough || size.tokens == kMost) {
      size.why = last.is_enough ? "epoch" : "most";
      return size;
    }
    if (size.bytes + 2 * slope > budget) break;
    last = need(2 * size.tokens);
    if (last.bytes > budget) break;
    slope = std::max<std::int64_t>(0, last.bytes - size.bytes);
    size.tokens *= 2;
    size.bytes = last.bytes;
  }
  if (size.bytes + slope > budget) return size;
  const auto between = size.tokens + size.tokens / 2;
  if (const auto bytes = need(between).bytes; bytes <= budget) {
    size.tokens = between;
    size.bytes = bytes;
  }
  return size;
}

BatchSize smallest_of_all(Ranks& ranks, const BatchSize& own) {
  if (ranks.size() == 1) return own;
  const auto of = static_cast<std::size_t>(ranks.size());
  std::vector<std::int64_t> all(3 * of);
  const auto tokens = std::span(all).first(of);
  const auto place = static_cast<std::size_t>(ranks.rank());
  all[place] = own.tokens;
  all[of + place] = own.bytes;
  all[2 * of + place] = own.budget;
  ranks.sum(all);
  const auto chosen = static_cast<std::size_t>(std::ranges::min_element(tokens) - tokens.begin());
  if (tokens[chosen] == own.tokens) return own;
  return {.tokens = tokens[chosen],
          .bytes = all[of + chosen],
          .budget = all[2 * of + chosen],
          .why = "process " + std::to_string(chosen)};
}

Sized with_batch_size(const Recipe& recipe, const data::Store& store, torch::Device device,
                      const std::string& run_config, Ranks& ranks) {
  if (recipe.batch.tokens_per_batch != data::BatchOptions::kAuto) return {recipe, {}};
  std::array known = {number_of_run(run_config)};
  ranks.broadcast(std::as_writable_bytes(std::span(known)));
  if (known[0] != data::BatchOptions::kAuto) return {with_tokens(recipe, known[0]), {}};

  Meter meter(device);
  const auto sharing = device.is_cpu() ? ranks.local_size() : 1;
  const auto budget = static_cast<std::int64_t>(static_cast<double>(meter.free()) *
                                                recipe.train.memory_share / sharing);
  ranks.wait();  // none takes what another has not looked at yet
  const auto size = smallest_of_all(ranks, largest_within(budget, [&](std::int64_t tokens) {
                                      return measured_need(recipe, store, device, tokens, meter);
                                    }));
  meter.begin();
  return {with_tokens(recipe, size.tokens), size};
}

}  // namespace banter::train
