#include "models/layers/start_parameters.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <ATen/CPUGeneratorImpl.h>

#include "base/errors.h"
#include "models/layers/additive_attention.h"
#include "models/layers/gru.h"
#include "models/layers/output_layer.h"
#include "models/layers/transformer/dense.h"

namespace banter::models {
namespace {

void xavier(const torch::Tensor& matrix, at::Generator& generator) {
  const auto fans = static_cast<double>(matrix.size(0) + matrix.size(1));
  const double bound = std::sqrt(6.0 / fans);
  matrix.copy_(torch::empty(matrix.sizes(), torch::kDouble).uniform_(-bound, bound, generator));
}

/// Q of the QR factors of a normal matrix, signs fixed by R's diagonal: uniform over rotations.
void orthogonal(const torch::Tensor& square, at::Generator& generator) {
  const auto normal = torch::empty(square.sizes(), torch::kDouble).normal_(0, 1, generator);
  const auto [q, r] = torch::linalg_qr(normal);
  square.copy_(q * r.diagonal().sign());
}

void start(torch::nn::Module& layer, at::Generator& generator) {
  if (auto* gru = layer.as<GruImpl>()) {
    for (const auto& gate : gru->weight_ih.chunk(3)) xavier(gate, generator);
    for (const auto& gate : gru->weight_hh.chunk(3)) orthogonal(gate, generator);
    gru->bias_ih.zero_();
    gru->bias_hh.zero_();
  } else if (auto* attention = layer.as<AdditiveAttentionImpl>()) {
    xavier(attention->memory_weight, generator);
    xavier(attention->query_weight, generator);
    xavier(attention->v.unsqueeze(0), generator);
  } else if (auto* output = layer.as<OutputLayerImpl>()) {
    if (!output->is_tied) xavier(output->weight, generator);
    output->bias.zero_();
  } else if (auto* linear = layer.as<torch::nn::LinearImpl>()) {
    xavier(linear->weight, generator);
    if (linear->bias.defined()) linear->bias.zero_();
  } else if (auto* dense = layer.as<DenseImpl>()) {
    xavier(dense->weight, generator);
    if (dense->bias.defined()) dense->bias.zero_();
  } else if (auto* norm = layer.as<torch::nn::LayerNormImpl>()) {
    norm->weight.fill_(1);
    norm->bias.zero_();
  } else if (auto* embedding = layer.as<torch::nn::EmbeddingImpl>()) {
    const auto& table = embedding->weight;
    const double deviation = 1 / std::sqrt(static_cast<double>(table.size(1)));
    table.copy_(torch::empty(table.sizes(), torch::kDouble).normal_(0, deviation, generator));
    if (const auto pad = embedding->options.padding_idx()) table[*pad].zero_();
  } else if (std::ranges::all_of(layer.parameters(/*recurse=*/false),
                                 [](const auto& parameter) { return parameter.dim() == 0; })) {
    for (const auto& scalar : layer.parameters(/*recurse=*/false)) scalar.zero_();
  } else {
    throw base::Error("a layer of type " + layer.name() +
                      " has parameters and no rule in start_parameters");
  }
}

}  // namespace

void start_parameters(torch::nn::Module& module, std::uint64_t seed) {
  const torch::NoGradGuard no_grad;
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  if (!module.parameters(/*recurse=*/false).empty()) start(module, generator);
  for (const auto& child : module.modules(/*include_self=*/false))
    if (!child->parameters(/*recurse=*/false).empty()) start(*child, generator);
}

}  // namespace banter::models
