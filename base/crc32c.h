#pragma once

#include <cstdint>
#include <string_view>

namespace banter::base {

/// CRC-32C (Castagnoli) of bytes.
/// Math     reflected polynomial 0x82F63B78, begun and ended with all bits set
/// Source   RFC 3720, section 12.1 and appendix B.4
std::uint32_t crc32c(std::string_view bytes);

}  // namespace banter::base
