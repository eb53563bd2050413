#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace banter::base {

/// SHA-256 of bytes that come in pieces (OpenSSL).
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void add(std::span<const std::byte> bytes);
  void add(std::string_view text);
  /// Ends the hash; 64 lower-case hexadecimal digits. Once.
  [[nodiscard]] std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view text);
/// `read` is told how many more bytes were read, piece by piece, so that it can show and stop.
/// Throws   FileError, and what `read` throws
std::string sha256_hex_of_file(
    const std::filesystem::path& path,
    const std::function<void(std::uint64_t)>& read = [](std::uint64_t) {});

}  // namespace banter::base
