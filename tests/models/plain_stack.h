#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <torch/nn/module.h>
#include <torch/types.h>

#include "models/layers/transformer/transformer_options.h"
#include "tests/models/model_test.h"

namespace banter::models {

using Vectors = std::vector<torch::Tensor>;

/// The equations of a stack of layers, a token at a time.
class PlainStack {
 public:
  PlainStack(const torch::nn::Module& model, const TransformerOptions& options)
      : p(model), names_(model.named_parameters()), o_(options) {}

  /// Shapes   tokens (D) each; with a memory a token sees none behind it
  [[nodiscard]] Vectors run(const std::string& name, Vectors x, bool is_scaled,
                            const Vectors* memory = nullptr) const {
    x = first(name, std::move(x), is_scaled);
    for (int i = 0; names_.contains(name + "." + std::to_string(i) + ".attention_norm.weight"); ++i)
      x = layer(name + "." + std::to_string(i), x, memory);
    return last(name, std::move(x));
  }

  const Plain p;

 protected:
  [[nodiscard]] Vectors first(const std::string& name, Vectors x, bool is_scaled) const {
    for (std::size_t t = 0; t < x.size(); ++t) {
      if (is_scaled && o_.scale_embedding) x[t] = x[t] * std::sqrt(static_cast<double>(o_.dim));
      x[t] = placed(name, x[t], static_cast<std::int64_t>(t));
      if (o_.embedding_norm) x[t] = norm(name + ".embedding_norm", x[t]);
    }
    return x;
  }

  [[nodiscard]] Vectors last(const std::string& name, Vectors x) const {
    if (o_.final_norm)
      for (auto& vector : x) vector = norm(name + ".norm", vector);
    return x;
  }

  [[nodiscard]] torch::Tensor placed(const std::string& name, const torch::Tensor& x,
                                     std::int64_t t) const {
    if (o_.positions == "learned")
      return x +
             p(name +
               ".positions.table.weight")[std::min(t, o_.max_positions - 1) + o_.position_offset];
    if (o_.positions == "rope") return x;
    auto position = torch::zeros_like(x);
    for (std::int64_t m = 0; m < o_.dim / 2; ++m) {
      const double angle = angle_of(t, m, o_.dim);
      position[m] = std::sin(angle);
      position[m + o_.dim / 2] = std::cos(angle);
    }
    return x + position;
  }

  static double angle_of(std::int64_t t, std::int64_t m, std::int64_t width) {
    return static_cast<double>(t) *
           std::pow(10000.0, -2.0 * static_cast<double>(m) / static_cast<double>(width));
  }

  [[nodiscard]] torch::Tensor norm(const std::string& name, const torch::Tensor& x) const {
    const auto centred = x - x.mean();
    return centred / (centred.square().mean() + 1e-5).sqrt() * p(name + ".weight") +
           p(name + ".bias");
  }

  [[nodiscard]] torch::Tensor map(const std::string& name, const torch::Tensor& x) const {
    return p(name + ".weight").mv(x) + p(name + ".bias");
  }

  /// A head's q or k, turned by its place.
  [[nodiscard]] torch::Tensor turned(const torch::Tensor& x, std::int64_t t) const {
    const auto hd = x.size(0);
    auto y = x.clone();
    for (std::int64_t m = 0; m < hd / 2; ++m) {
      const double c = std::cos(angle_of(t, m, hd)), s = std::sin(angle_of(t, m, hd));
      y[m] = x[m] * c - x[m + hd / 2] * s;
      y[m + hd / 2] = x[m + hd / 2] * c + x[m] * s;
    }
    return y;
  }

  /// Of token t, which sees the first `count` of a memory.
  [[nodiscard]] torch::Tensor attend(const std::string& name, const torch::Tensor& x, std::size_t t,
                                     const Vectors& memory, std::size_t count,
                                     bool has_places) const {
    const bool is_turned = has_places && o_.positions == "rope";
    const auto hd = o_.dim / o_.heads;
    const auto q = map(name + ".query", x);
    Vectors heads;
    for (std::int64_t a = 0; a < o_.heads; ++a) {
      const auto part = [&](const torch::Tensor& all, std::size_t place) {
        const auto own = all.narrow(0, a * hd, hd);
        return is_turned ? turned(own, static_cast<std::int64_t>(place)) : own;
      };
      Vectors scores, values;
      for (std::size_t j = 0; j < count; ++j) {
        scores.push_back(part(q, t).dot(part(map(name + ".key", memory[j]), j)) /
                         std::sqrt(static_cast<double>(hd)));
        values.push_back(map(name + ".value", memory[j]).narrow(0, a * hd, hd));
      }
      heads.push_back(torch::stack(scores).softmax(0).matmul(torch::stack(values)));
    }
    return map(name + ".output", torch::cat(heads));
  }

  [[nodiscard]] torch::Tensor feed_forward(const std::string& name, const torch::Tensor& x) const {
    auto hidden = map(name + ".in", x);
    if (o_.activation == "relu") hidden = hidden.clamp_min(0);
    if (o_.activation == "swish") hidden = hidden / (1 + (-hidden).exp());
    if (o_.activation == "gelu") hidden = hidden * 0.5 * (1 + torch::erf(hidden / std::sqrt(2.0)));
    return map(name + ".out", hidden);
  }

  template <typename Part>
  [[nodiscard]] Vectors residual(const std::string& norm_name, const Vectors& x,
                                 const Part& part) const {
    Vectors out, read;
    for (const auto& vector : x)
      read.push_back(o_.norm == "pre" ? norm(norm_name, vector) : vector);
    for (std::size_t t = 0; t < x.size(); ++t) {
      out.push_back(x[t] + part(read, t));
      if (o_.norm == "post") out[t] = norm(norm_name, out[t]);
    }
    return out;
  }

  [[nodiscard]] Vectors layer(const std::string& name, Vectors x, const Vectors* memory) const {
    x = residual(name + ".attention_norm", x, [&](const Vectors& read, std::size_t t) {
      return attend(name + ".attention", read[t], t, read, memory ? t + 1 : read.size(), true);
    });
    if (memory)
      x = residual(name + ".cross_attention_norm", x, [&](const Vectors& read, std::size_t t) {
        return attend(name + ".cross_attention", read[t], t, *memory, memory->size(), false);
      });
    return residual(name + ".feed_forward_norm", x, [&](const Vectors& read, std::size_t t) {
      return feed_forward(name + ".feed_forward", read[t]);
    });
  }

  torch::OrderedDict<std::string, torch::Tensor> names_;
  TransformerOptions o_;
};

}  // namespace banter::models
