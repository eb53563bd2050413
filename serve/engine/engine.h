#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "serve/engine/row_model.h"
#include "serve/engine/turn.h"
#include "serve/time_histogram.h"

namespace banter::serve {

/// What bounds the engine.
struct EngineLimits {
  std::int64_t max_rows = 32;          ///< sequences that share a step; a beam of K costs K rows
  std::int64_t max_waiting = 128;      ///< turns that wait; one more is refused
  std::int64_t prefill_tokens = 2048;  ///< of contexts, encoded between two steps at most (a longer
                                       ///< one alone), so that running rows wait a bounded time
};

/// What the engine is doing, and has done since it began.
struct EngineState {
  std::int64_t waiting = 0, running = 0, rows = 0;  ///< turns, turns, rows of a step
  std::uint64_t steps = 0, stepped_rows = 0;        ///< their ratio is the mean batch
  std::uint64_t failures = 0;                       ///< turns that ended by an error of the model
  Clock::duration prefill{}, step{};                ///< spent in the model
  TimeHistogram between_tokens;                     ///< of a turn, whatever its rows
  CacheState cache;                                 ///< of the model that new turns go to
  Clock::duration silent{};  ///< since it last came round, while it has something to do
};

/// One thread that owns the model. Turns join and leave between two steps; each step makes one
/// token for every row of everybody.
///
/// Turns wait in queues of their owners, which take turns; while others wait, one owner holds at
/// most half of the rows. A turn that needs more rows than there are runs alone. What a turn gets
/// does not depend on the others. A listener that throws ends its own turn, with an error. A
/// cancelled turn and one whose deadline passed are gone before
/// the next step, or never reach the model.
///
/// Threads  all public functions from any thread; listeners are called on the engine's own
class Engine {
 public:
  Engine(std::shared_ptr<RowModel> model, const EngineLimits& limits);
  ~Engine();  ///< as `end`

  /// Ends what waits and runs as cancelled, and the thread; nothing is taken any more. From one
  /// thread, which is no listener's.
  void end();

  /// The turn's number; nothing when too many wait or the engine is ending: its listener is not
  /// called then.
  std::optional<std::uint64_t> submit(Turn turn, std::shared_ptr<TurnListener> listener);
  /// Of a turn that has ended or never was, nothing.
  void cancel(std::uint64_t number);
  /// See `RowModel::forget`.
  void forget(std::string conversation);
  /// Turns that start from now on go to this model; running ones end on theirs.
  void swap(std::shared_ptr<RowModel> model);

  /// How long one more turn would wait, by how fast turns ended lately: for `Retry-After`.
  [[nodiscard]] Clock::duration expected_wait() const;
  [[nodiscard]] EngineState state() const;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace banter::serve
