#include "serve/client/client_token.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/errors.h"
#include "base/files.h"
#include "base/utf8.h"

namespace banter::serve {
namespace {

constexpr std::size_t kMaxChars = 1024;
constexpr std::uint64_t kMaxFileBytes = 64U << 10U;

}  // namespace

std::optional<std::string> client_token(const std::string& file) {
  std::string token, where;
  if (!file.empty()) {
    token = base::read_file(file, kMaxFileBytes);
    token.erase(std::min(token.find('\n'), token.size()));
    if (token.ends_with('\r')) token.pop_back();
    where = base::printable(file) + ": its first line";
  } else {
    const char* value = std::getenv(kTokenVariable);
    if (value == nullptr || *value == '\0') return std::nullopt;
    token = value;
    where = kTokenVariable;
  }
  const bool is_sound = !token.empty() && token.size() <= kMaxChars &&
                        std::ranges::all_of(token, [](char c) { return c > ' ' && c <= '~'; });
  if (!is_sound)
    throw base::UsageError(where + " must be a token: 1 to " + std::to_string(kMaxChars) +
                           " printable ASCII characters without a space");
  return token;
}

}  // namespace banter::serve
