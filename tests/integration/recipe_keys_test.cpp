#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = BANTER_SOURCE_DIR;
const std::string kMissing = "–";                 // in the table: the key must be given
using Keys = std::map<std::string, std::string>;  // full key -> default

/// The values of a dump by full key; the mappings of a list share one key, `a.b[].c`.
Keys flattened(const std::string& dump) {
  static const std::regex kLine(R"re(( *)(- )?("?)([^:"]+)\3:( (.*))?)re");
  Keys keys;
  std::vector<std::pair<std::size_t, std::string>> open;  // indentation and full key of mappings
  std::istringstream lines(dump);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, kLine)) {
      ADD_FAILURE() << "no line of a dump: " << line;
      continue;
    }
    const bool begins_item = match[2].matched;
    const auto indent = static_cast<std::size_t>(match[1].length() + match[2].length());
    while (!open.empty() && open.back().first >= (begins_item ? indent - 2 : indent))
      open.pop_back();
    if (begins_item) open.emplace_back(indent - 1, open.back().second + "[]");
    const auto key = (open.empty() ? "" : open.back().second + ".") + match[4].str();
    if (match[6].matched) {
      keys[key] = match[6];
    } else {
      open.emplace_back(indent, key);
    }
  }
  return keys;
}

/// The defaults in the README's tables under the headings that hold `heading`.
Keys documented(const std::string& heading) {
  static const std::regex kRow(R"(\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|)");
  Keys keys;
  bool is_wanted = false;
  std::istringstream lines(base::read_file(kRoot / "configs/README.md"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#")) is_wanted = line.find(heading) != std::string::npos;
    std::smatch match;
    if (!is_wanted || !std::regex_match(line, match, kRow)) continue;
    const std::string key = match[1], type = match[2], value = match[3];
    EXPECT_TRUE(keys.emplace(key, value).second) << key << " stands twice";
    if (value == kMissing) continue;
    const bool is_truth = value == "true" || value == "false", is_list = value.starts_with("[");
    const bool is_integer = std::regex_match(value, std::regex("-?[0-9]+"));
    const bool is_number = std::regex_match(value, std::regex("-?[0-9.]+(e[-+]?[0-9]+)?"));
    EXPECT_EQ(type == "true or false", is_truth) << key;
    EXPECT_EQ(type == "list", is_list) << key;
    EXPECT_TRUE(type != "integer" || is_integer) << key;
    EXPECT_EQ(type == "integer" || type == "number", is_number) << key;
  }
  return keys;
}

Keys starting_with(const Keys& keys, const std::string& prefix) {
  Keys chosen;
  for (const auto& [key, value] : keys)
    if (key.starts_with(prefix)) chosen[key] = value;
  return chosen;
}

/// What the program prints for the smallest recipe; it is started once for all tests.
class RecipeKeysTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    base::write_durably(recipe(), "store: given\nrun: given\n");
    prepared_ = dump("prepare", {"data.sources=[{path: given}]"});
    // one of these must be given: each is read without itself
    trained_ = dump("train", {"train.steps=7", "mix=[{store: given}]"});
    trained_["train.steps"] = dump("train", {"train.epochs=7"})["train.steps"];
  }

  static fs::path recipe() {
    static const TemporaryFolder folder;
    return folder / "recipe.yaml";
  }

  /// `banter COMMAND RECIPE --dump-config --set ...`
  static ProcessResult dump_of(const std::string& command, const fs::path& file,
                               const std::vector<std::string>& overrides) {
    std::vector<std::string> line = {BANTER_PROGRAM, command, file.string(), "--dump-config"};
    for (const auto& text : overrides) line.insert(line.end(), {"--set", text});
    return run(line);
  }

  static Keys dump(const std::string& command, const std::vector<std::string>& overrides) {
    const auto result = dump_of(command, recipe(), overrides);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    auto keys = flattened(result.out);
    for (auto& [key, value] : keys)
      if (value == "given") value = kMissing;
    return keys;
  }

  inline static Keys prepared_, trained_;
};

TEST_F(RecipeKeysTest, TheTableOfTheWholeRecipeIsTrue) {
  Keys expected;
  for (const auto& [key, value] : trained_)
    if (key.find('.') == std::string::npos || key.starts_with("mix[]") || key.starts_with("pairs."))
      expected[key] = value;
  EXPECT_EQ(documented("Whole recipe"), expected);
}

TEST_F(RecipeKeysTest, TheTableOfWhatPrepareReadsIsTrue) {
  EXPECT_EQ(documented("What `prepare` reads"), starting_with(prepared_, "data."));
}

TEST_F(RecipeKeysTest, TheTablesOfBatchesTrainingAndDecodingAreTrue) {
  EXPECT_EQ(documented("How a store becomes batches"), starting_with(trained_, "batch."));
  EXPECT_EQ(documented("How a model is trained"), starting_with(trained_, "train."));
  EXPECT_EQ(documented("How replies are chosen"), starting_with(trained_, "decoding."));
}

TEST_F(RecipeKeysTest, EveryTypeOfModelHasATrueTable) {
  const auto unknown = dump_of("train", recipe(), {"train.steps=1", "model.type=unknown"});
  EXPECT_EQ(unknown.exit_code, 2);
  std::smatch types;
  ASSERT_TRUE(std::regex_search(unknown.err, types, std::regex("one of ([a-z0-9_|]+)")))
      << unknown.err;
  std::istringstream names(types[1]);
  std::size_t count = 0;
  for (std::string name; std::getline(names, name, '|'); ++count) {
    const auto keys = dump("train", {"train.steps=7", "model.type=" + name});
    EXPECT_EQ(documented("Models of type `" + name + "`"), starting_with(keys, "model.")) << name;
  }
  EXPECT_GE(count, 2u);
}

TEST_F(RecipeKeysTest, ADumpIsARecipeThatDumpsTheSame) {
  const TemporaryFolder folder;
  for (const auto& [command, given] :
       {std::pair{"prepare", "data.sources=[{path: a b}, {path: c, split: valid}]"},
        {"train", "train={lr: 0.0003, epochs: 2}"}}) {
    const auto first = dump_of(command, recipe(), {given}).out;
    ASSERT_NE(first, "") << command;
    base::write_durably(folder / "again.yaml", first);
    EXPECT_EQ(dump_of(command, folder / "again.yaml", {}).out, first);
  }
}

TEST_F(RecipeKeysTest, TheTablesOfExperimentsAreTrue) {
  const TemporaryFolder folder;
  const auto keys_of = [&](const std::string& kind) {
    base::write_durably(folder / "e.yaml", "kind: " + kind +
                                               "\nfolder: given\nrecipe: {store: s, train: {steps: "
                                               "1}}\nrows: {a: {model.type: hred}}\n");
    const auto result = dump_of("experiment", folder / "e.yaml", {});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    auto keys = flattened(result.out);
    keys["kind"] = "comparison";
    keys["folder"] = keys["recipe"] = kMissing;
    for (const auto* mapping : {"set", "rows", "axes"}) keys[mapping] = "none";
    if (kind == "comparison") keys["evaluate.decoding"] = keys["evaluate.pairs"] = "none";
    return keys;
  };
  const auto comparison = keys_of("comparison");
  Keys any;
  for (const auto& [key, value] : comparison)
    if (key.find('.') == std::string::npos) any[key] = value;
  EXPECT_EQ(documented("Any experiment"), any);
  EXPECT_EQ(documented("A comparison"), starting_with(comparison, "evaluate."));
  EXPECT_EQ(documented("Gradient flow"), starting_with(keys_of("gradient_flow"), "gradient_flow."));
}

/// Experiments hold or name a recipe.
bool is_experiment(const fs::path& file) {
  return base::read_file(file).find("\nrecipe:") != std::string::npos;
}

TEST_F(RecipeKeysTest, EveryRecipeOfTheRepositoryIsReadByItsCommands) {
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / "configs")) {
    if (entry.path().extension() != ".yaml") continue;
    ++count;
    const auto commands = is_experiment(entry.path())
                              ? std::vector<std::string>{"experiment"}
                              : std::vector<std::string>{"prepare", "train"};
    for (const auto& command : commands) {
      const auto result = dump_of(command, entry.path(), {});
      EXPECT_EQ(result.exit_code, 0) << result.err;
    }
    const auto readme = base::read_file(kRoot / "configs/README.md");
    const auto name = fs::relative(entry.path(), kRoot / "configs").string();
    EXPECT_NE(readme.find("](" + name + ")"), std::string::npos) << name << " is not in the README";
  }
  EXPECT_GE(count, 3u);
}

TEST_F(RecipeKeysTest, AMistakeInARecipeIsExplainedWithItsPlace) {
  const TemporaryFolder folder;
  base::write_durably(folder / "bad.yaml",
                      "store: s\nrun: r\ntrain:\n  steps: 1\nmodel:\n  hiden_dim: 4\n");
  const auto result = dump_of("train", folder / "bad.yaml", {});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("bad.yaml:6: model.hiden_dim: unknown key; the nearest one is "
                            "hidden_dim"),
            std::string::npos)
      << result.err;
}

}  // namespace
}  // namespace banter::tests
