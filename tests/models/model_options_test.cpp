// What each option of a model does, and which values are refused.

#include <string>
#include <vector>

#include "base/errors.h"
#include "tests/models/model_test.h"
#include "tests/models/tiny_sizes.h"

namespace banter::models {
namespace {

TEST(ModelOptionsTest, AnUnknownTypeListsTheKnownOnes) {
  try {
    tiny_model("type: hredd\n");
    FAIL() << "hredd was accepted";
  } catch (const base::ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("hred"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("seq2seq"), std::string::npos) << error.what();
  }
}

/// Two values of one option, with what else they need.
struct Change {
  std::string one, other;
};

/// The forms differ in nothing but the option: what they both have is the same.
TEST(ModelOptionsTest, EveryOptionChangesTheModel) {
  const std::vector<Change> changes = {
      {"hred", "hred\nattention: static"},
      {"hred", "hred\nattention: dynamic"},
      {"hred\nattention: static", "hred\nattention: none"},
      {"hred\nattention: static", "hred\nattention: dynamic"},
      {"hred", "hred\ncombine: sum"},
      {"hred\ncombine: sum", "hred\ncombine: max"},
      {"hred\ncombine: sum", "hred\ncombine: mean"},
      {"hred\ncombine: max", "hred\ncombine: mean"},
      {"hred\ncombine: sum", "hred\ncombine: weighted"},
      {"hred\ncombine: weighted", "hred\ncombine: weighted\ngate: state"},
      {"hred", "hred\nstatic_query: first"},
      {"hred", "hred\ncontext_rnn: true"},
      {"hred", "hred\nword_attention: true"},
      {"hran", "hran\nspeakers: true"},
      {"hran", "hran\nbidirectional: true"},
      {"hran", "hran\ntied: true"},
      {"hred", "hred\nbidirectional: true"},
      {"hred", "hred\ntied: true"},
      {"hred", "hred\nlayers: 2"},
      {"hran", "hran\nlayers: 2"},
      {"vhred", "vhred\nlayers: 2"},
      {"wseq", "wseq\nlayers: 2"},
      {"seq2seq", "seq2seq\nbidirectional: true"},
      {"seq2seq", "seq2seq\ntied: true"},
      {"seq2seq", "seq2seq\nlayers: 2"},
      {"vhred", "vhred\nbidirectional: true"},
      {"vhred", "vhred\ntied: true"},
      {"wseq", "wseq\nbidirectional: true"},
      {"wseq", "wseq\ntied: true"},
      {"hran", "hred\nattention: dynamic\nword_attention: true"},
      {"hred", "hred\nturn_positions: learned"},
      {"hred", "hred\nturn_positions: sinusoidal"},
      {"hred", "hred\nspeakers: true"},
      {"seq2seq", "seq2seq\nspeakers: true"},
      {"vhred", "vhred\nspeakers: true"},
      {"vhred", "vhred\nvariance_scale: 0.2"},
      {"wseq", "wseq\nspeakers: true"},
      {"hran", "hran\nencoder: transformer"},
      {"hred", "hred\nencoder: transformer"},
      {"vhred", "vhred\nencoder: transformer"},
      {"wseq", "wseq\nencoder: transformer"},
      {"hred\nencoder: transformer", "hred\nencoder: transformer\npool: end"},
      {"hred\nencoder: transformer", "hred\nencoder: transformer\nheads: 2"},
      {"hred\nencoder: transformer", "hred\nencoder: transformer\nffn_dim: 9"},
      {"hred\nencoder: transformer", "hred\nencoder: transformer\nencoder_layers: 1"},
      {"recosa", "recosa\nencoder: transformer"},
      {"recosa\nencoder: transformer", "recosa\nencoder: transformer\npool: end"},
      {"recosa", "recosa\nencoder_layers: 2"},
      {"recosa", "recosa\nturn_layers: 2"},
      {"recosa", "recosa\ndecoder_layers: 2"},
      {"recosa", "recosa\nspeakers: true"},
      {"recosa", "recosa\ntied: false"},
      {"recosa", "recosa\nnorm: post\nfinal_norm: true"},
      {"recosa", "recosa\nfinal_norm: false"},
      {"recosa", "recosa\nnorm_eps: 0.1"},
      {"recosa", "recosa\npositions: rope"},
      {"recosa", "recosa\nscale_embedding: false"},
      {"recosa", "recosa\nembedding_norm: true"},
      {"recosa", "recosa\nactivation: gelu"},
      {"stack_propagation", "stack_propagation\nencoder_layers: 2"},
      {"stack_propagation", "stack_propagation\ndecoder_layers: 2"},
      {"stack_propagation", "stack_propagation\nconsistency_layers: 2"},
      {"stack_propagation", "stack_propagation\nconsistency_layers: 0"},
      {"stack_propagation", "stack_propagation\ntied: false"},
      {"stack_propagation", "stack_propagation\nshare_embeddings: false"},
      {"stack_propagation", "stack_propagation\nd2_self: none"},
      {"stack_propagation", "stack_propagation\nd2_persona: self_attended"},
      {"stack_propagation", "stack_propagation\nd2_shared_cross: true"},
      {"stack_propagation", "stack_propagation\nd2_ffn: last"},
      {"stack_propagation", "stack_propagation\nd2_reads_r1: open\nd2_order: two_pass"},
      {"stack_propagation\npreset: paper", "stack_propagation\npreset: released_code"},
      {"stack_propagation", "stack_propagation\nfinal_norm: false"},
      {"stack_propagation", "stack_propagation\nnorm_eps: 0.1"},
      {"transformer", "transformer\nencoder_layers: 2"},
      {"transformer", "transformer\ndecoder_layers: 2"},
      {"transformer", "transformer\nspeakers: true"},
      {"transformer", "transformer\ntied: false"},
      {"transformer", "transformer\nnorm: post\nfinal_norm: true"},
      {"transformer", "transformer\nfinal_norm: false"},
      {"transformer", "transformer\nnorm_eps: 0.1"},
      {"transformer", "transformer\nembedding_norm: true\nnorm_eps: 1e-12"},
      {"transformer", "transformer\npositions: learned"},
      {"transformer", "transformer\npositions: rope"},
      {"transformer\npositions: learned", "transformer\npositions: learned\nmax_positions: 3"},
      {"transformer\npositions: learned", "transformer\npositions: learned\nposition_offset: 1"},
      {"transformer", "transformer\nscale_embedding: false"},
      {"transformer", "transformer\nembedding_norm: true"},
      {"transformer", "transformer\nactivation: gelu"},
      {"transformer\nactivation: gelu", "transformer\nactivation: swish"},
  };
  const auto batch = tiny_batch(tiny_contexts({3, 5}, /*seed=*/7, /*facts=*/2));
  const torch::NoGradGuard no_grad;
  for (const auto& [one, other] : changes) {
    const auto of = [](const std::string& yaml) {
      return tiny_model("type: " + yaml + "\n" + sizes_of("type: " + yaml + "\n"));
    };
    const auto a = of(one), b = of(other);
    const auto known = a->named_parameters();
    for (auto& parameter : b->named_parameters()) {
      const auto* same = known.find(parameter.key());
      if (same != nullptr && same->sizes() == parameter.value().sizes())
        parameter.value().copy_(*same);
    }
    EXPECT_NE(total_loss(*a, batch).item<double>(), total_loss(*b, batch).item<double>())
        << one << " / " << other;
  }
  const auto parameters_of = [&](const std::string& yaml) {
    std::int64_t all = 0;
    for (const auto& p : tiny_model(yaml)->parameters()) all += p.numel();
    return all;
  };
  for (const std::string type : {"recosa", "stack_propagation", "transformer"}) {
    const auto count = [&](const std::string& sizes) {
      return parameters_of("type: " + type + "\n" + sizes);
    };
    EXPECT_NE(count("dim: 12\nffn_dim: 10"), count("dim: 16\nffn_dim: 10"));
    EXPECT_NE(count("dim: 12\nffn_dim: 10"), count("dim: 12\nffn_dim: 11"));
  }
  for (const std::string type : {"hran", "hred", "seq2seq", "vhred", "wseq"}) {
    const auto count = [&](const std::string& sizes) {
      return parameters_of("type: " + type + "\n" + sizes);
    };
    EXPECT_NE(count("embed_dim: 12\nhidden_dim: 10"), count("embed_dim: 13\nhidden_dim: 10"));
    EXPECT_NE(count("embed_dim: 12\nhidden_dim: 10"), count("embed_dim: 12\nhidden_dim: 11"));
  }
}

TEST(ModelOptionsTest, BadOptionsAreRefusedByName) {
  for (const std::string yaml : {"type: hred\nembed_dim: 0\n",
                                 "type: hred\nhidden_dim: -1\n",
                                 "type: hred\ndropout: 1.0\n",
                                 "type: hred\ndropout_kind: variational\n",
                                 "type: hred\nembedding_dropout: 1.0\n",
                                 "type: hred\nattention: none\ncontext_rnn: false\n",
                                 "type: hred\ngate: state\n",
                                 "type: hred\nattention: none\nturn_positions: learned\n",
                                 "type: hred\nattention: static\ncombine: sum\n",
                                 "type: hred\nattention: dynamic\nstatic_query: first\n",
                                 "type: hred\nhiden_dim: 3\n",
                                 "type: seq2seq\nattention: both\n",
                                 "type: wseq\ncontext_rnn: true\n",
                                 "type: hred\nattention: none\nword_attention: true\n",
                                 "type: hran\ncontext_rnn: false\n",
                                 "type: vhred\nlatent_dim: 0\n",
                                 "type: wseq\nlayers: 0\n",
                                 "type: vhred\nvariance_scale: 0.0\n",
                                 "type: vhred\nkl_anneal_steps: -1\n",
                                 "type: vhred\nword_drop: 1.0\n",
                                 "type: vhred\nlatent: mode\n",
                                 "type: vhred\nattention: both\n",
                                 "type: hred\nencoder: lstm\n",
                                 "type: hred\npool: end\n",
                                 "type: hred\nheads: 2\n",
                                 "type: hred\nffn_dim: 9\n",
                                 "type: hred\nencoder_layers: 1\n",
                                 "type: hred\nencoder: transformer\nbidirectional: true\n",
                                 "type: hred\nencoder: transformer\nheads: 3\n",
                                 "type: hred\nencoder: transformer\nencoder_layers: 0\n",
                                 "type: seq2seq\nencoder: transformer\n",
                                 "type: transformer\ndim: 0\n",
                                 "type: transformer\nheads: 3\n",
                                 "type: transformer\nnorm_eps: 0\n",
                                 "type: transformer\nnorm_eps: 1\n",
                                 "type: transformer\nheads: 0\n",
                                 "type: transformer\ndim: 12\nheads: 4\npositions: rope\n",
                                 "type: transformer\nffn_dim: 0\n",
                                 "type: transformer\nnorm: none\n",
                                 "type: transformer\npositions: relative\n",
                                 "type: transformer\nprojections: low\n",
                                 "type: transformer\nactivation: tanh\n",
                                 "type: transformer\nmax_positions: 7\n",
                                 "type: transformer\nposition_offset: 2\n",
                                 "type: transformer\npositions: learned\nmax_positions: 0\n",
                                 "type: transformer\ndropout: 1.0\n",
                                 "type: transformer\nactivation_dropout: -0.1\n",
                                 "type: transformer\nembedding_dropout: -0.1\n",
                                 "type: transformer\ndropout_kind: locked\n",
                                 "type: transformer\nencoder_layers: 0\n",
                                 "type: transformer\ndecoder_layers: 0\n",
                                 "type: transformer\nhidden_dim: 8\n",
                                 "type: stack_propagation\nconsistency_layers: -1\n",
                                 "type: stack_propagation\nencoder_layers: 0\n",
                                 "type: stack_propagation\npreset: bob\n",
                                 "type: stack_propagation\nd2_reads_r1: open\n",
                                 "type: stack_propagation\nd2_order: two_pass\n",
                                 "type: stack_propagation\nd2_self: open\n",
                                 "type: stack_propagation\nd2_self: none\nd2_persona: "
                                 "self_attended\n",
                                 "type: stack_propagation\nd2_persona: encoded\n",
                                 "type: stack_propagation\nd2_ffn: none\n",
                                 "type: stack_propagation\nconsistency_weight: -0.1\n",
                                 "type: stack_propagation\npair_weight: -1\n",
                                 "type: stack_propagation\nentailed_share: 1.1\n",
                                 "type: stack_propagation\nul_form: log\n",
                                 "type: stack_propagation\nnli_r1: gold\n",
                                 "type: stack_propagation\nphase1_steps: -1\n",
                                 "type: stack_propagation\nmax_draft_tokens: 5\n",
                                 "type: stack_propagation\npreset: paper\nmax_draft_tokens: 0\n",
                                 "type: stack_propagation\nspeakers: true\n",
                                 "type: recosa\npool: end\n",
                                 "type: recosa\nturn_layers: 0\n",
                                 "type: recosa\nencoder_layers: 0\n",
                                 "type: recosa\nbidirectional: true\n",
                                 "type: hred\ncombine: product\n"})
    EXPECT_THROW(tiny_model(yaml), base::ConfigError) << yaml;
}

}  // namespace
}  // namespace banter::models
