#pragma once

#include <functional>
#include <string>

namespace banter::serve {

/// How a write ended.
enum class WriteStatus {
  kDone,     ///< committed and durable
  kKnown,    ///< it was there already, and durable; nothing was written
  kMissing,  ///< no such session, dialogue, turn or version: deleted, expired, or never made
  kDenied,   ///< the resume token is none that is valid now; nothing was written
  kHeld,     ///< another server holds the session; nothing was written
  kFailed,   ///< the storage failed: nothing is promised, and it may be tried again
};

/// What a write came to. `value` stands with kDone and kKnown.
template <typename Value>
struct WriteResult {
  WriteStatus status = WriteStatus::kFailed;
  Value value{};
  std::string error;  ///< with kFailed: one sentence for the log, never shown to a client
};

struct Nothing {};

/// Called once for each write, on the writer thread, in the order in which the writes were asked
/// for, except that those of a group that failed may come after later ones. It must not block and
/// must not throw; it may ask for further writes.
template <typename Value>
using OnWritten = std::function<void(WriteResult<Value>)>;

}  // namespace banter::serve
