#include "base/memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/errors.h"

namespace banter::base {
namespace {

/// The number behind a word of a file of lines `WORD NUMBER [kB]`; nothing where it is not there.
std::optional<std::int64_t> number_behind(const std::string& file, std::string_view word) {
  std::ifstream lines(file);
  for (std::string key; lines >> key; lines.ignore(std::numeric_limits<int>::max(), '\n')) {
    std::int64_t number = 0;
    if (key == word && lines >> number) return number;
  }
  return {};
}

std::int64_t kilobytes(const std::string& file, std::string_view word) {
  const auto number = number_behind(file, word);
  if (!number) throw FileError(file + ": has no " + std::string(word));
  return *number * 1024;
}

std::optional<std::int64_t> number_in(const std::string& file) {
  std::ifstream text(file);
  std::int64_t number = 0;
  if (text >> number) return number;
  return {};  // not there, or "max"
}

/// The folder of this process's control group.
std::string control_group() {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);)
    if (line.starts_with("0::")) return "/sys/fs/cgroup" + line.substr(3);
  return "/sys/fs/cgroup";
}

}  // namespace

std::int64_t available_memory() {
  auto free = kilobytes("/proc/meminfo", "MemAvailable:");
  const std::string top = "/sys/fs/cgroup";
  for (auto group = control_group(); group.size() >= top.size();
       group.resize(std::max(group.rfind('/'), std::string::size_type{0}))) {
    const auto limit = number_in(group + "/memory.max");
    const auto used = number_in(group + "/memory.current");
    if (limit && used) {
      const auto cache = number_behind(group + "/memory.stat", "inactive_file").value_or(0);
      free = std::min(free, std::max<std::int64_t>(0, *limit - *used + cache));
    }
  }
  return free;
}

std::int64_t resident_memory() { return kilobytes("/proc/self/status", "VmRSS:"); }
std::int64_t peak_resident_memory() { return kilobytes("/proc/self/status", "VmHWM:"); }

void forget_peak_resident_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }

}  // namespace banter::base
