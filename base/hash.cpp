#include "base/hash.h"

#include <array>

#include <openssl/evp.h>

#include "base/errors.h"
#include "base/files.h"

namespace banter::base {

namespace {

/// Looked up once: OpenSSL takes longer for that than for a short text.
const EVP_MD* sha256() {
  static const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> found(
      EVP_MD_fetch(nullptr, "SHA256", nullptr), &EVP_MD_free);
  return found.get();
}

}  // namespace

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  if (state_->context == nullptr || EVP_DigestInit_ex(state_->context, sha256(), nullptr) != 1)
    throw Error("OpenSSL cannot start SHA-256");
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::add(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}

void Sha256::add(std::string_view text) {
  EVP_DigestUpdate(state_->context, text.data(), text.size());
}

std::string Sha256::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(state_->context, digest.data(), &size);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(std::size_t{2} * size);
  for (unsigned i = 0; i < size; ++i) {
    text += kDigits[digest[i] >> 4U];
    text += kDigits[digest[i] & 15U];
  }
  return text;
}

std::string sha256_hex(std::string_view text) {
  Sha256 hash;
  hash.add(text);
  return hash.hex();
}

std::string sha256_hex_of_file(const std::filesystem::path& path,
                               const std::function<void(std::uint64_t)>& read) {
  Sha256 hash;
  read_in_pieces(path, [&](std::string_view piece) {
    hash.add(piece);
    read(piece.size());
  });
  return hash.hex();
}

}  // namespace banter::base
