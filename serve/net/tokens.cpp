#include "serve/net/tokens.h"

#include <algorithm>
#include <sstream>

#include <openssl/crypto.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/utf8.h"

namespace banter::serve {
namespace {

constexpr std::size_t kHashDigits = 64;

bool is_hash(std::string_view text) {
  return text.size() == kHashDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

Tokens::Tokens(const std::filesystem::path& file) {
  std::istringstream lines(base::read_file(file, 1U << 20U));
  std::string line;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    const auto fail = [&](const std::string& why) {
      throw base::ConfigError(file.string() + ":" + std::to_string(number) + ": " + why);
    };
    if (base::is_blank(line) || line.starts_with('#')) continue;
    std::istringstream words(line);
    Known known;
    std::string more;
    words >> known.name >> known.hash;
    std::ranges::transform(known.hash, known.hash.begin(), base::small_ascii);
    if (words >> more || !is_hash(known.hash)) {
      fail("expected a name and the SHA-256 of its token in 64 hexadecimal digits");
    }
    for (const auto& other : known_) {
      if (other.name == known.name) fail("the name stands twice");
      if (other.hash == known.hash) fail("the token stands twice");
    }
    known_.push_back(std::move(known));
  }
  if (known_.empty()) throw base::ConfigError(file.string() + ": there is no token in it");
}

std::optional<std::string> Tokens::name_of(std::string_view token) const {
  const auto hash = base::sha256_hex(token);
  const Known* found = nullptr;
  for (const auto& known : known_) {
    if (CRYPTO_memcmp(hash.data(), known.hash.data(), kHashDigits) == 0) found = &known;
  }
  if (found == nullptr) return std::nullopt;
  return found->name;
}

std::string_view Tokens::bearer(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return "";
  if (!base::equal_but_for_case(authorization.substr(0, kScheme.size()), kScheme)) return "";
  auto token = authorization.substr(kScheme.size());
  while (token.starts_with(' ')) token.remove_prefix(1);
  return token;
}

}  // namespace banter::serve
