#pragma once

#include <string_view>

namespace banter::base {

/// What a person should read of any exception: LibTorch appends a backtrace to its messages.
inline std::string_view without_backtrace(std::string_view what) {
  return what.substr(0, what.find("\nException raised from"));
}

}  // namespace banter::base
