// How fast batches are made, and what sharing turns is worth: for the store that BANTER_STORE
// names, or for made dialogues without it.
//
//     BANTER_STORE=stores/ubuntu build/release/tests/bench/batch_bench
//
// Counters, all over one epoch: labels/s; encoded = context tokens encoded for each label, read =
// context tokens read for each label (what one example at a time would encode); padding = share of
// (B,S) that is no label; rows = labels for each decoder step; fill = share of tokens_per_batch.

#include <cstdlib>
#include <memory>
#include <optional>

#include <benchmark/benchmark.h>

#include "data/batches/batch.h"
#include "data/store/store.h"
#include "tests/batch/made_store.h"

namespace banter::data {
namespace {

const Store& bench_store() {
  static const auto store = []() -> Store {
    if (const char* folder = std::getenv("BANTER_STORE"); folder != nullptr)
      return Store::open(folder);
    static const tests::MadeStore made({.dialogues = 2000, .most_turns = 20, .personas = false});
    return made.store();
  }();
  return store;
}

struct Sums {
  std::int64_t labels = 0, encoded = 0, read = 0, places = 0, steps = 0, batches = 0;

  void add(const Batch& batch) {
    const auto lengths = batch.turn_keep.sum(1);  // (M)
    const auto rows = torch::cat({batch.facts, batch.context}, 1);
    labels += batch.label_count;
    encoded += lengths.sum().item<std::int64_t>();
    read += lengths.index_select(0, rows.masked_select(rows.ge(0))).sum().item<std::int64_t>();
    places += batch.labels.numel();
    steps += batch.labels.size(1);
    ++batches;
  }
};

void MakeBatches(benchmark::State& state, const std::string& shuffle) {
  const auto& store = bench_store();
  const BatchOptions options{.shuffle = shuffle};
  BatchStream stream(store.split("train"), options, store.tokenizer().special(), 1);
  std::int64_t labels = 0;
  for (auto _ : state) labels += stream.next().label_count;
  state.counters["labels/s"] =
      benchmark::Counter(static_cast<double>(labels), benchmark::Counter::kIsRate);

  Sums sums;
  for (stream.seek({}); stream.position().epoch == 0;) sums.add(stream.next());
  const auto ratio = [](std::int64_t a, std::int64_t b) {
    return static_cast<double>(a) / static_cast<double>(b);
  };
  state.counters["encoded"] = ratio(sums.encoded, sums.labels);
  state.counters["read"] = ratio(sums.read, sums.labels);
  state.counters["padding"] = 1 - ratio(sums.labels, sums.places);
  state.counters["rows"] = ratio(sums.labels, sums.steps);
  state.counters["fill"] = ratio(sums.labels, sums.batches * options.tokens_per_batch);
}
BENCHMARK_CAPTURE(MakeBatches, dialogue, "dialogue")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(MakeBatches, reply, "reply")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace banter::data

BENCHMARK_MAIN();
