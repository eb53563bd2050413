#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/integration/source_tree.h"

namespace banter::tests {
namespace {

bool is_cpp(const std::string& path) {
  return path.ends_with(".h") || path.ends_with(".cpp") || path.ends_with(".cu");
}

std::string folder_of(const std::string& path) {
  const auto slash = path.find('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

bool is_torch(const std::string& name) {
  return name.starts_with("<torch/") || name.starts_with("<ATen/") || name.starts_with("<c10/");
}

bool is_beast(const std::string& name) { return name.starts_with("<boost/beast"); }

/// Everything that each C++ file includes, directly or through files of ours.
struct Graph {
  std::map<std::string, std::vector<std::string>> direct;

  explicit Graph(const std::map<std::string, std::string>& files) {
    for (const auto& [path, text] : files) {
      if (is_cpp(path)) direct[path] = includes_of(text);
    }
  }

  [[nodiscard]] std::set<std::string> reached_from(const std::string& path) const {
    std::set<std::string> seen;
    std::vector<std::string> open = {path};
    while (!open.empty()) {
      const auto at = direct.find(open.back());
      open.pop_back();
      if (at == direct.end()) continue;
      for (const auto& name : at->second) {
        if (seen.insert(name).second) open.push_back(name);
      }
    }
    return seen;
  }

  [[nodiscard]] std::string first_reached(const std::string& path,
                                          bool (*wanted)(const std::string&)) const {
    for (const auto& name : reached_from(path)) {
      if (wanted(name)) return name;
    }
    return "";
  }
};

/// What a folder may include besides itself.
const std::map<std::string, std::set<std::string>> kArrows = {
    {"base", {}},
    {"configs", {"base"}},
    {"data", {"base", "configs"}},
    {"models", {"base", "configs", "data"}},
    {"train", {"base", "configs", "data", "models"}},
    {"serve", {"base", "configs", "data", "models"}},
};

/// The reason why `from` may not include `to`, or "".
std::string forbidden(const std::string& from, const std::string& to) {
  if (to.starts_with('<')) return "";
  if (to == "main.cpp") return "nothing includes main.cpp";
  const auto allowed = kArrows.find(folder_of(from));
  if (allowed == kArrows.end()) return "";  // main.cpp and tests see everything
  const auto folder = folder_of(to);
  if (folder == allowed->first || allowed->second.contains(folder)) return "";
  return allowed->first + " may not include " + (folder.empty() ? to : folder);
}

class IncludesTest : public testing::Test {
 protected:
  const std::map<std::string, std::string> files_ = read_source_tree();
  const Graph graph_{files_};
};

TEST_F(IncludesTest, FoldersIncludeOnlyWhatStandsBelowThem) {
  for (const auto& [path, names] : graph_.direct) {
    for (const auto& name : names) EXPECT_EQ(forbidden(path, name), "") << path << ": " << name;
  }
}

TEST_F(IncludesTest, AWrongArrowIsSeen) {
  EXPECT_NE(forbidden("base/files.h", "data/store/store.h"), "");
  EXPECT_NE(forbidden("train/loop.cpp", "serve/session.h"), "");
  EXPECT_NE(forbidden("serve/session.cpp", "train/loop.h"), "");
  EXPECT_NE(forbidden("models/hred.cpp", "train/loop.h"), "");
  EXPECT_NE(forbidden("data/store.cpp", "tests/support/process.h"), "");
  EXPECT_NE(forbidden("tests/base/x_test.cpp", "main.cpp"), "");
  EXPECT_EQ(forbidden("train/loop.cpp", "models/hred.h"), "");
}

TEST_F(IncludesTest, EveryIncludedFileOfOursIsThere) {
  for (const auto& [path, names] : graph_.direct) {
    for (const auto& name : names) {
      if (name.starts_with('<')) continue;
      EXPECT_TRUE(files_.contains(name)) << path << " includes \"" << name << "\"";
    }
  }
}

TEST_F(IncludesTest, ASourceIncludesItsOwnHeaderFirst) {
  for (const auto& [path, names] : graph_.direct) {
    if (!path.ends_with(".cpp")) continue;
    const auto header = path.substr(0, path.size() - 3) + "h";
    if (!files_.contains(header)) continue;
    ASSERT_FALSE(names.empty()) << path;
    EXPECT_EQ(names.front(), header) << path;
  }
}

TEST_F(IncludesTest, TextPartsNeverReachTorch) {
  const auto batch = files_.find("data/batch.cmake");
  ASSERT_NE(batch, files_.end());
  std::set<std::string> torch_sources;  // of data: those that batch.cmake lists
  static const std::regex kSource(R"([a-z_0-9/]+\.cpp)");
  const auto& text = batch->second;
  for (std::sregex_iterator at(text.begin(), text.end(), kSource), end; at != end; ++at) {
    torch_sources.insert("data/" + at->str());
  }
  EXPECT_FALSE(torch_sources.empty());

  std::size_t checked = 0;
  for (const auto& [path, names] : graph_.direct) {
    const auto folder = folder_of(path);
    const bool is_text = folder == "base" || folder == "configs" ||
                         (folder == "data" && path.ends_with(".cpp")) ||
                         path.starts_with("models/kernels/") ||
                         path.starts_with("train/metrics/") || path.starts_with("serve/protocol/");
    if (!is_text || torch_sources.contains(path)) continue;
    ++checked;
    EXPECT_EQ(graph_.first_reached(path, is_torch), "") << path << " must stay free of torch";
  }
  EXPECT_GT(checked, 10U);
}

TEST_F(IncludesTest, TorchAndBeastNeverMeetInOneFile) {
  for (const auto& [path, names] : graph_.direct) {
    const auto torch = graph_.first_reached(path, is_torch);
    const auto beast = graph_.first_reached(path, is_beast);
    EXPECT_TRUE(torch.empty() || beast.empty()) << path << " reaches " << torch << ", " << beast;
  }
}

}  // namespace
}  // namespace banter::tests
