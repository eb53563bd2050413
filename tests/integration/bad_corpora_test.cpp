#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/data/made_files.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

namespace fs = std::filesystem;

/// A corpus that nothing can be made of, and what the program says.
struct BadCorpus {
  std::string bytes;
  const char* prepare_says;  ///< it ends with 1
  int inspect_code;
  const char* inspect_says;
};

std::string talk() {
  std::string lines;
  for (int i = 0; i < 40; ++i)
    lines += json_line("d" + std::to_string(i), {"is room " + std::to_string(i) + " free", "yes"});
  return lines;
}

std::string cut(const std::string& bytes) { return bytes.substr(0, bytes.size() * 2 / 3); }

const std::map<std::string, BadCorpus> kBadCorpora = {
    {"empty", {"", "no dialogue is left", 0, "an empty file"}},
    {"binary", {"\x01\x02\x03\n", "holds no known format", 1, "holds no known format"}},
    {"utf8",
     {json_line("a", {"caf\xC3", "yes"}), "bad:1: a text is not valid UTF-8", 0,
      "bad:1: a text is not valid UTF-8"}},
    {"utf16", {std::string("\xFF\xFE{\0", 4), "is UTF-16", 1, "INCOMPLETE"}},
    {"cut.gz", {cut(gzip(talk())), "the gzip is cut", 1, "INCOMPLETE"}},
    {"cut.tar", {cut(tar({{"a.jsonl", talk()}})), "bad:a.jsonl", 1, "INCOMPLETE"}},
    {"cut.zip", {cut(zip({{"a.jsonl", talk()}})), "the zip archive is cut", 1, "INCOMPLETE"}},
    {"climbing.tgz",
     {gzip(tar({{"../../escaped.jsonl", talk()}, {"/tmp/escaped.jsonl", talk()}})),
      "bad:../../escaped.jsonl: a name with \"..\" in an archive is refused", 0,
      "an absolute name in an archive is refused"}},
};

/// A folder with a sound store, and what must not change in it.
class BadCorporaTest : public testing::Test {
 protected:
  BadCorporaTest() {
    write_file(folder_ / "in/corpus", talk());
    const auto made = banter({"prepare", recipe("corpus")});
    EXPECT_EQ(made.exit_code, 0) << made.err;
  }

  static ProcessResult banter(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), BANTER_PROGRAM);
    return run(std::move(arguments));
  }

  /// A recipe that makes the store of another file.
  std::string recipe(const std::string& source) {
    const auto path = folder_ / "in/recipe.yaml";
    write_file(path, "store: " + store_ +
                         "\ndata:\n  sources: [{path: " + (folder_ / "in" / source).string() +
                         "}]\n  tokenizer: {vocab_size: 350}\n");
    return path.string();
  }

  /// Every file below the folder, with its bytes; but for locks, which name the last process.
  [[nodiscard]] std::map<std::string, std::string> all() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path()))
      if (entry.path().extension() != ".lock")
        files[fs::relative(entry.path(), folder_.path()).string()] =
            entry.is_regular_file() ? read_whole(entry.path()) : "";
    return files;
  }

  /// Runs a command that must end with `code` and say `part` without changing a file.
  void expect(const std::vector<std::string>& arguments, int code, const std::string& part) {
    const auto before = all();
    const auto result = banter(arguments);
    EXPECT_EQ(result.exit_code, code) << arguments.back() << result.out << result.err;
    const auto said = (arguments.front() == "prepare" ? "" : result.out) + result.err;
    EXPECT_NE(said.find(part), std::string::npos) << part << "\n" << said;
    EXPECT_TRUE(all() == before) << arguments.front() << ' ' << arguments.back();
  }

  TemporaryFolder folder_;
  std::string store_ = (folder_ / "stores/made").string();
};

TEST_F(BadCorporaTest, ACorpusThatNothingCanBeMadeOfEndsWithASentenceAndTheOldStoreStays) {
  for (const auto& [name, bad] : kBadCorpora) {
    SCOPED_TRACE(name);
    write_file(folder_ / "in/bad", bad.bytes);
    expect({"prepare", recipe("bad"), "--force"}, 1, bad.prepare_says);
    expect({"inspect", (folder_ / "in/bad").string(), "--quiet"}, bad.inspect_code,
           bad.inspect_says);
  }
}

TEST_F(BadCorporaTest, WhatIsMissingOrOfAnotherKindEndsWithASentence) {
  fs::create_directories(folder_ / "in/folder");
  const auto missing = (folder_ / "in/none").string();
  expect({"prepare", recipe("none"), "--force"}, 1, "none: there is no such file or folder");
  expect({"inspect", missing}, 1, "none: there is no such file or folder");
  expect({"prepare", recipe("folder"), "--force"}, 1, "no dialogue is left");
  expect({"inspect", (folder_ / "in/folder").string()}, 0, "it holds no file");
  expect({"prepare", missing}, 2, "none");
  expect({"prepare", (folder_ / "in/folder").string()}, 2, "is a folder, a plain file is needed");
  store_ = (folder_ / "in/corpus").string();
  expect({"prepare", recipe("corpus"), "--force"}, 2,
         "is read as data.sources[0] or lies inside it");
  fs::copy_file(folder_ / "in/corpus", folder_ / "in/other");
  expect({"prepare", recipe("other"), "--force"}, 1, "is not a folder: give another `store`");
  store_ = (folder_ / "in").string();
  expect({"prepare", recipe("corpus"), "--force"}, 1, "holds other files and is no store");
}

TEST_F(BadCorporaTest, ADamagedStoreIsNamedByBothAndReplacedOnlyWhenForced) {
  const auto sound = all();
  flip_a_bit(folder_ / "stores/made/train/tokens.bin");
  expect({"inspect", store_}, 1, "train/tokens.bin: its SHA-256 is not the manifest's");
  expect({"prepare", recipe("corpus")}, 1, "damaged");
  EXPECT_EQ(banter({"prepare", recipe("corpus"), "--force"}).exit_code, 0);
  EXPECT_TRUE(all() == sound);
}

}  // namespace
}  // namespace banter::tests
