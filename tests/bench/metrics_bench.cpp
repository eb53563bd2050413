// How fast texts are measured: made pairs of 13 words on average with contexts of two turns, word
// vectors of 300 dimensions, every metric.
//
//     build/text-release/tests/bench/metrics_bench
//
// The number behind a name is that of the pairs. Read: samples and vectors from files. Score: every
// value with its interval. Compare: the same, and a second system tested against the first.

#include <cmath>
#include <fstream>
#include <unordered_set>

#include <benchmark/benchmark.h>

#include "base/json.h"
#include "base/random.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/metrics/texts.h"
#include "train/metrics/texts/sample_files.h"

namespace banter::train {
namespace {

std::vector<const Metric*> all_metrics() {
  std::vector<const Metric*> all;
  for (const auto& metric : known_metrics()) all.push_back(&metric);
  return all;
}

std::unordered_set<std::string> words_of(const std::vector<Sample>& samples) {
  std::unordered_set<std::string> words;
  for (const auto& sample : samples) {
    for (auto& word : small_words(sample.reply)) words.insert(word);
    for (auto& word : small_words(sample.references[0])) words.insert(word);
  }
  return words;
}

/// A file with a vector for every word of the samples and as many that nobody wants.
std::string write_vectors(const tests::TemporaryFolder& folder,
                          const std::unordered_set<std::string>& words) {
  const auto path = (folder / "vectors.txt").string();
  std::ofstream file(path);
  for (const auto& word : words)
    for (const auto& name : {word, "not-" + word}) {
      file << name;
      for (std::uint64_t d = 0; d < 300; ++d)
        file << ' ' << std::round(2000 * base::to_unit(base::key_of(name) + d) - 1000) / 1000;
      file << '\n';
    }
  return path;
}

struct Prepared {
  tests::TemporaryFolder folder;
  std::vector<Sample> samples, others;
  WordVectors vectors;

  explicit Prepared(std::size_t pairs)
      : samples(tests::made_samples(pairs, 1)), others(tests::made_samples(pairs, 2)) {
    auto words = words_of(samples);
    words.merge(words_of(others));
    vectors = WordVectors::read(write_vectors(folder, words), words);
  }
};

void Read(benchmark::State& state) {
  const Prepared prepared(static_cast<std::size_t>(state.range(0)));
  const auto path = (prepared.folder / "samples.jsonl").string();
  std::ofstream file(path);
  for (const auto& sample : prepared.samples) {
    const base::json::object line = {
        {"reply", sample.reply},
        {"references", base::json::array{sample.references[0]}},
        {"context", base::json::array(sample.context.begin(), sample.context.end())}};
    file << base::json::serialize(line) << '\n';
  }
  file.close();
  for (auto _ : state) {
    const auto samples =
        read_samples({.replies = path, .references = {}, .contexts = "", .groups = ""});
    const auto vectors = WordVectors::read(prepared.folder / "vectors.txt", words_of(samples));
    benchmark::DoNotOptimize(vectors.words());
  }
}

void Score(benchmark::State& state) {
  const Prepared prepared(static_cast<std::size_t>(state.range(0)));
  const auto metrics = all_metrics();
  for (auto _ : state)
    benchmark::DoNotOptimize(
        score(prepared.samples, {}, metrics, {.vectors = &prepared.vectors}, {}).front().value);
}

void Compare(benchmark::State& state) {
  const Prepared prepared(static_cast<std::size_t>(state.range(0)));
  const auto metrics = all_metrics();
  for (auto _ : state)
    benchmark::DoNotOptimize(
        score(prepared.samples, prepared.others, metrics, {.vectors = &prepared.vectors}, {})
            .front()
            .value);
}

BENCHMARK(Read)->Arg(300)->Arg(10'000)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(Score)->Arg(300)->Arg(10'000)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(Compare)->Arg(300)->Arg(10'000)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace banter::train

BENCHMARK_MAIN();
