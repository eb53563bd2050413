#include "models/stack_options.h"

namespace banter::models {
namespace {

/// As the equations and figures of the paper have it. The weights are guesses: sweep them.
void set_paper(StackOptions& o) {
  o.d2_reads_r1 = "open";
  o.d2.self = "none";
  o.consistency_weight = 5e-3;
  o.entailed_share = 0.1;
  o.pair_weight = 1;
  o.d2_order = "two_pass";
}

/// As the released code does it, but for its faults with padding.
void set_released_code(StackOptions& o) {
  o.ul_form = "negated_logits";
  o.nli_uses_premise = false;
  o.nli_r1 = "none";
  o.d2_reads_r1 = "open";
  o.d2 = {.self = "causal", .persona = "self_attended", .shared_cross = true, .ffn = "last"};
  o.share_embeddings = false;
  o.d2_order = "two_pass";
}

void check_layers(const configs::Section& section, std::int64_t layers, std::string_view key,
                  std::int64_t least) {
  section.check(layers >= least && layers <= StackOptions::kMostLayers, key,
                std::to_string(least) + " to " + std::to_string(StackOptions::kMostLayers));
}

void read_consistency(configs::Section& section, StackOptions& o) {
  o.d2.self = section.choice("d2_self", o.d2.self, {"causal", "none"});
  o.d2.persona = section.choice("d2_persona", o.d2.persona, {"embedded", "self_attended"});
  o.d2.shared_cross = section.get("d2_shared_cross", o.d2.shared_cross);
  o.d2.ffn = section.choice("d2_ffn", o.d2.ffn, {"each", "last"});
  o.d2_reads_r1 = section.choice("d2_reads_r1", o.d2_reads_r1, {"causal", "open"});
  o.d2_order = section.choice("d2_order", o.d2_order, {"lockstep", "two_pass"});
  section.check(o.d2.persona == "embedded" || o.d2.self == "causal", "d2_persona",
                "embedded where d2_self is none: there is no self-attention for it to go through");
  section.check((o.d2_order == "lockstep") == (o.d2_reads_r1 == "causal"), "d2_order",
                "lockstep where d2_reads_r1 is causal, and two_pass where it is open");
}

void read_learning(configs::Section& section, StackOptions& o) {
  o.detach_r1 = section.get("detach_r1", o.detach_r1);
  o.consistency_weight = section.get("consistency_weight", o.consistency_weight);
  o.pair_weight = section.get("pair_weight", o.pair_weight);
  o.entailed_share = section.get("entailed_share", o.entailed_share);
  o.ul_form = section.choice("ul_form", o.ul_form, {"log1mp", "negated_logits"});
  o.nli_uses_premise = section.get("nli_uses_premise", o.nli_uses_premise);
  o.nli_r1 = section.choice("nli_r1", o.nli_r1, {"draft_decoder", "embedding", "none", "zeros"});
  o.phase1_steps = section.get("phase1_steps", o.phase1_steps);
  section.check(o.consistency_weight >= 0, "consistency_weight", "0 or more");
  section.check(o.pair_weight >= 0, "pair_weight", "0 or more");
  section.check(o.entailed_share >= 0 && o.entailed_share <= 1, "entailed_share", "in [0, 1]");
  section.check(o.phase1_steps >= 0, "phase1_steps", "0 or more");
}

}  // namespace

StackOptions StackOptions::from(configs::Section& section) {
  StackOptions o;
  o.preset = section.choice("preset", o.preset, {"none", "paper", "released_code"});
  if (o.preset == "paper") set_paper(o);
  if (o.preset == "released_code") set_released_code(o);
  o.read(section);
  o.encoder_layers = section.get("encoder_layers", o.encoder_layers);
  o.decoder_layers = section.get("decoder_layers", o.decoder_layers);
  o.consistency_layers = section.get("consistency_layers", o.consistency_layers);
  check_layers(section, o.encoder_layers, "encoder_layers", 1);
  check_layers(section, o.decoder_layers, "decoder_layers", 1);
  check_layers(section, o.consistency_layers, "consistency_layers", 0);
  o.tied = section.get("tied", o.tied);
  o.share_embeddings = section.get("share_embeddings", o.share_embeddings);
  read_consistency(section, o);
  read_learning(section, o);
  o.max_draft_tokens = section.get("max_draft_tokens", o.max_draft_tokens);
  section.check(o.max_draft_tokens > 0, "max_draft_tokens", "positive");
  section.check(o.max_draft_tokens == StackOptions{}.max_draft_tokens || o.d2_order == "two_pass",
                "max_draft_tokens", "left out unless d2_order is two_pass: no draft is made");
  return o;
}

}  // namespace banter::models
