#include "serve/sessions/secrets.h"

#include <array>
#include <bit>
#include <span>
#include <vector>

#include <openssl/rand.h>

#include "base/errors.h"
#include "base/hash.h"
#include "serve/protocol/decode_settings.h"

namespace banter::serve {
namespace {

void fill(std::span<unsigned char> bytes) {
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw base::Error("the operating system gives no random bytes");
}

}  // namespace

std::string random_hex(std::size_t bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::vector<unsigned char> random(bytes);
  fill(random);
  std::string text;
  for (const auto byte : random) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

std::string name_in_log(const std::string& session) {
  constexpr std::size_t kDigits = 8;
  return base::sha256_hex(session).substr(0, kDigits);
}

std::int64_t random_seed() {
  std::array<unsigned char, sizeof(std::uint64_t)> random{};
  fill(random);
  return static_cast<std::int64_t>(std::bit_cast<std::uint64_t>(random) &
                                   static_cast<std::uint64_t>(kMaxWhole));
}

}  // namespace banter::serve
