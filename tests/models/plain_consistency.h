#pragma once

#include <string>
#include <utility>
#include <vector>

#include "models/stack_propagation.h"
#include "tests/models/model_test.h"
#include "tests/models/plain_stack.h"

namespace banter::models {

/// The equations of both decoders, a token at a time.
class PlainConsistency : public PlainStack {
 public:
  PlainConsistency(const StackPropagation& model, const StackOptions& options)
      : PlainStack(model, options), options_(options) {}

  [[nodiscard]] torch::Tensor token(const std::string& part, data::TokenId id) const {
    return p((options_.share_embeddings ? "" : part) + "embedding.token.weight")[id];
  }

  /// E's states of the facts and turns of a context.
  [[nodiscard]] Vectors encoded(const data::Context& context) const {
    Vectors tokens;
    std::size_t source = 0;
    for (const auto& [ids, speaker] : Plain::sources(context)) {
      const auto kind = p("kind.weight")[source++ < context.facts.size() ? 1 : 0];
      for (const auto id : ids) tokens.push_back(token("", id) + kind);
    }
    return run("encoder", tokens, /*is_scaled=*/true);
  }

  /// R1 of a decoder's inputs.
  [[nodiscard]] Vectors drafted(const data::Context& context,
                                const std::vector<data::TokenId>& inputs) const {
    Vectors tokens;
    for (const auto id : inputs) tokens.push_back(token("draft_", id));
    const auto memory = encoded(context);
    return run("decoder", tokens, /*is_scaled=*/true, &memory);
  }

  /// What D2's first layer reads, and zeros in its place.
  [[nodiscard]] Vectors first_of(const std::vector<data::TokenId>& inputs) const {
    Vectors x;
    for (const auto id : inputs) x.push_back(token("consistency_", id));
    return first("consistency", x, /*is_scaled=*/true);
  }
  [[nodiscard]] Vectors zeros_of(const std::vector<data::TokenId>& inputs) const {
    auto x = first_of(inputs);
    for (auto& vector : x) vector = torch::zeros_like(vector);
    return x;
  }

  /// R2 of a decoder's inputs; `reach(t)`: how many of R1 its token t sees.
  template <typename Reach>
  [[nodiscard]] Vectors consistent(const data::Context& context,
                                   const std::vector<data::TokenId>& inputs, const Vectors& r1,
                                   const Reach& reach) const {
    const std::string name = "consistency";
    Vectors x = first_of(inputs), persona;
    auto facts = context;
    facts.turns.clear();
    for (const auto& [ids, speaker] : Plain::sources(facts))
      for (const auto id : ids) persona.push_back(token("consistency_", id));
    persona = first(name, persona, /*is_scaled=*/true);
    for (std::int64_t i = 0; i < options_.consistency_layers; ++i)
      x = layer_of(name + "." + std::to_string(i), x, persona, r1, reach);
    return last(name, x);
  }

  [[nodiscard]] torch::Tensor log_probs_of(const Vectors& states, const std::string& output,
                                           const std::string& part,
                                           const std::vector<data::TokenId>& labels) const {
    const auto table = options_.tied
                           ? (options_.share_embeddings ? "" : part) + "embedding.token.weight"
                           : output + ".weight";
    Vectors log_probs;
    for (std::size_t t = 0; t < labels.size(); ++t)
      log_probs.push_back((p(table).mv(states[t]) + p(output + ".bias")).log_softmax(0)[labels[t]]);
    return torch::stack(log_probs);
  }

 private:
  template <typename Reach>
  [[nodiscard]] Vectors layer_of(const std::string& name, Vectors x, const Vectors& persona,
                                 const Vectors& r1, const Reach& reach) const {
    const auto& d2 = options_.d2;
    const auto self = name + ".attention";
    if (d2.self == "causal")
      x = residual(self + "_norm", x, [&](const Vectors& read, std::size_t t) {
        return attend(self, read[t], t, read, t + 1, true);
      });
    auto seen = persona;
    if (d2.persona == "self_attended")
      seen = residual(self + "_norm", seen, [&](const Vectors& read, std::size_t t) {
        return attend(self, read[t], t, read, read.size(), true);
      });
    const auto over = [&](const std::string& what) {
      return name + (d2.shared_cross ? ".cross" : what) + "_attention";
    };
    x = residual(over(".persona") + "_norm", x, [&](const Vectors& read, std::size_t t) {
      return attend(over(".persona"), read[t], t, seen, seen.size(), false);
    });
    const auto part = [&](const std::string& feed) {
      x = residual(feed + "_norm", x,
                   [&](const Vectors& read, std::size_t t) { return feed_forward(feed, read[t]); });
    };
    if (d2.ffn == "each") part(name + ".persona_feed_forward");
    x = residual(over(".draft") + "_norm", x, [&](const Vectors& read, std::size_t t) {
      return attend(over(".draft"), read[t], t, r1, reach(t), false);
    });
    part(name + ".feed_forward");
    return x;
  }

  StackOptions options_;
};

/// What a decoder reads to give this reply.
inline std::vector<data::TokenId> inputs_of(const std::vector<data::TokenId>& reply) {
  auto inputs = reply;
  inputs.insert(inputs.begin(), data::SpecialIds{}.bos);
  return inputs;
}

}  // namespace banter::models
