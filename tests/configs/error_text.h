#pragma once

#include <string>

#include "base/errors.h"

namespace banter::configs {

/// The message of the ConfigError that `work` throws, "" when it throws nothing.
template <typename Work>
std::string error_of(Work work) {
  try {
    work();
  } catch (const base::ConfigError& error) {
    return error.what();
  }
  return "";
}

}  // namespace banter::configs
