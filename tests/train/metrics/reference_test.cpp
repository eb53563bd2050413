#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/metrics/texts.h"

namespace banter::train {
namespace {

namespace json = base::json;

const std::filesystem::path kReference =
    std::filesystem::path(BANTER_SOURCE_DIR) / "tests/train/reference";

/// What other programs say of seeded random texts, as text_metrics.py wrote it down.
class ReferenceTest : public testing::Test {
 protected:
  ReferenceTest() {
    std::ofstream file(folder_ / "vectors.txt");
    std::unordered_set<std::string> wanted;
    for (const auto& [word, numbers] : made_.at("vectors").as_object()) {
      file << std::string_view(word);
      for (const auto& number : numbers.as_array()) file << ' ' << number.to_number<double>();
      file << '\n';
      wanted.emplace(word);
    }
    file.close();
    vectors_ = WordVectors::read(folder_ / "vectors.txt", wanted);
  }

  static std::vector<std::string> texts(const json::value& array) {
    std::vector<std::string> all;
    for (const auto& text : array.as_array()) all.emplace_back(text.as_string());
    return all;
  }
  static std::vector<Sample> samples_of(const json::object& set) {
    std::vector<Sample> samples;
    for (const auto& value : set.at("samples").as_array()) {
      const auto& one = value.as_object();
      samples.push_back({.reply = std::string(one.at("reply").as_string()),
                         .references = texts(one.at("references")),
                         .context = texts(one.at("context")),
                         .group = samples.size()});
    }
    return samples;
  }

  /// Holds every value of a set against ours; how many they were.
  std::size_t compare(const json::object& set) {
    const auto samples = samples_of(set);
    std::size_t compared = 0;
    for (const auto& [key, wanted] : set.at("values").as_object()) {
      const std::string name(key);
      const auto metric = name.substr(0, name.find(' '));
      MetricSettings settings{.vectors = &vectors_};
      for (std::size_t i = 0; i < kSmoothings.size(); ++i)
        if (name.ends_with(std::string(" ") + kSmoothings.at(i)))
          settings.smoothing = static_cast<Smoothing>(i);
      if (name.ends_with(" char")) settings.tokenize = Tokenize::kCharacters;
      PieceVocabulary vocabulary;
      const auto measured =
          measure(samples, metrics_named(std::vector{metric}), settings, vocabulary);
      ++compared;
      if (!name.ends_with(" interval")) {
        EXPECT_NEAR(measured.values().at(0), wanted.to_number<double>(), 1e-6) << name;
        continue;
      }
      const auto interval = measured.intervals().at(0);
      if (!interval) ADD_FAILURE() << name;
      if (!interval) continue;
      EXPECT_NEAR(interval->low, wanted.as_array().at(0).to_number<double>(), 1e-6) << name;
      EXPECT_NEAR(interval->high, wanted.as_array().at(1).to_number<double>(), 1e-6) << name;
    }
    return compared;
  }

  tests::TemporaryFolder folder_;
  const json::object made_ =
      json::parse(base::read_file(kReference / "text_metrics.json")).as_object();
  WordVectors vectors_;
};

TEST_F(ReferenceTest, EveryValueAgreesWithTheProgramsThatMadeTheFixture) {
  ASSERT_EQ(made_.at("sets").as_array().size(), 2U);
  for (const auto& set : made_.at("sets").as_array()) {
    SCOPED_TRACE(json::serialize(set.at("name")) + " " + json::serialize(made_.at("made_by")));
    EXPECT_GT(compare(set.as_object()), 46U);
  }
}

TEST_F(ReferenceTest, EveryValueAgreesWithTheProgramsThatAreInstalled) {
  const char* python = std::getenv("BANTER_REFERENCE_PYTHON");
  if (python == nullptr || *python == '\0')
    GTEST_SKIP() << "BANTER_REFERENCE_PYTHON names no Python with sacrebleu, rouge-score and numpy";
  json::object given = {{"vectors", made_.at("vectors")}, {"sets", json::array()}};
  for (std::uint64_t seed = 11; seed < 14; ++seed) {
    json::array samples;
    for (const auto& sample : tests::made_samples(60, seed))
      samples.push_back(
          {{"reply", sample.reply},
           {"references", json::array(sample.references.begin(), sample.references.end())},
           {"context", json::array(sample.context.begin(), sample.context.end())}});
    // The words that have vectors stand in these.
    for (const auto& set : made_.at("sets").as_array())
      if (set.at("latin").as_bool())
        for (std::size_t i = 0; i < 20; ++i)
          samples.push_back(set.at("samples").as_array().at((seed * 7 + i) % 40));
    given["sets"].as_array().push_back({{"latin", true}, {"samples", samples}});
  }
  const auto file = folder_ / "given.json";
  std::ofstream(file) << json::serialize(given);
  const auto result =
      tests::run({python, (kReference / "text_metrics.py").string(), "score", file.string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto sets = json::parse(result.out);
  for (const auto& set : sets.as_array()) EXPECT_GT(compare(set.as_object()), 46U);
}

}  // namespace
}  // namespace banter::train
