#include "base/hash.h"

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "tests/support/temporary_folder.h"

namespace banter::base {
namespace {

constexpr auto kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(HashTest, EqualsThePublishedAnswers) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), kAbc);
}

TEST(HashTest, PiecesHashLikeTheWhole) {
  Sha256 hash;
  hash.add("a");
  hash.add("");
  Sha256 moved(std::move(hash));
  moved.add(std::as_bytes(std::span("bc", 2)));
  EXPECT_EQ(moved.hex(), kAbc);
}

TEST(HashTest, HashingAFileTellsHowFarItIsAndCanBeStopped) {
  const tests::TemporaryFolder folder;
  write_durably(folder / "file", std::string(3'000'000, 'x'));
  std::vector<std::uint64_t> pieces;
  (void)sha256_hex_of_file(folder / "file", [&](std::uint64_t bytes) { pieces.push_back(bytes); });
  EXPECT_GE(pieces.size(), 3u);
  EXPECT_EQ(std::accumulate(pieces.begin(), pieces.end(), std::uint64_t{0}), 3'000'000u);
  EXPECT_THROW((void)sha256_hex_of_file(folder / "file", [](std::uint64_t) { throw Stopped(2); }),
               Stopped);
}

TEST(HashTest, AFileHashesLikeItsBytes) {
  const tests::TemporaryFolder folder;
  write_durably(folder / "file", "abc");
  EXPECT_EQ(sha256_hex_of_file(folder / "file"), kAbc);
  EXPECT_THROW((void)sha256_hex_of_file(folder / "missing"), FileError);
}

}  // namespace
}  // namespace banter::base
