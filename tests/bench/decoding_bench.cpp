// Whole replies by `decode`, the part of it that is choosing tokens, and replies that are given.
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
#include <torch/types.h>
#include <torch/utils.h>

#include "base/random.h"
#include "configs/section.h"
#include "models/decoding/candidates.h"
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

/// Contexts with 20 candidates of 3 to 18 tokens each.
std::vector<Candidates> ranked_contexts(std::uint64_t contexts) {
  std::vector<Candidates> asked;
  for (std::uint64_t c = 0; c < contexts; ++c) {
    auto& candidates = asked.emplace_back(Candidates{.context = context(c), .replies = {}});
    for (std::uint64_t r = 0; r < 20; ++r) {
      const auto key = base::join_keys(c, r);
      auto& reply = candidates.replies.emplace_back(3 + key % 16);
      for (std::size_t i = 0; i < reply.size(); ++i)
        reply[i] = 20 + static_cast<std::int64_t>(base::join_keys(key, i) % (kVocab - 20));
    }
  }
  return asked;
}

enum class Sharing { kCandidates, kTurns, kNothing };

/// Candidates scored with one encoding of their context, with one of its turns (`score` of a
/// batch), and each as an example of its own.
void Rank(benchmark::State& state, const char* type, Sharing sharing) {
  set_threads(1);
  const auto config = configs::Config::parse(
      "type: " + std::string(type) + "\nembed_dim: 256\nhidden_dim: 512", "bench");
  const auto model = build_model(config.root(), {.size = kVocab, .special = {}}, 1);
  model->eval();
  const auto asked = ranked_contexts(static_cast<std::uint64_t>(state.range(0)));
  std::vector<data::Context> examples;
  for (const auto& one : asked)
    for (const auto& reply : one.replies) {
      examples.push_back(one.context);
      examples.back().reply = reply;
    }
  const auto score = [&](const std::vector<data::Context>& contexts) {
    const c10::InferenceMode guard;
    const auto batch = data::make_batch(contexts, {}, model->vocabulary().special);
    benchmark::DoNotOptimize(model->score(batch).log_probs.sum().item<float>());
  };
  for (auto _ : state) {
    if (sharing == Sharing::kCandidates)
      benchmark::DoNotOptimize(fit_candidates(*model, {}, asked));
    else if (sharing == Sharing::kTurns)
      score(examples);
    else
      for (const auto& example : examples) score({example});
  }
  state.counters["replies"] = benchmark::Counter(static_cast<double>(examples.size()),
                                                 benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK_CAPTURE(Rank, hred, "hred", Sharing::kCandidates)->Arg(4)->Arg(13)->Arg(26);
BENCHMARK_CAPTURE(Rank, hred_score, "hred", Sharing::kTurns)->Arg(13);
BENCHMARK_CAPTURE(Rank, hred_alone, "hred", Sharing::kNothing)->Arg(2);
BENCHMARK_CAPTURE(Rank, seq2seq, "seq2seq", Sharing::kCandidates)->Arg(13);
BENCHMARK_CAPTURE(Rank, seq2seq_score, "seq2seq", Sharing::kTurns)->Arg(13);
BENCHMARK_CAPTURE(Rank, seq2seq_alone, "seq2seq", Sharing::kNothing)->Arg(2);

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
