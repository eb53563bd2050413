#include "data/scratch/byte_log.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "tests/support/full_disk.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

std::string read(const data::ByteLog& log, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  log.read(offset, bytes.data(), size);
  return bytes;
}

TEST(ByteLogTest, PiecesComeBackWhetherWrittenOrHeld) {
  const TemporaryFolder folder;
  data::ByteLog log(folder.path());
  std::vector<std::pair<std::uint64_t, std::string>> pieces;
  for (std::size_t size :
       {1UL, 1000UL, data::ByteLog::kBufferBytes - 1, 3UL, 3 * data::ByteLog::kBufferBytes, 5UL}) {
    std::string piece(size, static_cast<char>('a' + pieces.size()));
    const auto offset = log.append(piece);
    pieces.emplace_back(offset, std::move(piece));
    for (const auto& [at, text] : pieces) ASSERT_TRUE(read(log, at, text.size()) == text) << at;
  }
}

TEST(ByteLogTest, AFullDiskIsToldBeforeAnythingIsHeld) {
  const TemporaryFolder folder;
  data::ByteLog log(folder.path());
  const FullDisk full(data::ByteLog::kBufferBytes / 2);
  EXPECT_THROW(log.append("a"), base::FileError);
}

}  // namespace
}  // namespace banter::tests
