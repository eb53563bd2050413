#include "base/allocator.h"

#include <chrono>
#include <cstddef>
#include <string>

#include <dlfcn.h>
#include <malloc.h>
#include <sys/types.h>

// What jemalloc reads before the first allocation of a program that has this file (jemalloc(3),
// "TUNING"): keep_free_memory(). A training step asks for the blocks of the step before it, and
// giving them to the system in between costs training a quarter of its speed. Addresses are given
// back with pages (`retain`): jemalloc would keep them in ever larger pieces, and training then
// takes a tenth more memory.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "dirty_decay_ms:-1,muzzy_decay_ms:-1,oversize_threshold:0,retain:false";
}

namespace banter::base {
namespace {

using Control = int(const char*, void*, std::size_t*, void*, std::size_t);

/// jemalloc's mallctl; null where another malloc runs, a sanitizer's say.
Control* control() {
  static auto* const found = reinterpret_cast<Control*>(::dlsym(RTLD_DEFAULT, "mallctl"));
  return found;
}

template <typename Value>
Value control_value(const char* name) {
  Value value{};
  std::size_t size = sizeof(value);
  control()(name, static_cast<void*>(&value), &size, nullptr, 0);
  return value;
}

}  // namespace

std::string allocator_name() {
  if (control() == nullptr) return "the system's";
  const std::string version = control_value<const char*>("version");
  return "jemalloc " + version.substr(0, version.find('-'));
}

std::size_t allocated_bytes() {
  if (control() != nullptr) {
    std::size_t epoch = 1;  // any write renews the figures
    control()("epoch", nullptr, nullptr, &epoch, sizeof(epoch));
    return control_value<std::size_t>("stats.allocated");
  }
  const auto all = ::mallinfo2();
  return all.uordblks + all.hblkhd;
}

void keep_free_memory() {
  constexpr int kMost = 1 << 30;  // bytes; larger blocks are mapped, zeroed and given back
  ::mallopt(M_MMAP_THRESHOLD, kMost);
  ::mallopt(M_TRIM_THRESHOLD, kMost);
}

void give_back_free_memory() {
  if (control() != nullptr) {
    control()("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
    control()("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // 4096: MALLCTL_ARENAS_ALL
  } else {
    ::malloc_trim(0);
  }
}

void give_back_memory_free_for(std::chrono::milliseconds time) {
  if (control() == nullptr) return;
  auto decay = static_cast<::ssize_t>(time.count());
  const auto set = [&](const std::string& of) {
    control()((of + ".dirty_decay_ms").c_str(), nullptr, nullptr, &decay, sizeof(decay));
    control()((of + ".muzzy_decay_ms").c_str(), nullptr, nullptr, &decay, sizeof(decay));
  };
  set("arenas");  // those to come
  const auto arenas = control_value<unsigned>("arenas.narenas");
  for (unsigned arena = 0; arena < arenas; ++arena) set("arena." + std::to_string(arena));
  bool yes = true;
  control()("background_thread", nullptr, nullptr, &yes, sizeof(yes));
}

}  // namespace banter::base
