#include "models/layers/label_screen.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <ATen/record_function.h>

#include "models/layers/fused.h"

namespace banter::models {
namespace {

constexpr std::int64_t kPanelGrain = 4;       // panels that are worth a thread of their own
constexpr std::size_t kMostCandidates = 256;  // of more, the whole row is as fast

}  // namespace

LabelScreen::LabelScreen(const torch::Tensor& weight, const torch::Tensor& bias)
    : weight_(weight), bias_(bias) {
  const auto V = weight.size(0), K = weight.size(1);
  panels_ = (V + kLabelPanel - 1) / kLabelPanel;
  labels_.quads = (K + 3) / 4;
  bytes_ = torch::empty({panels_, labels_.quads, kLabelPanel, 4}, torch::kByte);
  numbers_ = torch::empty({5, panels_ * kLabelPanel}, torch::kFloat);
  const auto number = [&](std::int64_t i) { return numbers_[i].data_ptr<float>(); };
  auto* bytes = bytes_.data_ptr<std::uint8_t>();
  auto *scale = number(0), *biases = number(1), *error = number(2), *norm = number(3),
       *slack = number(4);
  split(panels_, kPanelGrain, [&](std::int64_t begin, std::int64_t end) {
    pack_label_bytes(begin, end, V, K, weight.const_data_ptr<float>(), bias.const_data_ptr<float>(),
                     bytes, scale, biases, error, norm, slack);
  });
  labels_.bytes = bytes;
  labels_.scale = scale;
  labels_.bias = biases;
  labels_.error = error;
  labels_.norm = norm;
  labels_.slack = slack;
}

/// Its candidates, and their logits as the whole row would have them.
/// Shapes   upper (panels * kLabelPanel), highest_upper (panels) with N from one to the next
ScreenedRow LabelScreen::row(const float* x, const float* upper, const float* highest_upper,
                             std::int64_t N, float below) const {
  std::vector<std::int64_t> labels;
  for (std::int64_t p = 0; p < panels_; ++p) {
    if (highest_upper[p * N] < below) continue;
    const auto end = std::min((p + 1) * kLabelPanel, weight_.size(0));
    for (auto label = p * kLabelPanel; label < end; ++label)
      if (!(upper[label] < below)) labels.push_back(label);
    if (labels.size() > kMostCandidates) return {};
  }
  std::vector<float> logits(labels.size());
  kernels<float>().row_times_some(std::ssize(labels), weight_.size(1), x,
                                  weight_.const_data_ptr<float>(), labels.data(),
                                  bias_.const_data_ptr<float>(), logits.data());
  ScreenedRow row{.candidates = {}, .below = below};
  row.candidates.reserve(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i)
    row.candidates.push_back({static_cast<data::TokenId>(labels[i]), logits[i]});
  return row;
}

std::vector<ScreenedRow> LabelScreen::rows(const torch::Tensor& x) const {
  // So that profilers see it, with (N,K) and (panels,...).
  RECORD_FUNCTION("banter::screen_labels", std::vector<c10::IValue>({x, bytes_}));
  const auto N = x.size(0), K = x.size(1);
  const auto* values = x.const_data_ptr<float>();
  std::vector<std::int8_t> bytes(static_cast<std::size_t>(N * labels_.quads * 4));
  std::vector<std::int32_t> sums(static_cast<std::size_t>(N));
  std::vector<float> numbers(static_cast<std::size_t>(3 * N));
  auto *scale = numbers.data(), *length = scale + N, *error = length + N;
  label_bound_kernels().features(N, K, values, bytes.data(), sums.data(), scale, length, error);
  const FeatureBytes features{bytes.data(), sums.data(), scale, length, error};

  const auto upper_table = torch::empty({N, panels_ * kLabelPanel}, x.options());
  const auto highest = torch::empty({2, panels_, N}, x.options());
  auto* upper = upper_table.data_ptr<float>();
  auto *highest_upper = highest.data_ptr<float>(), *highest_lower = highest_upper + panels_ * N;
  split(panels_, kPanelGrain, [&](std::int64_t begin, std::int64_t end) {
    label_bound_kernels().bounds(begin, end, panels_, N, labels_, features, upper, highest_upper,
                                 highest_lower);
  });

  std::vector<ScreenedRow> rows(static_cast<std::size_t>(N));
  split(N, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    for (auto n = begin; n < end; ++n) {
      if (std::isnan(scale[n])) continue;
      auto below = -std::numeric_limits<float>::infinity();
      for (std::int64_t p = 0; p < panels_; ++p) below = std::max(below, highest_lower[p * N + n]);
      rows[static_cast<std::size_t>(n)] =
          row(values + n * K, upper + n * panels_ * kLabelPanel, highest_upper + n, N, below);
    }
  });
  return rows;
}

}  // namespace banter::models
