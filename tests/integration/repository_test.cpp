#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "tests/integration/source_tree.h"

namespace banter::tests {
namespace {

class RepositoryTest : public testing::Test {
 protected:
  const std::map<std::string, std::string> files_ = read_source_tree();

  /// Fails for every file, but this one, where `pattern` is found.
  void expect_nowhere(const std::string& pattern) {
    const std::regex wanted(pattern);
    for (const auto& [path, text] : files_) {
      if (path == "tests/integration/repository_test.cpp") continue;
      std::smatch match;
      EXPECT_FALSE(std::regex_search(text, match, wanted)) << path << ": " << match.str();
    }
  }
};

TEST_F(RepositoryTest, NothingIsLeftForLater) { expect_nowhere(R"(\b(TODO|FIXME|XXX|HACK)\b)"); }

TEST_F(RepositoryTest, NoFileKnowsTheMachineItWasWrittenOn) {
  expect_nowhere(R"((^|[\s"'=(:`])/(work|root|home|Users)/)");
}

TEST_F(RepositoryTest, TextFilesEndInOneNewlineAndUseUnixLineEnds) {
  const std::set<std::string> kinds = {".h", ".cpp", ".cu", ".md", ".yaml", ".cmake", ".txt"};
  for (const auto& [path, text] : files_) {
    if (path.starts_with("tests/fixtures/") || path.starts_with("tests/fuzz/")) continue;
    const auto dot = path.rfind('.');
    if (dot == std::string::npos || !kinds.contains(path.substr(dot)) || text.empty()) continue;
    EXPECT_TRUE(text.ends_with('\n') && !text.ends_with("\n\n")) << path;
    EXPECT_EQ(text.find('\r'), std::string::npos) << path;
  }
}

TEST_F(RepositoryTest, EveryFolderOfCodeHasItsDesignNote) {
  for (const char* folder : {"base", "configs", "data", "models", "train"}) {
    EXPECT_TRUE(files_.contains(std::string(folder) + "/README.md")) << folder;
  }
}

TEST_F(RepositoryTest, PicturesAreSmall) {
  for (const auto& [path, text] : files_) {
    const bool is_picture = path.ends_with(".svg") || path.ends_with(".png");
    EXPECT_TRUE(!is_picture || text.size() < 100'000) << path << ": " << text.size() << " bytes";
  }
}

TEST_F(RepositoryTest, LinksInTheDocumentsLeadToFilesThatExist) {
  static const std::regex kLink(R"(\]\(([^)#:\n]{1,200})(#[^)\n]*)?\))");
  for (const auto& [path, text] : files_) {
    if (!path.ends_with(".md")) continue;
    const auto folder = std::filesystem::path(path).parent_path();
    for (std::sregex_iterator at(text.begin(), text.end(), kLink), end; at != end; ++at) {
      const auto target = (folder / (*at)[1].str()).lexically_normal();
      EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(BANTER_SOURCE_DIR) / target))
          << path << " links to " << (*at)[1];
    }
  }
}

}  // namespace
}  // namespace banter::tests
