// How StackPropagation makes replies.

#include <span>
#include <utility>

#include "models/draft.h"
#include "models/kept_ids.h"
#include "models/stack_propagation.h"

namespace banter::models {

// A memory has the parts of D1's, then of the persona: the source (B,J) + 1 of each of its tokens
// and, for each layer of D2, keys and values (B,J,D). One that was refined has the same of the
// draft behind them, with 1 for each of its tokens.
//
// A state is D1's alone (the draft); or, in lockstep, D1's, D2's slots and those of R1; or, when a
// draft is refined, the length and D2's slots.

namespace {

constexpr std::size_t kLength = 0;  // of a state

void push_rows(Memory& memory, const PaddedRows& rows, const std::vector<KeysValues>& read) {
  for (const auto& [keys, values] : read) {
    memory.parts.push_back(rows.align(keys));
    memory.parts.push_back(rows.align(values));
  }
}

void append(std::vector<torch::Tensor>& parts, std::vector<torch::Tensor> more) {
  for (auto& part : more) parts.push_back(std::move(part));
}

}  // namespace

std::size_t StackPropagation::draft_part() const {
  return persona_part() + 1 + 2 * consistency_->layers();
}

// ---- memories ---------------------------------------------------------------------------------

Kept StackPropagation::encode_turns(const data::Batch& batch) { return keep_ids(batch); }

TransformerModel::Sources StackPropagation::read_kept(const Kept& kept,
                                                      const torch::Tensor& context,
                                                      const torch::Tensor& facts) {
  return encode(words(contexts_of(kept, context, facts)));
}

Memory StackPropagation::compose(const Kept& kept, const torch::Tensor& context,
                                 const torch::Tensor& facts, const torch::Tensor& reply_speaker) {
  if (!has_d2()) return TransformerModel::compose(kept, context, facts, reply_speaker);
  const auto w = words(contexts_of(kept, context, facts));
  auto memory = memory_of(encode(w), context.size(0));
  memory.parts.push_back(w.persona.align(w.fact_source + 1));
  push_rows(memory, w.persona, consistency_->read_persona(persona_of(w)));
  return memory;
}

Memory StackPropagation::refine(const Memory& memory, const torch::Tensor& draft,
                                const torch::Tensor& keep) {
  const auto rows = PaddedRows::of(keep, torch::arange(keep.size(0), draft.options()));
  const auto r1 = decode_all(draft_vectors(rows.pack(draft)), rows, memory);
  auto refined = memory;
  refined.parts.push_back(rows.align(torch::ones_like(rows.place)));
  push_rows(refined, rows, consistency_->read_draft(r1));
  return refined;
}

Memory StackPropagation::with_own_draft(const Memory& memory) {
  if (passes() == 1) return memory;
  const auto draft = greedy_draft(*this, memory, options.max_draft_tokens);
  return refine(memory, draft.inputs, draft.keep);
}

void StackPropagation::narrow(Memory& memory, const torch::Tensor& index) const {
  TransformerModel::narrow(memory, index);
  for (auto part = persona_part(); part < memory.parts.size();
       part += draft_part() - persona_part())
    narrow_parts(memory, part, part + 1, part + 1 + 2 * consistency_->layers(), index);
}

// ---- steps ------------------------------------------------------------------------------------

State StackPropagation::start(std::int64_t pass, const Memory& memory,
                              const torch::Tensor& memory_row) {
  auto state = TransformerModel::start(0, memory, memory_row);
  const bool is_draft = pass == kDraft || pass + 1 < passes();
  if (!has_d2() || is_draft) return state;
  auto& parts = state.rows.parts;
  auto slots = consistency_->slots();
  if (is_lockstep()) {
    slots += 2 * consistency_->layers();
  } else {
    parts.resize(kLength + 1);
  }
  const auto& persona = memory.parts.at(persona_part() + 1);
  for (std::size_t slot = 0; slot < slots; ++slot)
    parts.push_back(persona.new_zeros({memory_row.size(0), 0, options.dim}));
  return state;
}

StepOutput StackPropagation::step(const torch::Tensor& ids, const Memory& memory, State state) {
  if (!has_d2()) return TransformerModel::step(ids, memory, state);
  if (memory.parts.size() > draft_part()) return step_refining(ids, memory, state);
  return state.rows.parts.size() > state_parts() ? step_together(ids, memory, state)
                                                 : step_of_draft(ids, memory, state);
}

Looked StackPropagation::looked_at(std::size_t part, const Memory& memory,
                                   const torch::Tensor& row) const {
  return Looked::of(std::span(memory.parts).subspan(part + 1, 2 * consistency_->layers()),
                    memory.parts.at(part), row);
}

Attention StackPropagation::persona_attention(const torch::Tensor& weights, const Memory& memory,
                                              const torch::Tensor& row) const {
  return attention_of(kPersona, weights, memory.parts.at(persona_part()).index_select(0, row),
                      memory);
}

StepOutput StackPropagation::step_of_draft(const torch::Tensor& ids, const Memory& memory,
                                           const State& state) {
  auto decoded = decode(draft_vectors(ids), memory, state);
  return {.logits = output_->logits(decoded.vectors),
          .attention = {decoded.attention},
          .state = {state.memory_row, Rows{std::move(decoded.parts)}}};
}

StepOutput StackPropagation::step_together(const torch::Tensor& ids, const Memory& memory,
                                           const State& state) {
  const auto all = std::span(state.rows.parts);
  const auto own = all.subspan(state_parts(), consistency_->slots());
  const auto r1 = all.subspan(state_parts() + consistency_->slots());
  auto decoded = decode(draft_vectors(ids), memory, state);
  const auto at = StepSlots::of(all[kLength]);
  const auto read = consistency_->read_draft(decoded.vectors);
  std::vector<torch::Tensor> kept;
  for (std::size_t layer = 0; layer < read.size(); ++layer) {
    kept.push_back(at.put(r1[2 * layer], read[layer].keys));
    kept.push_back(at.put(r1[2 * layer + 1], read[layer].values));
  }
  auto stepped = consistency_->step(own_vectors(ids), all[kLength], own,
                                    looked_at(persona_part(), memory, state.memory_row),
                                    {flat_rows(kept), at.index});
  append(decoded.parts, std::move(stepped.slots));
  append(decoded.parts, std::move(kept));
  return {.logits = consistency_output_->logits(stepped.vectors),
          .attention = {decoded.attention,
                        persona_attention(stepped.weights, memory, state.memory_row)},
          .state = {state.memory_row, Rows{std::move(decoded.parts)}}};
}

StepOutput StackPropagation::step_refining(const torch::Tensor& ids, const Memory& memory,
                                           const State& state) {
  const auto& row = state.memory_row;
  const auto all = std::span(state.rows.parts);
  auto stepped = consistency_->step(own_vectors(ids), all[kLength], all.subspan(kLength + 1),
                                    looked_at(persona_part(), memory, row),
                                    looked_at(draft_part(), memory, row));
  std::vector<torch::Tensor> parts = {all[kLength] + 1};
  append(parts, std::move(stepped.slots));
  return {.logits = consistency_output_->logits(stepped.vectors),
          .attention = {persona_attention(stepped.weights, memory, row)},
          .state = {row, Rows{std::move(parts)}}};
}

}  // namespace banter::models
