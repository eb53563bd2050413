#pragma once

#include <cstdint>

namespace banter::base {

/// Memory of this machine that may still be taken, in bytes: MemAvailable of /proc/meminfo, or less
/// where a control group (version 2) of this process has a limit; its file cache counts as free.
/// Throws   FileError
std::int64_t available_memory();

/// What this process holds resident, and the most that it ever held, in bytes.
/// Throws   FileError
std::int64_t resident_memory();
std::int64_t peak_resident_memory();

/// Lowers the peak to what is resident now. Where the kernel does not let a process do that the
/// peak stays: no smaller than the truth.
void forget_peak_resident_memory();

}  // namespace banter::base
