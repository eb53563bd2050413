#include "models/layers/encoder.h"

namespace banter::models {

EncoderImpl::EncoderImpl(std::int64_t input_dim, std::int64_t hidden_dim, bool bidirectional,
                         std::int64_t layers)
    : GruImpl(input_dim, hidden_dim) {
  if (bidirectional) {
    backward_ = register_module("backward", Gru(input_dim, hidden_dim));
    join_ = register_module("join", torch::nn::Linear(2 * hidden_dim, hidden_dim));
  }
  if (layers > 1)
    upper_ = register_module(
        "upper", std::make_shared<EncoderImpl>(hidden_dim, hidden_dim, bidirectional, layers - 1));
}

TokenEncoder::Encoding EncoderImpl::encode(const torch::Tensor& input, const Packing& packing,
                                           bool with_states) {
  if (!upper_) return encode_layer(input, packing, with_states);
  return upper_->encode(encode_layer(input, packing, true).states, packing, with_states);
}

TokenEncoder::Encoding EncoderImpl::encode_layer(const torch::Tensor& input, const Packing& packing,
                                                 bool with_states) {
  const auto forwards = forward(input, packing);  // (P,H)
  if (backward_.is_empty())
    return {with_states ? forwards : torch::Tensor(), packing.at_last(forwards)};
  const auto mirror = packing.mirrored();
  const auto from_end =
      backward_(input.index_select(0, mirror), packing);  // (P,H), each row turned
  const auto joined = [&](const torch::Tensor& f, const torch::Tensor& b) {
    return torch::tanh(join_(torch::cat({f, b}, 1)));
  };
  Encoding encoding;
  encoding.vectors = joined(packing.at_last(forwards), packing.at_last(from_end))
                         .masked_fill(packing.empty.unsqueeze(1), 0.0);
  if (with_states) encoding.states = joined(forwards, from_end.index_select(0, mirror));
  return encoding;
}

}  // namespace banter::models
