#include "models/wseq.h"

#include "models/layers/row_attention.h"

namespace banter::models {
namespace {

constexpr double kSmallestNorm = 1e-8;

/// Each vector's direction. Shapes   x (...,H) -> (...,H); zeros stay zeros
torch::Tensor direction(const torch::Tensor& x) {
  const auto norm = x.norm(2, -1, /*keepdim=*/true);
  return x / torch::where(norm > kSmallestNorm, norm, torch::full_like(norm, kSmallestNorm));
}

/// Shapes   turns as their replies see them; last (B,H); returns (B,U)
torch::Tensor cosine_weights(const ContextRows& turns, const torch::Tensor& last) {
  const auto rows = rows_at(direction(turns.rows), turns.index);           // (B,U,H)
  const auto cosines = rows.bmm(direction(last).unsqueeze(2)).squeeze(2);  // (B,U)
  const auto is_last = distances(turns.keep()).eq(0).logical_and(turns.keep());
  return masked_softmax(cosines.masked_fill(is_last, 1.0), turns.keep());
}

}  // namespace

WseqOptions WseqOptions::from(configs::Section& section) {
  WseqOptions o;
  o.read(section);
  return o;
}

Wseq::Wseq(const WseqOptions& o, const Vocabulary& vocabulary) : TurnModel(o, vocabulary) {
  register_decoder(o.hidden_dim, o.hidden_dim);
}

Wseq::Sources Wseq::sources(const EncodedTurns& encoded, const torch::Tensor& context,
                            const torch::Tensor& facts) {
  const auto turns = ContextRows::of(encoded.vectors, facts, context);
  const auto last = turns.last();
  Sources s;
  s.start = torch::tanh(start_(last));
  s.static_weights = cosine_weights(turns, last);
  s.gates = weighted_rows(s.static_weights, turns.rows, turns.index).mm(context_weight().t());
  return s;
}

}  // namespace banter::models
