#pragma once

#include <string>

#include "base/errors.h"

namespace banter::serve {

/// What an error of the storage means for what comes next.
enum class StorageFault {
  kStatement,    ///< this write alone is at fault (a rule of the schema)
  kUnavailable,  ///< full disk, read-only, locked, input/output error: try later
  kBroken,       ///< the connection is gone: open another
  kCorrupt,      ///< the database is damaged
};

/// The archive cannot be opened, read or written: names it and says why. Never holds what was to
/// be stored.
class StorageError : public base::Error {
 public:
  StorageError(StorageFault kind, const std::string& message) : Error(message), fault(kind) {}
  const StorageFault fault;
};

}  // namespace banter::serve
