// Speed of one training step's parts and of decoding steps, on made dialogues whose lengths are
// those of two-party Ubuntu (10 words a message, contexts of up to 10 turns).

#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "configs/section.h"
#include "data/batches/batch.h"
#include "models/device.h"
#include "models/ensemble.h"
#include "models/registry.h"

namespace banter::models {
namespace {

constexpr std::int64_t kVocab = 8000;

const std::string kRecurrent = "embed_dim: 256\nhidden_dim: 512\n";
const std::string kTransformer = "dim: 256\nheads: 4\nffn_dim: 1024\n";

ModelPtr full_size_model(const std::string& options) {
  const auto config = configs::Config::parse("dropout: 0.0\n" + options, "bench");
  return build_model(config.root(), {kVocab, data::SpecialIds{}}, 1);
}

/// `dialogues` of ten turns with a reply after each turn but the first; they share their turns.
std::vector<data::Context> made_contexts(int dialogues, std::size_t turns = 10) {
  std::mt19937 random(5);
  std::vector<data::Context> contexts;
  for (int d = 0; d < dialogues; ++d) {
    data::Context context;
    for (std::size_t t = 0; t <= turns; ++t) {
      data::Context::Row row;
      row.ids.resize(3 + random() % 20);
      for (auto& id : row.ids) id = 300 + static_cast<std::int64_t>(random() % 7000);
      if (t > 0) {
        context.reply = row.ids;
        contexts.push_back(context);
      }
      context.turns.push_back(std::move(row));
    }
  }
  return contexts;
}

data::Batch made_batch(int dialogues) {
  return data::make_batch(made_contexts(dialogues), {}, data::SpecialIds{});
}

void TrainStep(benchmark::State& state, const std::string& options) {
  set_threads(static_cast<int>(state.range(0)));
  const auto model = full_size_model(options);
  const auto batch = made_batch(16);
  for (auto _ : state) {
    auto total = torch::zeros({});
    for (const auto& loss : model->losses(batch)) total = total + loss.sum;
    total.backward();
    for (auto& parameter : model->parameters()) parameter.mutable_grad().zero_();
  }
  state.counters["labels/s"] = benchmark::Counter(static_cast<double>(batch.label_count),
                                                  benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK_CAPTURE(TrainStep, hred_both, kRecurrent + "type: hred")
    ->Arg(1)
    ->Arg(0)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(TrainStep, hran, kRecurrent + "type: hran")
    ->Arg(1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(TrainStep, hred_words, kRecurrent + "type: hred\nword_attention: true")
    ->Arg(1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(TrainStep, recosa, kTransformer + "type: recosa")
    ->Arg(1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(TrainStep, seq2seq, kRecurrent + "type: seq2seq")
    ->Arg(0)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(TrainStep, transformer, kTransformer + "type: transformer")
    ->Arg(1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(TrainStep, vhred, kRecurrent + "type: vhred")
    ->Arg(1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(TrainStep, wseq, kRecurrent + "type: wseq")
    ->Arg(1)
    ->Unit(benchmark::kMillisecond);

/// `members`: models that choose each token together.
void DecodeStep(benchmark::State& state, const std::string& options, int members = 1) {
  set_threads(static_cast<int>(state.range(1)));
  const c10::InferenceMode guard;
  std::vector<ModelPtr> models;
  for (int m = 0; m < members; ++m) models.push_back(full_size_model(options));
  const auto model = members == 1 ? models[0] : std::make_shared<Ensemble>(models, "log_probs");
  model->eval();
  const auto rows = state.range(0);
  const auto batch = made_batch(4);
  const auto memory =
      model->compose(model->encode_turns(batch), batch.context, batch.facts, batch.reply_speaker);
  const auto begun = model->start(0, memory, torch::arange(rows));
  const auto ids = torch::full({rows}, 400, torch::kLong);
  constexpr int kTokens = 30;  // of a reply, which is written again and again
  auto decoding = begun;
  int written = 0;
  for (auto _ : state) {
    if (written++ % kTokens == 0) decoding = begun;
    auto out = model->step(ids, memory, std::move(decoding));
    decoding = std::move(out.state);
    benchmark::DoNotOptimize(out.logits.data_ptr());
  }
  state.counters["tokens/s"] =
      benchmark::Counter(static_cast<double>(rows), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK_CAPTURE(DecodeStep, hred, kRecurrent + "type: hred")
    ->Args({1, 1})
    ->Args({1, 0})
    ->Args({32, 1})
    ->Args({32, 0})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(DecodeStep, transformer, kTransformer + "type: transformer")
    ->Args({1, 1})
    ->Args({32, 1})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(DecodeStep, ensemble, kTransformer + "type: transformer", 2)
    ->Args({1, 1})
    ->Args({32, 1})
    ->Unit(benchmark::kMicrosecond);

void EncodeTurns(benchmark::State& state) {
  set_threads(0);
  const c10::InferenceMode guard;
  const auto model = full_size_model(kRecurrent + "type: hred");
  model->eval();
  const auto batch = made_batch(static_cast<int>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(model->encode_turns(batch).size());
  state.counters["tokens/s"] = benchmark::Counter(batch.turn_keep.sum().item<double>(),
                                                  benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(EncodeTurns)->Arg(1)->Arg(16)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace banter::models

BENCHMARK_MAIN();
