#include "models/layers/output_layer.h"

#include <algorithm>
#include <functional>
#include <limits>

#include <torch/autograd.h>
#include <torch/nn/functional/loss.h>

#include "models/layers/fused.h"
#include "models/layers/products.h"
#include "models/layers/shapes.h"

namespace banter::models {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

constexpr std::int64_t kChunkRows = 512;  // of the (P,V) table that exists at a time

/// Throws   ShapeError when a label is no row of the vocabulary
void expect_labels_below(std::int64_t V, const torch::Tensor& labels) {
  if (labels.numel() > 0 && (labels.min().item<int64_t>() < 0 || labels.max().item<int64_t>() >= V))
    throw ShapeError(c10::str("labels (P): every label must be in [0, ", V, ")"));
}

/// -log p of each label; the logits become softmax - one_hot when `gradient`. They lack the bias
/// where there is one.
LabelFit fit_rows(const torch::Tensor& logits, const torch::Tensor& bias,
                  const torch::Tensor& labels, bool gradient) {
  expect_labels_below(logits.size(1), labels);
  LabelFit fit{torch::empty({labels.size(0)}, logits.options()),
               torch::empty({labels.size(0)}, labels.options().dtype(torch::kBool))};
  with_type(logits, [&](auto zero) {
    using T = decltype(zero);
    split(labels.size(0), kRowGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels<T>().softmax_nll(begin, end, logits.size(1), logits.template data_ptr<T>(),
                               bias.defined() ? bias.const_data_ptr<T>() : nullptr,
                               labels.const_data_ptr<std::int64_t>(), gradient,
                               fit.nll.template data_ptr<T>(), fit.correct.data_ptr<bool>());
    });
  });
  return fit;
}

/// What labels cost (P), and their -log p (P) where that is asked for beside it.
struct Costs {
  torch::Tensor cost, nll;
};

/// What each label costs, of logits (P,V) that lack their bias (V); with `gradient` they become
/// that of the costs' sum.
using LabelCost = std::function<Costs(torch::Tensor& logits, const torch::Tensor& bias,
                                      const torch::Tensor& labels, bool gradient)>;

Costs nll(torch::Tensor& logits, const torch::Tensor& bias, const torch::Tensor& labels,
          bool gradient) {
  return {fit_rows(logits, bias, labels, gradient).nll, {}};
}

/// With logits z: (1 - e) nll + e (logsumexp z - mean z) = nll + e (z_label - mean z).
LabelCost smoothed(const LabelSmoothing& smoothing) {
  return [smoothing](torch::Tensor& logits, const torch::Tensor& bias, const torch::Tensor& labels,
                     bool gradient) -> Costs {
    expect_labels_below(logits.size(1), labels);
    logits.add_(bias);
    const auto others = static_cast<double>(logits.size(1) - 1);
    const auto at = labels.unsqueeze(1);
    auto of_padding = logits.select(1, smoothing.padding);
    const auto mean = (logits.sum(1) - of_padding) / others;
    const auto gap = logits.gather(1, at).squeeze(1) - mean;
    const auto plain = fit_rows(logits, {}, labels, gradient).nll;
    if (gradient) {  // softmax - one_hot + e one_hot - e / (V - 1) where there is no padding
      const auto part = smoothing.share / others;
      logits.sub_(part);
      of_padding.add_(part);
      logits.scatter_add_(1, at, torch::full_like(at, smoothing.share, logits.options()));
    }
    return {plain + smoothing.share * gap, plain};
  };
}

Costs minus_log1mp(torch::Tensor& logits, const torch::Tensor& bias, const torch::Tensor& labels,
                   bool gradient) {
  expect_labels_below(logits.size(1), labels);
  logits.add_(bias);
  const auto at = labels.unsqueeze(1);
  const auto own = logits.gather(1, at);
  logits.scatter_(1, at, -std::numeric_limits<double>::infinity());
  const auto others = logits.logsumexp(1, /*keepdim=*/true);
  const auto margin = own - others;
  if (gradient) {
    const auto p = margin.sigmoid();
    logits.sub_(others).exp_().mul_(-p).scatter_(1, at, p);
  }
  return {torch::logaddexp(margin, torch::zeros_like(margin)).squeeze(1), {}};
}

/// The gradients are made chunk by chunk on the way forward, where the logits are still at hand.
struct CostSum : Function<CostSum> {
  static variable_list forward(AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight, const torch::Tensor& bias,
                               const torch::Tensor& labels, const LabelCost& cost, bool gradient) {
    const auto P = x.size(0);
    const auto products = Products::here(x);
    const auto factors = products.factor(x), matrix = products.factor(weight);
    const auto d_x = gradient ? torch::empty_like(x) : torch::Tensor();
    auto d_weight = gradient ? torch::empty_like(weight) : torch::Tensor();
    if (gradient && P == 0) d_weight.zero_();
    auto d_bias = gradient ? torch::zeros_like(bias) : torch::Tensor();
    auto table = x.new_empty({std::min(P, kChunkRows), weight.size(0)});
    auto sum = torch::zeros({}, x.options().dtype(torch::kDouble)),
         nll_sum = torch::zeros_like(sum);
    for (std::int64_t from = 0; from < P; from += kChunkRows) {
      const auto rows = std::min(kChunkRows, P - from);
      const auto part = factors.narrow(0, from, rows);
      auto logits = table.narrow(0, 0, rows);
      products.mm_out(logits, part, matrix.t());
      const auto costs = cost(logits, bias, labels.narrow(0, from, rows), gradient);
      sum += costs.cost.sum(torch::kDouble);
      if (costs.nll.defined()) nll_sum += costs.nll.sum(torch::kDouble);
      if (!gradient) continue;
      auto d_part = d_x.narrow(0, from, rows);
      const auto d_logits = products.factor(logits);
      products.mm_out(d_part, d_logits, matrix);
      if (from == 0) {
        products.mm_out(d_weight, d_logits.t(), part);
      } else {
        products.addmm_out(d_weight, d_weight, d_logits.t(), part);
      }
      d_bias.add_(logits.sum(0));
    }
    if (gradient) context->save_for_backward({d_x, d_weight, d_bias});
    nll_sum = nll_sum.to(x.scalar_type());
    context->mark_non_differentiable({nll_sum});
    return {sum.to(x.scalar_type()), nll_sum};
  }

  static variable_list backward(AutogradContext* context, const variable_list& d_outputs) {
    const auto saved = context->get_saved_variables();
    const auto& d = d_outputs[0];
    return {saved[0] * d, saved[1] * d, saved[2] * d, {}, {}, {}};
  }
};

/// Sums of the costs and of the -log p beside them.
/// Shapes   x (P,D), weight (V,D), bias (V), labels (P)
variable_list cost_sum(const torch::Tensor& x, const torch::Tensor& weight,
                       const torch::Tensor& bias, const torch::Tensor& labels,
                       const LabelCost& cost) {
  return CostSum::apply(x.contiguous(), weight, bias, labels.contiguous(), cost,
                        torch::GradMode::is_enabled());
}

torch::Tensor nll_sum_of(const torch::Tensor& x, const torch::Tensor& weight,
                         const torch::Tensor& bias, const torch::Tensor& labels) {
  if (has_kernels(x, Kernel::kOutput)) return cost_sum(x, weight, bias, labels, nll)[0];
  return torch::nn::functional::cross_entropy(
      widened(torch::linear(x, weight, bias)), labels,
      torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum));
}

}  // namespace

OutputLayerImpl::OutputLayerImpl(std::int64_t input_dim, std::int64_t vocab_size) : is_tied(false) {
  weight = register_parameter("weight", torch::empty({vocab_size, input_dim}));
  register_others();
}

OutputLayerImpl::OutputLayerImpl(std::int64_t input_dim, const torch::Tensor& table)
    : weight(table), is_tied(true) {
  register_others();
  const auto E = table.size(1);
  if (input_dim == E) return;
  project_ = register_module("project",
                             torch::nn::Linear(torch::nn::LinearOptions(input_dim, E).bias(false)));
  step_project_ = register_module("step_project", StepLinear());
}

void OutputLayerImpl::register_others() {
  bias = register_parameter("bias", torch::empty({weight.size(0)}));
  step_ = register_module("step", StepLinear());
  step_screen_ = register_module("step_screen", StepScreen());
}

/// Checks shapes; states as wide as the matrix. Shapes   states (P,D), labels (P) -> (P,E)
torch::Tensor OutputLayerImpl::projected(const torch::Tensor& states, const torch::Tensor& labels) {
  dims<2>(states, "x (P,D)");
  const auto x = widened(project_.is_empty() ? states : project_(states));
  const auto P = x.size(0), D = x.size(1);
  expect_like(labels, {P}, torch::kLong, "labels (P)");
  expect_like(weight, {weight.size(0), D}, x.scalar_type(), "weight (V,D)");
  return x;
}

torch::Tensor OutputLayerImpl::nll_sum(const torch::Tensor& x, const torch::Tensor& labels) {
  return nll_sum_of(projected(x, labels), weight, bias, labels);
}

SmoothedSum OutputLayerImpl::smoothed_sum(const torch::Tensor& x, const torch::Tensor& labels) {
  const auto y = projected(x, labels);
  if (has_kernels(y, Kernel::kOutput)) {
    const auto sums = cost_sum(y, weight, bias, labels, smoothed(smoothing));
    return {sums[0], sums[1]};
  }
  const auto log_probs = widened(torch::linear(y, weight, bias)).log_softmax(1);
  const auto nll = -log_probs.gather(1, labels.unsqueeze(1)).sum();
  const auto others = static_cast<double>(log_probs.size(1) - 1);
  const auto spread = (log_probs.select(1, smoothing.padding).sum() - log_probs.sum()) / others;
  return {(1 - smoothing.share) * nll + smoothing.share * spread, nll.detach()};
}

torch::Tensor OutputLayerImpl::unlikelihood_sum(const torch::Tensor& x, const torch::Tensor& labels,
                                                Unlikelihood form) {
  const auto y = projected(x, labels);
  return form == Unlikelihood::kNegatedLogits ? nll_sum_of(y, -weight, -bias, labels)
                                              : cost_sum(y, weight, bias, labels, minus_log1mp)[0];
}

LabelFit OutputLayerImpl::fit(const torch::Tensor& x, const torch::Tensor& labels) {
  const auto P = dims<2>(x, "x (P,D)")[0];
  expect_like(labels, {P}, torch::kLong, "labels (P)");
  const torch::NoGradGuard no_grad;
  const auto y = project_.is_empty() ? x : project_(x);
  std::vector<torch::Tensor> nll, correct;
  for (std::int64_t from = 0; from < P; from += kChunkRows) {
    const auto rows = std::min(kChunkRows, P - from);
    const auto logits = torch::linear(y.narrow(0, from, rows), weight, bias);
    const auto wanted = labels.narrow(0, from, rows).contiguous();
    if (has_kernels(logits, Kernel::kOutput)) {
      auto part = fit_rows(logits, {}, wanted, /*gradient=*/false);
      nll.push_back(part.nll);
      correct.push_back(part.correct);
    } else {
      nll.push_back(-logits.log_softmax(1).gather(1, wanted.unsqueeze(1)).squeeze(1));
      correct.push_back(logits.argmax(1).eq(wanted));
    }
  }
  if (nll.empty())
    return {y.new_empty({0}), torch::empty({0}, labels.options().dtype(torch::kBool))};
  return {torch::cat(nll), torch::cat(correct)};
}

/// Shapes   x (N,D) -> (N,E)
torch::Tensor OutputLayerImpl::step_projected(const torch::Tensor& x) {
  return project_.is_empty() ? x : step_project_->forward(x, project_->weight);
}

torch::Tensor OutputLayerImpl::logits(const torch::Tensor& x) {
  return step_->forward(step_projected(x), weight, bias);
}

std::vector<ScreenedRow> OutputLayerImpl::screen(const torch::Tensor& x) {
  return step_screen_->forward(step_projected(x), weight, bias);
}

}  // namespace banter::models
