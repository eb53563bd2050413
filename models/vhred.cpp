#include "models/vhred.h"

#include <algorithm>

#include "base/random.h"
#include "models/label_losses.h"
#include "models/layers/packing.h"

namespace banter::models {
namespace {

/// A key for each reply's noise, from its labels alone. Shapes   labels (B,S) -> (B) int64
torch::Tensor keys_of(const torch::Tensor& labels) {
  const auto on_cpu = labels.to(torch::kCPU).contiguous();
  const auto B = labels.size(0), S = labels.size(1);
  const auto keys = torch::empty({B}, torch::kLong);
  for (std::int64_t b = 0; b < B; ++b) {
    std::uint64_t key = base::key_of("posterior");
    for (std::int64_t t = 0; t < S; ++t) {
      const auto label = on_cpu.const_data_ptr<std::int64_t>()[b * S + t];
      if (label >= 0) key = base::join_keys(key, static_cast<std::uint64_t>(label));
    }
    keys.data_ptr<std::int64_t>()[b] = static_cast<std::int64_t>(key);
  }
  return keys;
}

}  // namespace

VhredOptions VhredOptions::from(configs::Section& section) {
  VhredOptions o;
  o.read(section);
  o.latent_dim = section.get("latent_dim", o.latent_dim);
  o.variance_scale = section.get("variance_scale", o.variance_scale);
  o.kl_anneal_steps = section.get("kl_anneal_steps", o.kl_anneal_steps);
  o.word_drop = section.get("word_drop", o.word_drop);
  o.latent = section.choice("latent", o.latent, {"mean", "sample"});
  section.check(o.latent_dim > 0, "latent_dim", "positive");
  section.check(o.variance_scale > 0, "variance_scale", "positive");
  section.check(o.kl_anneal_steps >= 0, "kl_anneal_steps", "0 or more");
  section.check(o.word_drop >= 0 && o.word_drop < 1, "word_drop", "in [0, 1)");
  return o;
}

Vhred::Vhred(const VhredOptions& o, const Vocabulary& vocabulary)
    : TurnModel(o, vocabulary), options(o) {
  const auto H = o.hidden_dim, Z = o.latent_dim;
  context_rnn_ = register_module("context_rnn", Gru(H, H));
  prior_ = register_module("prior", GaussianNet(H, H, Z, o.variance_scale));
  posterior_ = register_module("posterior", GaussianNet(2 * H, H, Z, o.variance_scale));
  register_decoder(H + Z, H + Z);
  draw_start_ = register_module("draw_start", StepLinear());
  draw_gates_ = register_module("draw_gates", StepLinear());
}

// ---- contexts and replies -----------------------------------------------------------------------

torch::Tensor Vhred::last_of_context(const torch::Tensor& vectors, const torch::Tensor& context,
                                     const torch::Tensor& facts) {
  return run_over(*context_rnn_, ContextRows::of(vectors, facts, context)).last();
}

/// Shapes   c (B,H+Z)
Vhred::Sources Vhred::sources_of(const torch::Tensor& c) {
  Sources s;
  s.start = torch::tanh(start_(c));
  s.gates = c.mm(context_weight().t());
  return s;
}

Vhred::Tokens Vhred::look_up(const data::Batch& batch, const Packing& turns, const Packing& labels,
                             const torch::Tensor& inputs) {
  const auto& special = vocabulary().special;
  const auto ids = labels.pack(batch.labels);
  const auto as_turns = ids.masked_fill(ids.eq(special.eos), special.turn_end);
  const auto speakers = torch::cat({batch.turn_speaker.index_select(0, turns.row),
                                    batch.reply_speaker.index_select(0, labels.row)});
  const auto [read, given] =
      embedding_->of_both(torch::cat({turns.pack(batch.turn_ids), as_turns}), speakers, inputs);
  const auto parts = read.split_with_sizes({turns.places(), labels.places()});
  Tokens tokens;
  tokens.turns = dropout_(parts[0], turns);
  tokens.replies = parts[1];
  tokens.inputs = dropout_(given, labels);
  return tokens;
}

Vhred::Inference Vhred::infer(const torch::Tensor& vectors, const torch::Tensor& replies,
                              const data::Batch& batch, const Packing& labels) {
  const auto g = last_of_context(vectors, batch.context, batch.facts);
  const auto p = prior_(g);
  const auto as_turns = dropout_(replies, labels);
  const auto h_y = encoder_->encode(as_turns, labels, /*with_states=*/false).vectors;  // (B,H)
  const auto q = posterior_(torch::cat({g, h_y}, 1));
  const auto noise =
      is_training() ? torch::randn_like(q.mean)
                    : keyed_normal(keys_of(batch.labels), options.latent_dim).to(q.mean.options());
  return {sources_of(torch::cat({g, q.at(noise)}, 1)), kl_divergence(q, p)};
}

// ---- teacher forcing --------------------------------------------------------------------------

torch::Tensor Vhred::dropped(const torch::Tensor& inputs) const {
  if (!is_training() || options.word_drop == 0) return inputs;
  const auto& special = vocabulary().special;
  const auto drawn = torch::rand(inputs.sizes(), inputs.options().dtype(torch::kFloat));
  return inputs.masked_fill(drawn.lt(options.word_drop).logical_and(inputs.ne(special.bos)),
                            special.unk);
}

std::vector<LossSum> Vhred::losses(const data::Batch& batch) {
  const auto turns = make_packing(batch.turn_keep);
  const auto labels = make_packing(batch.labels.ge(0));
  const auto tokens = look_up(batch, turns, labels, dropped(labels.pack(batch.decoder_input)));
  const auto read =
      infer(encode(batch, tokens.turns, turns).vectors, tokens.replies, batch, labels);
  const auto states = dropout_(decode(read.sources, tokens.inputs, labels).states, labels);
  auto losses = label_losses("nll", output_, states, labels.pack(batch.labels), labels.places());
  losses.push_back({"kl", read.kl.sum(), labels.places()});
  return losses;
}

std::vector<std::pair<std::string, std::int64_t>> Vhred::loss_counts(
    const data::Batch& batch) const {
  return {{"nll", batch.label_count}, {"kl", batch.label_count}};
}

double Vhred::loss_weight(std::string_view loss, std::int64_t updates) const {
  if (loss != "kl" || updates >= options.kl_anneal_steps) return 1;
  return static_cast<double>(updates) / static_cast<double>(options.kl_anneal_steps);
}

std::optional<torch::Tensor> Vhred::bound(const data::Batch& batch) {
  const auto turns = make_packing(batch.turn_keep);
  const auto labels = make_packing(batch.labels.ge(0));
  const auto tokens = look_up(batch, turns, labels, labels.pack(batch.decoder_input));
  const auto read =
      infer(encode(batch, tokens.turns, turns).vectors, tokens.replies, batch, labels);
  const auto states = dropout_(decode(read.sources, tokens.inputs, labels).states, labels);
  const auto fit = output_->fit(states, labels.pack(batch.labels));
  return labels.unpack(fit.nll).sum(1) + read.kl;
}

Vhred::Sources Vhred::sources(const EncodedTurns& turns, const torch::Tensor& context,
                              const torch::Tensor& facts) {
  const auto g = last_of_context(turns.vectors, context, facts);
  return sources_of(torch::cat({g, prior_(g).mean}, 1));
}

// ---- decoding ---------------------------------------------------------------------------------

Memory Vhred::compose(const Kept& kept, const torch::Tensor& context, const torch::Tensor& facts,
                      const torch::Tensor& reply_speaker) {
  if (!samples()) return TurnModel::compose(kept, context, facts, reply_speaker);
  const auto g = last_of_context(kept.parts.at(0), context, facts);
  const auto prior = prior_(g);
  const auto c = torch::cat({g, prior.mean}, 1);
  auto memory = memory_of(sources_of(c));
  memory.parts.push_back(start_(c));
  memory.parts.push_back(prior.variance.sqrt());
  return memory;
}

State Vhred::start(std::int64_t pass, const Memory& memory, const torch::Tensor& memory_row) {
  auto state = TurnModel::start(pass, memory, memory_row);
  if (samples())
    state.rows.parts.push_back(
        torch::zeros({memory_row.size(0), 3 * options.hidden_dim}, memory.parts[kStart].options()));
  return state;
}

State Vhred::draw(const State& start, const Memory& memory, const torch::Tensor& keys) {
  if (!samples()) return start;
  const auto Z = options.latent_dim;
  const auto deviation = memory.parts.at(kDeviation).index_select(0, start.memory_row);
  const auto offset = keyed_normal(keys, Z).to(deviation.options()) * deviation;  // z - mu_p
  const auto of_z = [&](const torch::Tensor& matrix) { return matrix.slice(1, -Z); };
  const auto s_0 = torch::tanh(memory.parts.at(kStartInput).index_select(0, start.memory_row) +
                               draw_start_->forward(offset, of_z(start_->weight)));
  return {start.memory_row, Rows{{s_0, draw_gates_->forward(offset, of_z(context_weight()))}}};
}

torch::Tensor Vhred::gates_of_step(const torch::Tensor& gates, const Memory& /*memory*/,
                                   const State& state, std::vector<Attention>& /*attention*/) {
  return samples() ? gates + state.rows.parts.at(1) : gates;
}

}  // namespace banter::models
