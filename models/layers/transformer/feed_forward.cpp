#include "models/layers/transformer/feed_forward.h"

#include <algorithm>
#include <array>

#include "base/errors.h"

namespace banter::models {
namespace {

constexpr std::array kActivations = {
    Activation{"gelu", [](const torch::Tensor& x) { return torch::gelu(x); }},
    Activation{"relu", [](const torch::Tensor& x) { return torch::relu(x); }, /*is_exact=*/true},
    Activation{"swish", [](const torch::Tensor& x) { return torch::silu(x); }},
};

const Activation& activation_named(std::string_view name) {
  const auto* found = std::ranges::find(kActivations, name, &Activation::name);
  if (found == kActivations.end())
    throw base::ConfigError("activation: \"" + std::string(name) + "\" is unknown");
  return *found;
}

/// Row by row: LibTorch's loops may have other last bits at the end of a tensor than before it.
torch::Tensor applied_to_rows(const Activation& activation, const torch::Tensor& x) {
  if (activation.is_exact) return activation.apply(x);
  std::vector<torch::Tensor> rows;
  for (std::int64_t n = 0; n < x.size(0); ++n) rows.push_back(activation.apply(x.narrow(0, n, 1)));
  return rows.empty() ? x : torch::cat(rows);
}

}  // namespace

std::vector<std::string> activations() {
  std::vector<std::string> names;
  for (const auto& activation : kActivations) names.emplace_back(activation.name);
  return names;
}

FeedForwardImpl::FeedForwardImpl(const FeedForwardOptions& o)
    : activation_(activation_named(o.activation)) {
  in_ = register_module("in", Dense(o.dim, o.hidden_dim));
  dropout_ = register_module("dropout", torch::nn::Dropout(o.dropout));
  out_ = register_module("out", Dense(o.hidden_dim, o.dim));
}

torch::Tensor FeedForwardImpl::forward(const torch::Tensor& x) {
  return out_(dropout_(activation_.apply(in_(x))));
}

torch::Tensor FeedForwardImpl::step(const torch::Tensor& x) {
  return out_->step(dropout_(applied_to_rows(activation_, in_->step(x))));
}

}  // namespace banter::models
