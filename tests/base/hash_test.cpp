#include "base/hash.h"

#include <string>

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

TEST(HashTest, AFileHashesLikeItsBytes) {
  const tests::TemporaryFolder folder;
  write_durably(folder / "file", "abc");
  EXPECT_EQ(sha256_hex_of_file(folder / "file"), kAbc);
  EXPECT_THROW((void)sha256_hex_of_file(folder / "missing"), FileError);
}

}  // namespace
}  // namespace banter::base
