#include "models/layers/fused.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/errors.h"

namespace banter::models {
namespace {

/// One bit a kernel.
unsigned plain_kernels() {
  const char* list = std::getenv("BANTER_PLAIN");
  std::string_view rest = list == nullptr ? "" : list;
  unsigned plain = 0;
  while (!rest.empty()) {
    const auto name = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    const auto* known = std::ranges::find(kKernelNames, name);
    if (known == kKernelNames.end()) {
      std::string names;
      for (const auto one : kKernelNames) names += " " + std::string(one);
      throw base::ConfigError("BANTER_PLAIN: no kernel is called \"" + std::string(name) +
                              "\"; known:" + names);
    }
    plain |= 1U << static_cast<unsigned>(known - kKernelNames.begin());
  }
  return plain;
}

}  // namespace

bool is_used(Kernel kernel) {
  static const unsigned plain = plain_kernels();
  return (plain >> static_cast<unsigned>(kernel) & 1U) == 0;
}

}  // namespace banter::models
