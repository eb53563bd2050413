// Times each device kernel by CUDA events, beside a copy on the device that moves as many bytes,
// and prints JSON: {"device": ..., "results": [...]}, or a null device where there is none.
// device_kernels_bench [REPEATS]

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <cuda_runtime_api.h>

#include "models/kernels/device_kernels.h"

namespace banter::models {
namespace {

void check(int error) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "device_kernels_bench: %s\n",
               cudaGetErrorString(static_cast<cudaError_t>(error)));
  std::exit(1);
}

/// Memory on the device with numbers in it.
template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(std::int64_t size) : DeviceArray(size, [](std::int64_t) { return T(0); }) {}
  template <typename Number>
  DeviceArray(std::int64_t size, const Number& number) {
    std::vector<T> values(static_cast<std::size_t>(size));
    for (std::int64_t i = 0; i < size; ++i) values[static_cast<std::size_t>(i)] = number(i);
    check(cudaMalloc(reinterpret_cast<void**>(&data_), values.size() * sizeof(T) + 1));
    check(cudaMemcpy(data_, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
  }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  ~DeviceArray() { cudaFree(data_); }
  [[nodiscard]] T* data() const { return data_; }

 private:
  T* data_ = nullptr;
};

/// Numbers in [-scale, scale) by a multiplicative hash.
auto spread(float scale = 1) {
  return [scale](std::int64_t i) {
    const auto bits = static_cast<std::uint32_t>(i + 1) * 2654435761U;
    return scale * (static_cast<float>(bits >> 8U) / 8388608.0F - 1.0F);
  };
}

class Bench {
 public:
  explicit Bench(int repeats) : repeats_(repeats) {
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
    check(cudaEventCreate(&begin_));
    check(cudaEventCreate(&end_));
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() {
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
    cudaStreamDestroy(stream_);
  }

  /// Prints a result; `bytes` is what the kernel reads and writes at least, each byte once.
  void report(const std::string& kernel, const std::string& shape, std::int64_t bytes,
              const std::function<int(cudaStream_t)>& launch) {
    const auto half = static_cast<std::size_t>(bytes / 2);  // a copy reads it and writes it
    void *from = nullptr, *to = nullptr;
    check(cudaMalloc(&from, half + 1));
    check(cudaMalloc(&to, half + 1));
    check(cudaMemset(from, 0, half));
    const double copy = microseconds([&](cudaStream_t stream) {
      return cudaMemcpyAsync(to, from, half, cudaMemcpyDeviceToDevice, stream);
    });
    cudaFree(from);
    cudaFree(to);
    const double time = microseconds(launch);
    std::printf(
        "%s\n  {\"kernel\": \"%s\", \"shape\": \"%s\", \"bytes\": %lld, \"us\": %.2f, "
        "\"gb_per_s\": %.1f, \"copy_us\": %.2f, \"copy_gb_per_s\": %.1f, "
        "\"share_of_copy\": %.3f}",
        first_ ? "" : ",", kernel.c_str(), shape.c_str(), static_cast<long long>(bytes), time,
        static_cast<double>(bytes) / time / 1e3, copy, static_cast<double>(bytes) / copy / 1e3,
        copy / time);
    first_ = false;
  }

 private:
  /// The median of five rounds of `repeats` launches, per launch.
  double microseconds(const std::function<int(cudaStream_t)>& launch) const {
    std::vector<double> rounds;
    for (int round = 0; round < 6; ++round) {  // the first warms up
      check(cudaEventRecord(begin_, stream_));
      for (int i = 0; i < repeats_; ++i) check(launch(stream_));
      check(cudaEventRecord(end_, stream_));
      check(cudaEventSynchronize(end_));
      float milliseconds = 0;
      check(cudaEventElapsedTime(&milliseconds, begin_, end_));
      if (round > 0) rounds.push_back(1e3 * double{milliseconds} / repeats_);
    }
    std::ranges::sort(rounds);
    return rounds[rounds.size() / 2];
  }

  int repeats_;
  bool first_ = true;
  cudaStream_t stream_ = nullptr;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
};

constexpr std::int64_t kFloat = sizeof(float);

void bench_gru(Bench& bench, std::int64_t n, std::int64_t H) {
  const auto shape = "n=" + std::to_string(n) + " H=" + std::to_string(H);
  const DeviceArray<float> gi(3 * n * H, spread(2)), gh(3 * n * H, spread(2)), h(n * H, spread());
  const DeviceArray<float> next(n * H), saved(4 * n * H), d_gi(3 * n * H), d_gh(3 * n * H),
      d_h(n * H);
  bench.report("gru_forward", shape, 12 * n * H * kFloat, [&](cudaStream_t stream) {
    return launch_gru_forward(n, H, gi.data(), gh.data(), h.data(), next.data(), saved.data(),
                              stream);
  });
  bench.report("gru_forward, nothing saved", shape, 8 * n * H * kFloat, [&](cudaStream_t stream) {
    return launch_gru_forward(n, H, gi.data(), gh.data(), h.data(), next.data(), nullptr, stream);
  });
  bench.report("gru_backward", shape, 13 * n * H * kFloat, [&](cudaStream_t stream) {
    return launch_gru_backward(n, H, next.data(), saved.data(), h.data(), d_gi.data(), d_gh.data(),
                               d_h.data(), stream);
  });
}

/// Query n looks at rows n * U + u of R, all of them kept.
void bench_attention(Bench& bench, std::int64_t N, std::int64_t U, std::int64_t R, std::int64_t K,
                     std::int64_t D) {
  const auto shape = "N=" + std::to_string(N) + " U=" + std::to_string(U) +
                     " R=" + std::to_string(R) + " K=" + std::to_string(K) +
                     " D=" + std::to_string(D);
  const DeviceArray<float> query(N * K, spread()), keys(R * K, spread()), v(K, spread(0.1F));
  const DeviceArray<float> values(R * D, spread()), d_out(N * D, spread());
  const DeviceArray<float> weights(N * U), out(N * D), d_query(N * K), d_keys(R * K), d_v(K),
      d_values(R * D), scratch(turn_attention_scratch(N, U, K));
  const DeviceArray<std::int64_t> index(N * U, [&](std::int64_t place) { return place % R; });
  const DeviceArray<std::int32_t> starts(R + 1), places(N * U);
  const DeviceArray<char> bytes(static_cast<std::int64_t>(row_places_scratch(N, U, R)));
  const TurnAttention<float> in{
      N, U, R, K, D, query.data(), keys.data(), v.data(), values.data(), index.data()};
  const auto table = R * (K + D) * kFloat, queries = N * (K + D) * kFloat, cells = N * U;
  bench.report("turn_attention_forward", shape,
               table + queries + cells * (kFloat + std::int64_t{sizeof(std::int64_t)}),
               [&](cudaStream_t stream) {
                 return launch_turn_attention_forward(in, weights.data(), out.data(), stream);
               });
  bench.report("row_places", shape, cells * 12 + R * 4, [&](cudaStream_t stream) {
    return launch_row_places(N, U, R, index.data(), starts.data(), places.data(), bytes.data(),
                             stream);
  });
  // Table read, its gradients read and written; query and d_out read, d_query written.
  bench.report("turn_attention_backward", shape, 3 * table + queries + N * K * kFloat + cells * 16,
               [&](cudaStream_t stream) {
                 return launch_turn_attention_backward(
                     in, {starts.data(), places.data()}, weights.data(), d_out.data(), nullptr,
                     {d_query.data(), d_keys.data(), d_v.data(), d_values.data()}, scratch.data(),
                     stream);
               });
}

int run(int repeats) {
  int devices = 0;
  if (const auto error = cudaGetDeviceCount(&devices); error != cudaSuccess || devices == 0) {
    std::printf("{\"device\": null, \"results\": [], \"reason\": \"%s\"}\n",
                cudaGetErrorString(error));
    return 0;
  }
  cudaDeviceProp properties = {};
  check(cudaGetDeviceProperties(&properties, 0));
  std::printf("{\"device\": \"%s\", \"compute\": \"%d.%d\", \"repeats\": %d, \"results\": [",
              properties.name, properties.major, properties.minor, repeats);
  Bench bench(repeats);
  bench_gru(bench, 16384, 1024);
  bench_gru(bench, 16384, 1023);
  bench_gru(bench, 64, 512);
  bench_attention(bench, 8192, 8, 65536, 512, 512);    // each query has rows of its own
  bench_attention(bench, 8192, 8, 65536, 511, 511);    // the same, float by float
  bench_attention(bench, 8192, 8, 2048, 512, 512);     // a row is shared by 32 places
  bench_attention(bench, 8192, 8, 16, 512, 512);       // rows that all look at
  bench_attention(bench, 64, 10, 320, 512, 1536);      // a step of decoding
  bench_attention(bench, 64, 4096, 262144, 128, 128);  // many places
  std::printf("\n]}\n");
  return 0;
}

}  // namespace
}  // namespace banter::models

int main(int count, char** arguments) {
  const int repeats = count > 1 ? static_cast<int>(std::strtol(arguments[1], nullptr, 10)) : 20;
  return banter::models::run(std::max(repeats, 1));
}
