#include "base/allocator.h"

#include <dlfcn.h>
#include <malloc.h>

namespace banter::base {
namespace {

/// A function of tcmalloc's C interface (gperftools, malloc_extension_c.h); null without it.
template <typename Function>
Function* of_tcmalloc(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_DEFAULT, name));
}

}  // namespace

std::string allocator_name() {
  auto* const version = of_tcmalloc<const char*(int*, int*, const char**)>("tc_version");
  if (version == nullptr) return "the system's";
  return "tcmalloc " + std::string(version(nullptr, nullptr, nullptr));
}

std::size_t allocated_bytes() {
  std::size_t bytes = 0;
  if (auto* const property =
          of_tcmalloc<int(const char*, std::size_t*)>("MallocExtension_GetNumericProperty")) {
    property("generic.current_allocated_bytes", &bytes);
    return bytes;
  }
  const auto all = ::mallinfo2();
  return all.uordblks + all.hblkhd;
}

void give_back_free_memory() {
  if (auto* const give_back = of_tcmalloc<void()>("MallocExtension_ReleaseFreeMemory"))
    give_back();
  else
    ::malloc_trim(0);
}

}  // namespace banter::base
