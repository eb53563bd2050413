#include "base/files.h"

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/errors.h"
#include "tests/support/temporary_folder.h"

namespace banter::base {
namespace {

namespace fs = std::filesystem;
using tests::TemporaryFolder;

/// What `work` throws as a FileError, "" when it throws nothing.
template <typename Work>
std::string error_of(Work work) {
  try {
    work();
  } catch (const FileError& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::size_t count_files(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(FilesTest, AMappedFileShowsTheBytesOnDisk) {
  const TemporaryFolder folder;
  const std::string text = std::string("a\0b\xFF", 4) + std::string(10'000, 'x');
  write_durably(folder / "file", text);
  const MappedFile file(folder / "file");
  EXPECT_EQ(file.text(), text);
  EXPECT_EQ(file.bytes().size(), text.size());
}

TEST(FilesTest, AnEmptyFileMapsToNothing) {
  const TemporaryFolder folder;
  write_durably(folder / "empty", "");
  const MappedFile file(folder / "empty");
  EXPECT_TRUE(file.text().empty());
  EXPECT_EQ(read_file(folder / "empty"), "");
}

TEST(FilesTest, AMovedMappingStaysReadable) {
  const TemporaryFolder folder;
  write_durably(folder / "one", "first");
  write_durably(folder / "two", "second");
  MappedFile one(folder / "one");
  MappedFile moved(std::move(one));
  EXPECT_EQ(moved.text(), "first");
  moved = MappedFile(folder / "two");
  EXPECT_EQ(moved.text(), "second");
}

TEST(FilesTest, WhatIsNoPlainFileIsRefusedByName) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  for (const auto& [name, rule] :
       {std::pair{"missing", "No such file"}, {".", "is a folder"}, {"pipe", "is no plain file"}}) {
    const auto path = folder / name;
    const auto mapped = error_of([&] { const MappedFile file(path); });
    const auto read = error_of([&] { read_file(path); });
    EXPECT_TRUE(contains(mapped, rule) && contains(mapped, path.string())) << mapped;
    EXPECT_TRUE(contains(read, rule) && contains(read, path.string())) << read;
  }
}

TEST(FilesTest, APathCannotSteerTheTerminal) {
  EXPECT_TRUE(contains(error_of([] { read_file("no\x1B[2J"); }), "no\\x1B[2J: cannot be opened"));
}

TEST(FilesTest, AFileLongerThanAllowedIsNotRead) {
  const TemporaryFolder folder;
  write_durably(folder / "file", "12345");
  EXPECT_EQ(read_file(folder / "file", 5), "12345");
  EXPECT_TRUE(contains(error_of([&] { read_file(folder / "file", 4); }), "at most 4"));
}

TEST(FilesTest, FoldersAreMadeWithTheirParentsAndSizesTold) {
  const TemporaryFolder folder;
  make_folders(folder / "x" / "y");
  make_folders(folder / "x" / "y");
  write_durably(folder / "x" / "y" / "file", "12345");
  EXPECT_EQ(size_of_file(folder / "x" / "y" / "file"), 5u);
  EXPECT_TRUE(
      contains(error_of([&] { (void)size_of_file(folder / "none"); }), "none: cannot be read"));
  const auto below_a_file = folder / "x" / "y" / "file" / "z";
  EXPECT_TRUE(contains(error_of([&] { make_folders(below_a_file); }), "z: cannot be made"));
}

TEST(FilesTest, PiecesOfAnySizeArriveInOrder) {
  const TemporaryFolder folder;
  std::string whole;
  FileWriter writer(folder / "file");
  for (const std::size_t size : {1u, 65'535u, 2u, 65'536u, 0u, 3'000'000u, 65'533u, 2u, 7u}) {
    const std::string piece(size, static_cast<char>('a' + whole.size() % 26));
    writer.write(piece);
    whole += piece;
    EXPECT_EQ(writer.size(), whole.size());
  }
  writer.close();
  EXPECT_EQ(read_file(folder / "file"), whole);
}

TEST(FilesTest, AMovedWriterGoesOn) {
  const TemporaryFolder folder;
  FileWriter first(folder / "file");
  first.write("one ");
  FileWriter second(std::move(first));
  second.write("two");
  second.close();
  EXPECT_EQ(read_file(folder / "file"), "one two");
}

TEST(FilesTest, AFullDiskIsAnErrorThatNamesTheFile) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "/dev/full is not there";
  const auto on_close = error_of([] {
    FileWriter writer("/dev/full");
    writer.write("x");
    writer.close();
  });
  const auto on_write = error_of([] {
    FileWriter writer("/dev/full");
    writer.write(std::string(5'000'000, 'x'));
  });
  EXPECT_TRUE(contains(on_close, "/dev/full") && contains(on_close, "No space")) << on_close;
  EXPECT_TRUE(contains(on_write, "/dev/full") && contains(on_write, "No space")) << on_write;
}

TEST(FilesTest, ADurableWriteReplacesTheOldContentAndLeavesNothingBeside) {
  const TemporaryFolder folder;
  write_durably(folder / "file", "a long old content");
  write_durably(folder / "file", "new");
  EXPECT_EQ(read_file(folder / "file"), "new");
  EXPECT_EQ(count_files(folder.path()), 1u);
}

TEST(FilesTest, ADurableWriteThatFailsLeavesEverythingAsItWas) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "taken" / "inside");  // a folder that rename cannot replace
  EXPECT_NE(error_of([&] { write_durably(folder / "taken", "text"); }), "");
  EXPECT_TRUE(fs::is_directory(folder / "taken" / "inside"));
  EXPECT_EQ(count_files(folder.path()), 1u);
  EXPECT_NE(error_of([&] { write_durably(folder / "no" / "such" / "file", "text"); }), "");
}

TEST(FilesTest, AFolderIsRenamedWhole) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "made");
  write_durably(folder / "made" / "file", "inside");
  rename_durably(folder / "made", folder / "final");
  EXPECT_EQ(read_file(folder / "final" / "file"), "inside");
  EXPECT_FALSE(fs::exists(folder / "made"));
  EXPECT_NE(error_of([&] { rename_durably(folder / "made", folder / "other"); }), "");
  EXPECT_NE(error_of([&] { sync_folder(folder / "final" / "file"); }), "");
}

/// Two folders with a file each.
void make_two(const TemporaryFolder& folder) {
  for (const char* name : {"a", "b"}) {
    fs::create_directory(folder / name);
    write_durably(folder / name / "file", name);
  }
}

/// From here on this process has a file system that cannot exchange.
void forbid_exchange() {
  constexpr auto kRefused = SECCOMP_RET_ERRNO | ENOSYS;
  sock_filter rules[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_renameat2, 0, 1),
                         BPF_STMT(BPF_RET | BPF_K, kRefused),
                         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{std::size(rules), rules};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    std::exit(77);
}

/// Skips where a process may not forbid itself a system call.
class FilesDeathTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto child = ::fork();
    if (child == 0) {
      forbid_exchange();
      std::_Exit(0);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
      GTEST_SKIP() << "no seccomp filters here: a file system that cannot exchange is not tested";
  }
};

TEST(FilesTest, TwoFoldersAreExchanged) {
  const TemporaryFolder folder;
  make_two(folder);
  exchange_durably(folder / "a", folder / "b");
  EXPECT_EQ(read_file(folder / "a" / "file"), "b");
  EXPECT_EQ(read_file(folder / "b" / "file"), "a");
  EXPECT_NE(error_of([&] { exchange_durably(folder / "none", folder / "b"); }), "");
  EXPECT_EQ(read_file(folder / "b" / "file"), "a");
  EXPECT_EQ(count_files(folder.path()), 2u);
}

TEST_F(FilesDeathTest, TwoFoldersAreExchangedWhereTheFileSystemHasNoStepForIt) {
  const TemporaryFolder folder;
  make_two(folder);
  const auto exchange = [&](const char* a) {
    forbid_exchange();
    std::exit(error_of([&] { exchange_durably(folder / a, folder / "b"); }).empty() ? 0 : 1);
  };
  EXPECT_EXIT(exchange("none"), testing::ExitedWithCode(1), "");
  EXPECT_EQ(read_file(folder / "b" / "file"), "b");
  EXPECT_EXIT(exchange("a"), testing::ExitedWithCode(0), "");
  EXPECT_EQ(read_file(folder / "a" / "file"), "b");
  EXPECT_EQ(read_file(folder / "b" / "file"), "a");
  EXPECT_EQ(count_files(folder.path()), 2u);
}

TEST_F(FilesDeathTest, WhatAnExchangeThatWasCutOffLeftIsNotOverwritten) {
  const TemporaryFolder folder;
  make_two(folder);
  const auto exchange = [&] {
    forbid_exchange();
    fs::create_directories(folder / "b.old" / "of another day");
    std::exit(error_of([&] { exchange_durably(folder / "a", folder / "b"); }).empty() ? 0 : 1);
  };
  EXPECT_EXIT(exchange(), testing::ExitedWithCode(1), "");
  EXPECT_EQ(read_file(folder / "b" / "file"), "b");
  EXPECT_TRUE(fs::exists(folder / "b.old" / "of another day"));
}

}  // namespace
}  // namespace banter::base
