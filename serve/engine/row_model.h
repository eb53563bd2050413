#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "models/decoding/reply.h"
#include "serve/engine/turn.h"

namespace banter::serve {

/// The end of a turn in its model.
struct EndedRows {
  models::Replies replies;
  std::optional<std::vector<FactVerdict>> consistency{};  ///< of the best reply, by a judge
};

/// Conversations that a model keeps encoded, since it was loaded.
struct CacheState {
  std::int64_t bytes = 0;       ///< now
  std::uint64_t hits = 0;       ///< turns whose conversation was kept
  std::uint64_t misses = 0;     ///< turns whose conversation was new, or had been let go
  std::uint64_t evictions = 0;  ///< conversations that were let go for want of room
};

/// What the engine sees of a model: rows that take a step together. Plain values; the model of a
/// run is one implementation, the null model another.
///
/// Threads  the engine's alone, one at a time
class RowModel {
 public:
  using Committed = std::function<void(std::uint64_t number, const TurnProgress&)>;

  virtual ~RowModel() = default;

  /// Of the checkpoint.
  [[nodiscard]] virtual const std::string& revision() const = 0;

  /// Rows that a turn takes while it runs.
  [[nodiscard]] virtual std::int64_t rows_of(const Turn& turn) const = 0;
  /// Encodes what is new of a turn's context and gives it rows from the next step on.
  /// Throws   base::Error when it cannot be answered; nothing of it is left then
  virtual TurnTokens add(std::uint64_t number, const Turn& turn) = 0;
  /// Ends a turn: its rows are gone before the next step. Of a number that is not there, nothing.
  virtual void drop(std::uint64_t number) = 0;
  /// One token for each row. The turns that ended in it, by `number`; `committed` is told of those
  /// whose certain part grew.
  /// Throws   base::Error when the model failed: all its turns are gone then
  virtual std::vector<EndedRows> step(const Committed& committed) = 0;

  /// Work that makes a later turn cheaper, while nothing waits: encodes a finished reply. False
  /// when there was none.
  virtual bool settle() = 0;
  /// A conversation went on with another reply than the last one, or has ended.
  virtual void forget(const std::string& conversation) = 0;
  [[nodiscard]] virtual CacheState cache() const = 0;
};

}  // namespace banter::serve
