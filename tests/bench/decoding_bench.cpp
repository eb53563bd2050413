// Whole replies by `decode`, and the part of it that is choosing tokens.
//
//   decoding_bench --benchmark_filter=Decode

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include "base/random.h"
#include "configs/section.h"
#include "models/decoding/decoder.h"
#include "models/decoding/search.h"
#include "models/device.h"
#include "models/registry.h"

namespace banter::models {
namespace {

constexpr std::int64_t kVocab = 8000;
constexpr std::int64_t kReplyTokens = 20;

DecodingOptions options_of(const std::string& method) {
  DecodingOptions options;
  options.method = method;
  options.min_new_tokens = options.max_new_tokens = kReplyTokens;
  return options;
}

data::Context context(std::uint64_t key) {
  data::Context made{.turns = {}, .facts = {}, .reply_speaker = 1, .reply = {}};
  for (std::uint64_t turn = 0; turn < 10; ++turn) {
    data::Context::Row row{.ids = {}, .speaker = 1 + static_cast<std::int64_t>(turn % 2)};
    for (std::uint64_t i = 0; i < 12; ++i)
      row.ids.push_back(
          20 + static_cast<std::int64_t>(base::join_keys(100 * key + turn, i) % (kVocab - 20)));
    made.turns.push_back(std::move(row));
  }
  return made;
}

/// Replies to 10 turns of context by the HRED of the measured sizes; tokens = chosen tokens a
/// second, encoding of the context included.
void Decode(benchmark::State& state, const char* method) {
  set_threads(2);
  const auto config = configs::Config::parse(
      "type: hred\nattention: both\nembed_dim: 256\nhidden_dim: 512", "bench");
  const auto model = build_model(config.root(), {.size = kVocab, .special = {}}, 1);
  model->eval();
  const auto rows = state.range(0);
  std::int64_t tokens = 0;
  for (auto _ : state) {
    std::int64_t asked = 0;
    decode(
        *model, {}, {.max_rows = rows},
        [&]() -> std::optional<Request> {
          if (asked == std::max<std::int64_t>(4, rows)) return std::nullopt;
          const auto number = static_cast<std::uint64_t>(asked++);
          return Request{
              .number = number, .context = context(number), .options = options_of(method)};
        },
        [&](const Replies& replies) {
          tokens += static_cast<std::int64_t>(replies.best[0].log_probs.size());
        });
  }
  state.counters["tokens"] =
      benchmark::Counter(static_cast<double>(tokens), benchmark::Counter::kIsRate);
}
BENCHMARK_CAPTURE(Decode, greedy, "greedy")->Arg(1)->Arg(32)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Decode, sample, "sample")->Arg(32)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Decode, beam, "beam")->Arg(4)->Arg(32)->Unit(benchmark::kMillisecond);

/// One row's choice among 8,000 tokens; logits as peaked as a trained model's.
void Choose(benchmark::State& state, const char* method) {
  std::vector<float> fresh(kVocab), logits(kVocab);
  for (std::size_t i = 0; i < fresh.size(); ++i)
    fresh[i] = static_cast<float>(8 * base::to_unit(i) + 12 * std::pow(base::to_unit(~i), 40));
  auto options = options_of(method);
  options.max_new_tokens = INT32_MAX;
  options.min_new_tokens = 0;
  const auto search = make_search(options, {});
  auto rows = search->first_rows();
  for (auto _ : state) {
    state.PauseTiming();
    fresh[3] = -100;  // eos: it goes on
    std::vector<std::vector<float>> tables(static_cast<std::size_t>(rows), fresh);
    std::vector<ScoredRow> scored;
    for (auto& table : tables) scored.push_back({.logits = table, .attention = nullptr});
    state.ResumeTiming();
    rows = static_cast<std::int64_t>(search->advance(scored).size());
  }
  state.SetItemsProcessed(state.iterations() * rows);
}
BENCHMARK_CAPTURE(Choose, greedy, "greedy")->Iterations(2000)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(Choose, sample, "sample")->Iterations(2000)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(Choose, beam_of_4, "beam")->Iterations(500)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace banter::models

BENCHMARK_MAIN();
