#include "serve/client/process_use.h"

#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

#include "base/errors.h"

namespace banter::serve {
namespace {

constexpr std::int64_t kOtherDescriptors = 64;

std::string content_of(const std::string& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// From proc(5).
ProcessUse use_of_folder(const std::string& folder) {
  const auto stat = content_of(folder + "/stat");
  const auto name_end = stat.rfind(')');
  if (name_end == std::string::npos)
    throw base::FileError(folder + "/stat: cannot be read; is there such a process?");
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0, system = 0;  // clock ticks
  fields >> user >> system;
  std::istringstream pages(content_of(folder + "/statm"));
  std::int64_t size = 0, resident = 0;
  pages >> size >> resident;
  return {.cpu_seconds = (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK)),
          .resident_bytes = resident * ::sysconf(_SC_PAGESIZE)};
}

}  // namespace

ProcessUse own_use() {
  auto use = use_of_folder("/proc/self");
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);  // finer than clock ticks
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  use.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  return use;
}

ProcessUse use_of(std::int64_t pid) { return use_of_folder("/proc/" + std::to_string(pid)); }

void allow_connections(std::int64_t connections) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const auto needed = static_cast<rlim_t>(connections + kOtherDescriptors);
  if (limit.rlim_cur < needed)
    throw base::UsageError(std::to_string(connections) + " connections need " +
                           std::to_string(needed) + " descriptors, and this process may open " +
                           std::to_string(limit.rlim_cur) + "; raise it with `ulimit -Hn`");
}

}  // namespace banter::serve
