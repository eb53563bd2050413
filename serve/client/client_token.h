#pragma once

#include <optional>
#include <string>

namespace banter::serve {

inline constexpr const char* kTokenVariable = "BANTER_TOKEN";

/// What lets a client in: the first line of a file or, where none is named, the environment
/// variable; nothing when there is neither.
/// Throws   FileError; UsageError when it is not 1 to 1024 printable ASCII characters without a
///          space, naming where it came from and not the token
std::optional<std::string> client_token(const std::string& file);

}  // namespace banter::serve
