#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <torch/nn/module.h>
#include <torch/types.h>

namespace banter::train {

/// How some of the parameters are updated.
struct RangeRule {
  std::string name;  ///< of its step counter in a checkpoint
  std::function<bool(const std::string& name, const torch::Tensor& parameter)> takes;
  double rate_scale = 1.0;                  ///< times the learning rate
  bool decays = true;                       ///< whether weight decay pulls at it
  std::int64_t active_from = 0;             ///< first step that touches it, or kNever
  std::optional<double> weight_decay = {};  ///< in place of the options'

  static constexpr auto kNever = std::numeric_limits<std::int64_t>::max();
};

/// Matrices, which decay, and what has fewer dimensions (biases, norms, attention vectors), which
/// does not.
std::vector<RangeRule> decay_rules();

/// The same two kinds of a module's parameters, apart by the step that first touches them, as
/// `active_from(name)` says: "matrices", "vectors", "matrices_from_6001", ...
std::vector<RangeRule> decay_rules(
    const torch::nn::Module& module,
    const std::function<std::int64_t(const std::string& name)>& active_from);

/// Parameters that stand together in the arena and are updated by one call.
struct Range {
  RangeRule rule;
  std::int64_t begin = 0, end = 0;  ///< places in the arena
  std::int64_t updates = 0;         ///< so far; the optimizer's own count
};

/// All parameters of a module in one flat tensor, their gradients in another: zeroing, norm,
/// summing over ranks and the update are one call each.
///
/// The module's parameters become views into it, so build it last: moving the module to a device,
/// or `zero_grad`, would cut the ties (`is_tied`). Each parameter starts on a 64-byte border; the
/// gaps between them stay 0.
///
/// Shapes   values, grads (P) float32
class Arena {
 public:
  /// Every parameter goes to the first rule that takes it.
  /// Throws   ShapeError when a parameter is not float32 or no rule takes it
  Arena(torch::nn::Module& module, const std::vector<RangeRule>& rules);

  torch::Tensor values, grads;
  std::vector<Range> ranges;

  /// Whether every parameter and gradient of the module still lies in the arena.
  [[nodiscard]] bool is_tied() const;

  /// The pieces of a flat tensor (P) like `values`, by parameter name and in its shape.
  [[nodiscard]] std::map<std::string, torch::Tensor> named(const torch::Tensor& flat) const;

  /// Zeroes the gradients of ranges that `step` does not touch.
  void hold_back(std::int64_t step);

  /// Euclidean length of all gradients. NaN or infinite when one of them is.
  [[nodiscard]] double grad_norm() const;

 private:
  struct Piece {
    std::string name;
    torch::Tensor parameter;
    std::int64_t begin = 0;
  };
  std::vector<Piece> pieces_;  ///< in the order of the arena
};

}  // namespace banter::train
