#include "models/kernels/device_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include "tests/models/attention_example.h"
#include "tests/models/finite_differences.h"

namespace banter::models {
namespace {

using tests::AttentionExample;
using tests::AttentionResults;
using tests::AttentionSizes;
using tests::random_numbers;
using tests::widened;

constexpr double kTolerance = 1e-5;  ///< of the largest number of what is compared

void expect_success(int error) {
  ASSERT_EQ(error, cudaSuccess) << cudaGetErrorString(static_cast<cudaError_t>(error));
}

/// A copy of `values` on the device, or `unaligned`: four bytes behind what cudaMalloc gives.
template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(const std::vector<T>& values, bool unaligned = false)
      : size_(values.size()) {
    const std::size_t skip = unaligned ? 1 : 0;
    expect_success(cudaMalloc(reinterpret_cast<void**>(&start_), (size_ + skip + 1) * sizeof(T)));
    data_ = start_ + skip;
    expect_success(cudaMemcpy(data_, values.data(), size_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  /// `size` elements, every byte 0xff: floats that are no numbers.
  explicit DeviceArray(std::size_t size, bool unaligned = false)
      : DeviceArray(std::vector<T>(size), unaligned) {
    expect_success(cudaMemset(data_, 0xff, size_ * sizeof(T)));
  }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  ~DeviceArray() { cudaFree(start_); }

  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] std::vector<T> host() const {
    std::vector<T> values(size_);
    expect_success(cudaMemcpy(values.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  std::size_t size_;
  T* start_ = nullptr;
  T* data_ = nullptr;
};

void expect_close(const std::vector<float>& got, const std::vector<double>& expected,
                  const std::string& name) {
  ASSERT_EQ(got.size(), expected.size());
  double largest = 0, worst = 0;
  std::size_t where = 0;
  for (const auto x : expected) largest = std::max(largest, std::abs(x));
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double error = std::abs(double{got[i]} - expected[i]);
    if (!(error <= worst)) worst = error, where = i;  // NaN counts as the worst
  }
  EXPECT_LE(worst, kTolerance * largest) << name << ", element " << where;
}

bool same_bytes(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// Sizes are looked at before a device is asked for anything, so this needs none.
TEST(DeviceKernelsSizesTest, WhatNoKernelCanTakeIsRefused) {
  constexpr std::int64_t kMany = 1 << 20;
  EXPECT_EQ(launch_gru_forward(-1, 4, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr),
            cudaErrorInvalidValue);
  TurnAttention<float> in;
  in.N = kMany;
  in.U = 4096;
  EXPECT_EQ(launch_turn_attention_backward(in, {}, nullptr, nullptr, nullptr, {}, nullptr, nullptr),
            cudaErrorInvalidValue);
  EXPECT_EQ(launch_row_places(kMany, 4096, 1, nullptr, nullptr, nullptr, nullptr, nullptr),
            cudaErrorInvalidValue);
  EXPECT_EQ(row_places_scratch(kMany, 4096, 1), 0U);
}

class DeviceKernelsTest : public testing::Test {
 protected:
  void SetUp() override {
    int devices = 0;
    const auto error = cudaGetDeviceCount(&devices);
    if (error != cudaSuccess || devices == 0) {
      cudaGetLastError();
      GTEST_SKIP() << "no CUDA device: " << cudaGetErrorString(error);
    }
    expect_success(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  }
  void TearDown() override {
    if (stream_ != nullptr) expect_success(cudaStreamDestroy(stream_));
  }

  /// Waits for what was launched; `errors` are the launches'.
  void finish(std::initializer_list<int> errors) const {
    for (const int error : errors) expect_success(error);
    expect_success(cudaStreamSynchronize(stream_));
  }

  /// Forward, row places and the way back on the device.
  [[nodiscard]] AttentionResults<float> run(const AttentionExample<float>& x, bool with_d_weights,
                                            bool unaligned = false, float start = 0) const {
    const auto& [N, U, R, K, D, kept] = x.size;
    const auto there = [&](const std::vector<float>& values) {
      return DeviceArray<float>(values, unaligned);
    };
    const auto query = there(x.query), keys = there(x.keys), v = there(x.v);
    const auto values = there(x.values), d_out = there(x.d_out), d_weights = there(x.d_weights);
    AttentionResults<float> results(x.size, start);
    const auto weights = there(results.weights), out = there(results.out);
    const auto d_query = there(results.d_query), d_keys = there(results.d_keys);
    const auto d_v = there(results.d_v), d_values = there(results.d_values);
    const DeviceArray<std::int64_t> index(x.index);
    const TurnAttention<float> in{
        N, U, R, K, D, query.data(), keys.data(), v.data(), values.data(), index.data()};
    const DeviceArray<std::int32_t> starts(static_cast<std::size_t>(R + 1));
    const DeviceArray<std::int32_t> places(static_cast<std::size_t>(N * U));
    const DeviceArray<char> bytes(row_places_scratch(N, U, R));
    const DeviceArray<float> scratch(static_cast<std::size_t>(turn_attention_scratch(N, U, K)),
                                     unaligned);
    finish({launch_turn_attention_forward(in, weights.data(), out.data(), stream_),
            launch_row_places(N, U, R, index.data(), starts.data(), places.data(), bytes.data(),
                              stream_),
            launch_turn_attention_backward(
                in, {starts.data(), places.data()}, weights.data(), d_out.data(),
                with_d_weights ? d_weights.data() : nullptr,
                {d_query.data(), d_keys.data(), d_v.data(), d_values.data()}, scratch.data(),
                stream_)});
    results.weights = weights.host();
    results.out = out.host();
    results.d_query = d_query.host();
    results.d_keys = d_keys.host();
    results.d_v = d_v.host();
    results.d_values = d_values.host();
    return results;
  }

  cudaStream_t stream_ = nullptr;
};

TEST_F(DeviceKernelsTest, TheGruStepAndItsWayBackAreTheReference) {
  struct Sizes {
    std::int64_t n, H;
  };
  const auto& reference = kernels<double>();
  for (const auto [n, H] : {Sizes{0, 8}, Sizes{1, 1}, Sizes{3, 37}, Sizes{5, 4}, Sizes{2, 1026},
                            Sizes{64, 512}, Sizes{70'000, 8}}) {
    for (const bool unaligned : {false, true}) {
      SCOPED_TRACE("n " + std::to_string(n) + ", H " + std::to_string(H) +
                   (unaligned ? ", unaligned" : ""));
      const auto gi = random_numbers<float>(n * 3 * H, 1, 4),
                 gh = random_numbers<float>(n * 3 * H, 2, 4);
      const auto h = random_numbers<float>(n * H, 3), d_next = random_numbers<float>(n * H, 4);
      const auto cells = static_cast<std::size_t>(n * H);
      std::vector<double> next(cells), saved(4 * cells), d_gi(3 * cells), d_gh(3 * cells),
          d_h(cells);
      reference.gru_forward(n, H, widened(gi).data(), widened(gh).data(), widened(h).data(),
                            next.data(), saved.data());
      reference.gru_backward(n, H, widened(d_next).data(), saved.data(), widened(h).data(),
                             d_gi.data(), d_gh.data(), d_h.data());

      const DeviceArray<float> a(gi, unaligned), b(gh, unaligned), old(h, unaligned);
      const DeviceArray<float> d(d_next, unaligned), unsaved(cells, unaligned);
      const DeviceArray<float> got_next(cells, unaligned), got_saved(4 * cells, unaligned);
      const DeviceArray<float> da(3 * cells, unaligned), db(3 * cells, unaligned);
      const DeviceArray<float> direct(cells, unaligned);
      finish({launch_gru_forward(n, H, a.data(), b.data(), old.data(), got_next.data(),
                                 got_saved.data(), stream_),
              launch_gru_forward(n, H, a.data(), b.data(), old.data(), unsaved.data(), nullptr,
                                 stream_),
              launch_gru_backward(n, H, d.data(), got_saved.data(), old.data(), da.data(),
                                  db.data(), direct.data(), stream_)});
      expect_close(got_next.host(), next, "next");
      expect_close(got_saved.host(), saved, "saved");
      expect_close(da.host(), d_gi, "d_gi");
      expect_close(db.host(), d_gh, "d_gh");
      expect_close(direct.host(), d_h, "d_h");
      EXPECT_TRUE(same_bytes(got_next.host(), unsaved.host()));
    }
  }
}

TEST_F(DeviceKernelsTest, TheGruGradientsAreTheSlopesOfTheReference) {
  constexpr std::int64_t n = 3, H = 5;
  const auto gi = random_numbers<float>(n * 3 * H, 1, 2),
             gh = random_numbers<float>(n * 3 * H, 2, 2);
  const auto h = random_numbers<float>(n * H, 3), d_next = random_numbers<float>(n * H, 4);
  const DeviceArray<float> a(gi), b(gh), old(h), d(d_next), next(n * H), saved(n * 4 * H);
  const DeviceArray<float> d_gi(n * 3 * H), d_gh(n * 3 * H), d_h(n * H);
  finish(
      {launch_gru_forward(n, H, a.data(), b.data(), old.data(), next.data(), saved.data(), stream_),
       launch_gru_backward(n, H, d.data(), saved.data(), old.data(), d_gi.data(), d_gh.data(),
                           d_h.data(), stream_)});
  auto wide_gi = widened(gi), wide_gh = widened(gh), wide_h = widened(h);
  const auto wide_d = widened(d_next);
  std::vector<double> out(n * H);
  const auto loss = [&] {
    kernels<double>().gru_forward(n, H, wide_gi.data(), wide_gh.data(), wide_h.data(), out.data(),
                                  nullptr);
    return tests::dot(out, wide_d);
  };
  expect_close(d_gi.host(), tests::slopes(wide_gi, loss), "d_gi");
  expect_close(d_gh.host(), tests::slopes(wide_gh, loss), "d_gh");
  expect_close(d_h.host(), tests::slopes(wide_h, loss), "d_h");
}

TEST_F(DeviceKernelsTest, TheGruStaysFiniteAtExtremeInputs) {
  const DeviceArray<float> gi(std::vector<float>{1e30F, -1e30F, 1e30F});
  const DeviceArray<float> gh(std::vector<float>{-500, 500, -500}), h(std::vector<float>{0.5F});
  const DeviceArray<float> next(1);
  finish({launch_gru_forward(1, 1, gi.data(), gh.data(), h.data(), next.data(), nullptr, stream_)});
  EXPECT_EQ(next.host()[0], 1.0F);
}

TEST_F(DeviceKernelsTest, TurnAttentionAndItsWayBackAreTheReference) {
  const std::vector<AttentionSizes> sizes = {
      {4, 5, 7, 13, 9},                               // odd widths
      {3, 1, 2, 4, 8},                                // one place
      {5, 6, 4, 16, 20, 0},                           // no query has a row
      {6, 5, 9, 16, 20, 1},                           // every place has one
      {0, 3, 2, 8, 8},                                // no query
      {3, 0, 2, 8, 8},                                // no place
      {3, 2, 0, 5, 5},                                // no row
      {3, 2, 4, 0, 5},        {3, 2, 4, 5, 0},        // no width
      {3, 4096, 50, 20, 12},  {2, 4095, 3000, 7, 3},  // many places
      {9, 33, 20, 512, 768},  {2, 7, 9, 1100, 1028},  // wide: more columns than threads
      {9, 10, 20, 513, 30},   {9, 10, 20, 30, 1029},  // wide and odd
      {2000, 40, 5, 64, 64},                          // rows that nearly all look at
      {70'000, 3, 100, 8, 4},                         // many queries
  };
  for (const auto& size : sizes) {
    const AttentionExample<float> example(size);
    for (const bool with_d_weights : {false, true}) {
      const auto expected = tests::reference_results(widened(example), with_d_weights, 1.0);
      for (const bool unaligned : {false, true}) {
        SCOPED_TRACE("N " + std::to_string(size.N) + ", U " + std::to_string(size.U) + ", R " +
                     std::to_string(size.R) + ", K " + std::to_string(size.K) + ", D " +
                     std::to_string(size.D) + (unaligned ? ", unaligned" : "") +
                     (with_d_weights ? ", with d_weights" : ""));
        const auto got = run(example, with_d_weights, unaligned, 1);
        expect_close(got.weights, expected.weights, "weights");
        expect_close(got.out, expected.out, "out");
        expect_close(got.d_query, expected.d_query, "d_query");
        expect_close(got.d_keys, expected.d_keys, "d_keys");
        expect_close(got.d_v, expected.d_v, "d_v");
        expect_close(got.d_values, expected.d_values, "d_values");
        for (std::size_t i = 0; i < got.weights.size(); ++i)
          ASSERT_TRUE(example.index[i] >= 0 || got.weights[i] == 0.0F) << i;
      }
    }
  }
}

TEST_F(DeviceKernelsTest, TheAttentionGradientsAreTheSlopesOfTheReference) {
  const AttentionExample<float> example({5, 4, 3, 7, 6});
  auto wide = widened(example);
  const auto got = run(example, true);
  const auto loss = [&] {
    AttentionResults<double> now(wide.size, 0);
    turn_attention_forward(wide.attention(), now.weights.data(), now.out.data());
    return tests::dot(now.out, wide.d_out) + tests::dot(now.weights, wide.d_weights);
  };
  expect_close(got.d_query, tests::slopes(wide.query, loss), "d_query");
  expect_close(got.d_keys, tests::slopes(wide.keys, loss), "d_keys");
  expect_close(got.d_v, tests::slopes(wide.v, loss), "d_v");
  expect_close(got.d_values, tests::slopes(wide.values, loss), "d_values");
}

TEST_F(DeviceKernelsTest, TwoRunsGiveTheSameBytes) {
  for (const AttentionSizes& size :
       {AttentionSizes{3000, 40, 50, 96, 80}, AttentionSizes{3000, 9, 50, 37, 41}}) {
    const AttentionExample<float> example(size);
    const auto first = run(example, true), second = run(example, true);
    EXPECT_TRUE(same_bytes(first.weights, second.weights));
    EXPECT_TRUE(same_bytes(first.out, second.out));
    EXPECT_TRUE(same_bytes(first.d_query, second.d_query));
    EXPECT_TRUE(same_bytes(first.d_keys, second.d_keys));
    EXPECT_TRUE(same_bytes(first.d_v, second.d_v));
    EXPECT_TRUE(same_bytes(first.d_values, second.d_values));
  }
}

TEST_F(DeviceKernelsTest, RowPlacesAreTheReference) {
  for (const AttentionSizes& size :
       {AttentionSizes{0, 3, 4, 1, 1}, AttentionSizes{4, 3, 0, 1, 1}, AttentionSizes{4, 3, 1, 1, 1},
        AttentionSizes{7, 5, 256, 1, 1}, AttentionSizes{7, 5, 255, 1, 1},
        AttentionSizes{70'000, 9, 100'000, 1, 1}, AttentionSizes{20'000, 30, 3, 1, 1}}) {
    const AttentionExample<float> example(size);
    const auto& [N, U, R, K, D, kept] = size;
    std::vector<std::int32_t> starts(static_cast<std::size_t>(R + 1));
    std::vector<std::int32_t> places(static_cast<std::size_t>(N * U));
    row_places(N, U, R, example.index.data(), starts.data(), places.data());
    const DeviceArray<std::int64_t> index(example.index);
    const DeviceArray<std::int32_t> got_starts(starts.size()), got_places(places.size());
    const DeviceArray<char> scratch(row_places_scratch(N, U, R));
    finish({launch_row_places(N, U, R, index.data(), got_starts.data(), got_places.data(),
                              scratch.data(), stream_)});
    EXPECT_EQ(got_starts.host(), starts);
    auto there = got_places.host();
    there.resize(static_cast<std::size_t>(starts.back()));
    places.resize(there.size());
    EXPECT_EQ(there, places);
  }
}

}  // namespace
}  // namespace banter::models
