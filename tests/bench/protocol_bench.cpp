#include <string>

#include <benchmark/benchmark.h>
#include <boost/json.hpp>

#include "serve/protocol/client_frame.h"
#include "serve/protocol/server_frame.h"

namespace banter::serve {
namespace {

const Delta kDelta{.id = "m-0123456789", .turn = 17, .text = " dogs!"};

void write_delta(benchmark::State& state) {
  std::int64_t seq = 0;
  for (auto _ : state) benchmark::DoNotOptimize(server_frame_text(kDelta, ++seq));
}
BENCHMARK(write_delta);

/// The same text through a tree of values.
void write_delta_as_tree(benchmark::State& state) {
  std::int64_t seq = 0;
  for (auto _ : state) {
    boost::json::object tree;
    tree["type"] = "delta";
    tree["seq"] = ++seq;
    tree["id"] = kDelta.id;
    tree["turn"] = kDelta.turn;
    tree["text"] = kDelta.text;
    benchmark::DoNotOptimize(boost::json::serialize(tree));
  }
}
BENCHMARK(write_delta_as_tree);

void read_message(benchmark::State& state) {
  const auto text = client_frame_text(Message{
      .id = "m-1", .text = "Do you like dogs? I have two of them, and they sleep all day long."});
  for (auto _ : state) benchmark::DoNotOptimize(read_client_frame(text));
}
BENCHMARK(read_message);

}  // namespace
}  // namespace banter::serve

BENCHMARK_MAIN();
