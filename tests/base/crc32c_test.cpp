#include "base/crc32c.h"

#include <string>

#include <gtest/gtest.h>

namespace banter::base {
namespace {

/// RFC 3720, appendix B.4, and the usual check value.
TEST(Crc32cTest, IsThatOfTheRfc) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43U);
  std::string rising;
  for (char c = 0; c < 32; ++c) rising += c;
  EXPECT_EQ(crc32c(rising), 0x46DD794EU);
  EXPECT_EQ(crc32c(""), 0U);
}

}  // namespace
}  // namespace banter::base
