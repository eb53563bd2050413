#pragma once

#include <cstdint>

namespace banter::serve {

/// What a process has used of its machine.
struct ProcessUse {
  double cpu_seconds = 0;           ///< user and system, of all its threads, since it began
  std::int64_t resident_bytes = 0;  ///< now
};

ProcessUse own_use();
/// Throws   FileError when there is no such process
ProcessUse use_of(std::int64_t pid);

/// Raises the number of descriptors that this process may open to what it is allowed at most.
/// Throws   UsageError when that is not enough for `connections`
void allow_connections(std::int64_t connections);

}  // namespace banter::serve
