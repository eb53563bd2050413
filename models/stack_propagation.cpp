#include "models/stack_propagation.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "data/pair.h"
#include "models/draft.h"
#include "models/kept_ids.h"
#include "models/label_losses.h"

namespace banter::models {
namespace {

/// Labels of packed tokens that belong to pairs of this kind. Shapes   returns (P') int64: places
torch::Tensor tokens_of(const data::PairBatch& pairs, const PaddedRows& labels, data::Label kind) {
  const auto is_kind = pairs.label.eq(static_cast<std::int64_t>(kind));
  return is_kind.index_select(0, labels.row).nonzero().squeeze(1);
}

}  // namespace

StackPropagation::StackPropagation(const StackOptions& o, const Vocabulary& vocabulary)
    : TransformerModel(vocabulary), options(o) {
  register_embeddings();
  encoder_ =
      register_module("encoder", TransformerStack(o, o.encoder_layers, /*reads_memory=*/false));
  const auto& table = o.share_embeddings ? embedding_->table() : draft_embedding_->table();
  register_decoder(o, o.decoder_layers, o.tied ? table : torch::Tensor());
  if (has_d2()) register_consistency();
}

void StackPropagation::register_embeddings() {
  register_embedding(options, /*speakers=*/false);
  const auto add = [&](const std::string& name) {
    return register_module(name,
                           TurnEmbedding(vocabulary().size, vocabulary().special.pad, options.dim,
                                         /*speakers=*/false, options.embedding_dropout));
  };
  if (!options.share_embeddings) {
    draft_embedding_ = add("draft_embedding");
    if (has_d2()) consistency_embedding_ = add("consistency_embedding");
  }
  constexpr std::int64_t kKinds = 2;
  kind_ = register_module("kind", torch::nn::Embedding(kKinds, options.dim));
}

void StackPropagation::register_consistency() {
  consistency_ = register_module(
      "consistency", ConsistencyDecoder(options, options.d2, options.consistency_layers));
  const auto& table =
      options.share_embeddings ? embedding_->table() : consistency_embedding_->table();
  consistency_output_ = register_module(
      "consistency_output",
      options.tied ? OutputLayer(options.dim, table) : OutputLayer(options.dim, vocabulary().size));
}

torch::Tensor StackPropagation::draft_vectors(const torch::Tensor& ids) {
  return options.share_embeddings ? embedding_(ids) : draft_embedding_(ids);
}

torch::Tensor StackPropagation::own_vectors(const torch::Tensor& ids) {
  return options.share_embeddings ? embedding_(ids) : consistency_embedding_(ids);
}

// ---- contexts and replies -----------------------------------------------------------------------

StackPropagation::Words StackPropagation::words(const data::Batch& batch, Parts parts) {
  const auto joined = batch.joined(vocabulary().special);
  const auto order = longest_first(joined.keep);
  const auto is_fact = joined.keep.logical_and(joined.source.lt(batch.facts.size(1)));
  Words w;
  w.rows = PaddedRows::of(joined.keep, order);
  w.persona = PaddedRows::of(is_fact, order);
  w.labels = PaddedRows::of(batch.labels.ge(0), order);
  w.is_fact = w.rows.pack(is_fact);
  w.source = w.rows.pack(joined.source);
  w.fact_source = w.persona.pack(joined.source);
  w.places = batch.facts.size(1) + batch.context.size(1);
  const auto ids = w.rows.pack(joined.ids), inputs = w.labels.pack(batch.decoder_input);
  if (options.share_embeddings) {
    std::tie(w.tokens, w.inputs) = embedding_->of_both(ids, {}, inputs);
    w.own_inputs = w.inputs;
    w.facts = w.tokens.index_select(0, w.is_fact.nonzero().squeeze(1));
    return w;
  }
  w.tokens = embedding_(ids);
  w.inputs = draft_embedding_(inputs);
  if (has_d2() && parts == Parts::kAll)
    std::tie(w.facts, w.own_inputs) =
        consistency_embedding_->of_both(w.persona.pack(joined.ids), {}, inputs);
  return w;
}

TransformerModel::Sources StackPropagation::encode(const Words& w) {
  const auto with_kinds = w.tokens + kind_(w.is_fact.to(torch::kLong));
  return {.vectors = encoder_->forward(with_kinds, w.rows),
          .rows = w.rows,
          .source = w.source,
          .places = w.places};
}

TransformerModel::Read StackPropagation::read(const data::Batch& batch) {
  const auto w = words(batch);
  return {.sources = encode(w), .labels = w.labels, .inputs = w.inputs};
}

// ---- teacher forcing --------------------------------------------------------------------------

TransformerLayerImpl::Seen StackPropagation::draft(const Words& w, const Sources& sources,
                                                   bool with_weights) {
  return decoder_->forward(w.inputs, w.labels, sources.vectors, sources.rows, with_weights);
}

StackPropagation::Persona StackPropagation::persona_of(const Words& w) {
  return {.vectors = consistency_->first(w.facts, w.persona.positions), .rows = w.persona};
}

ConsistencyLayerImpl::Seen StackPropagation::consistent(const Words& w, const R1& r1,
                                                        bool with_weights) {
  const auto first = consistency_->first(w.own_inputs, w.labels.positions);
  return consistency_->forward(first, w.labels, persona_of(w), r1, with_weights);
}

std::vector<std::pair<std::string, std::int64_t>> StackPropagation::loss_counts(
    const data::Batch& batch) const {
  if (!has_d2()) return TransformerModel::loss_counts(batch);
  return {{"nll", batch.label_count}, {"nll_consistency", batch.label_count}};
}

std::vector<LossSum> StackPropagation::losses(const data::Batch& batch) {
  return losses_of(batch, Parts::kAll);
}

std::vector<LossSum> StackPropagation::losses_that_count(const data::Batch& batch,
                                                         std::int64_t updates) {
  return losses_of(batch,
                   loss_weight("nll_consistency", updates) == 0 ? Parts::kDraft : Parts::kAll);
}

std::vector<LossSum> StackPropagation::losses_of(const data::Batch& batch, Parts parts) {
  if (!has_d2()) return TransformerModel::losses(batch);
  const auto w = words(batch, parts);
  const auto r1 = draft(w, encode(w)).vectors;
  const auto labels = w.labels.pack(batch.labels);
  auto losses = label_losses("nll", output_, r1, labels, w.labels.tokens());
  if (parts == Parts::kDraft) return losses;
  const R1 read{options.detach_r1 ? r1.detach() : r1, w.labels, is_lockstep()};
  std::ranges::move(label_losses("nll_consistency", consistency_output_,
                                 consistent(w, read).vectors, labels, w.labels.tokens()),
                    std::back_inserter(losses));
  return losses;
}

std::vector<std::pair<std::string, std::int64_t>> StackPropagation::pair_loss_counts(
    const data::PairBatch& pairs) const {
  if (!has_d2()) return {};
  const auto labels = pairs.texts.labels.ge(0).sum(1);  // (N)
  const auto count = [&](data::Label kind) {
    return labels.masked_select(pairs.label.eq(static_cast<std::int64_t>(kind)))
        .sum()
        .item<std::int64_t>();
  };
  return {{"nll_entailed", count(data::Label::kEntailment)},
          {"unlikelihood", count(data::Label::kContradiction)}};
}

/// What stands for R1 in pairs, which have no context. `first`: what D2's first layer reads.
std::optional<StackPropagation::R1> StackPropagation::r1_of_pairs(const Words& w,
                                                                  const torch::Tensor& first) {
  if (options.nli_r1 == "none") return std::nullopt;
  R1 r1{first, w.labels, is_lockstep()};
  if (options.nli_r1 == "zeros") r1.vectors = torch::zeros_like(first);
  if (options.nli_r1 == "draft_decoder") {
    const torch::NoGradGuard no_grad;
    r1.vectors = draft(w, encode(w)).vectors;
  }
  return r1;
}

std::vector<LossSum> StackPropagation::pair_losses(const data::PairBatch& pairs) {
  if (!has_d2()) return {};
  const auto w = words(pairs.texts);
  const auto first = consistency_->first(w.own_inputs, w.labels.positions);
  const auto persona =
      options.nli_uses_premise ? std::optional(persona_of(w)) : std::optional<Persona>();
  const auto r2 = consistency_->forward(first, w.labels, persona, r1_of_pairs(w, first)).vectors;
  const auto labels = w.labels.pack(pairs.texts.labels);
  const auto entailed = tokens_of(pairs, w.labels, data::Label::kEntailment);
  const auto contradicted = tokens_of(pairs, w.labels, data::Label::kContradiction);
  const auto form =
      options.ul_form == "log1mp" ? Unlikelihood::kLog1mp : Unlikelihood::kNegatedLogits;
  return {
      {"nll_entailed",
       consistency_output_->nll_sum(r2.index_select(0, entailed), labels.index_select(0, entailed)),
       entailed.size(0)},
      {"unlikelihood",
       consistency_output_->unlikelihood_sum(r2.index_select(0, contradicted),
                                             labels.index_select(0, contradicted), form),
       contradicted.size(0)}};
}

double StackPropagation::loss_weight(std::string_view loss, std::int64_t updates) const {
  if (loss == "nll") return 1;
  if (updates < options.phase1_steps) return 0;
  if (loss == "nll_consistency") return options.consistency_weight;
  return options.pair_weight *
         (loss == "nll_entailed" ? options.entailed_share : 1 - options.entailed_share);
}

std::int64_t StackPropagation::active_from(std::string_view parameter) const {
  return parameter.starts_with("consistency") ? options.phase1_steps : 0;
}

// ---- scores -----------------------------------------------------------------------------------

/// All states of the reply that D1 gives to each context, without a look at the labels.
StackPropagation::R1 StackPropagation::r1_of_own_draft(const data::Batch& batch,
                                                       const PaddedRows& labels) {
  const auto memory = compose(encode_turns(batch), batch.context, batch.facts, batch.reply_speaker);
  const auto [inputs, keep] = greedy_draft(*this, memory, options.max_draft_tokens);
  const auto rows = PaddedRows::of(keep, labels.order);
  return {decode_all(draft_vectors(rows.pack(inputs)), rows, memory), rows, /*is_causal=*/false};
}

Score StackPropagation::score(const data::Batch& batch, bool with_attention) {
  if (!has_d2()) return TransformerModel::score(batch, with_attention);
  const auto w = words(batch);
  std::vector<Attention> attention;
  R1 r1;
  if (is_lockstep()) {
    const auto sources = encode(w);
    const auto seen = draft(w, sources, with_attention);
    r1 = {seen.vectors, w.labels, /*is_causal=*/true};
    if (with_attention)
      attention.push_back(
          attention_of(kCross, seen.weights, w.labels, sources.rows, w.source, w.places));
  } else {
    r1 = r1_of_own_draft(batch, w.labels);
  }
  const auto seen = consistent(w, r1, with_attention);
  auto score = fit(consistency_output_, seen.vectors, w.labels, batch);
  if (with_attention)
    attention.push_back(
        attention_of(kPersona, seen.weights, w.labels, w.persona, w.fact_source, w.places));
  score.attention = std::move(attention);
  return score;
}

std::vector<std::pair<std::string, Score>> StackPropagation::further_scores(
    const data::Batch& batch) {
  if (!has_d2()) return {};
  const auto w = words(batch);
  const auto r1 = draft(w, encode(w)).vectors;
  std::vector<std::pair<std::string, Score>> scores = {
      {"ppl_d1", fit(output_, r1, w.labels, batch)}};
  if (!is_lockstep())
    scores.emplace_back(
        "d2_reconstruction",
        fit(consistency_output_, consistent(w, {r1, w.labels, false}).vectors, w.labels, batch));
  return scores;
}

}  // namespace banter::models
