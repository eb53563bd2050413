#include "models/hugging_face/run.h"

#include <algorithm>
#include <sstream>

#include "base/errors.h"
#include "base/files.h"
#include "models/checkpoint/load_model.h"
#include "models/hugging_face/generation.h"
#include "models/hugging_face/new_folder.h"
#include "models/hugging_face/weights.h"
#include "models/registry.h"
#include "models/transformer.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;
using base::CheckpointError;
using data::SpecialIds;

/// Rows of the table of positions that `transformers` makes, where a run's limits are none.
constexpr std::int64_t kMostPositions = 65'536;

/// Ids of a context that are in no turn.
std::int64_t frame_ids(const SpecialIds& special) {
  return (special.context_begin == SpecialIds::kNone ? 0 : 1) +
         (special.context_end == SpecialIds::kNone ? 0 : 1);
}

/// The recipe's `batch` section: what fits into the network's positions.
std::string batch_section(const Network& network, const SpecialIds& special,
                          const ImportOptions& options) {
  const auto context = network.max_positions - frame_ids(special);
  const auto most = [](std::int64_t tokens) { return std::to_string(tokens) + "\n"; };
  return "batch:\n  max_context_turns: " + most(options.max_context_turns) +
         "  max_turn_tokens: " + most(context - 1) + "  max_context_tokens: " + most(context) +
         "  max_reply_tokens: " + most(network.max_positions - 1) + "  persona: none\n";
}

/// Writes the only checkpoint of a run.
void write_run(const fs::path& run, const std::string& learning, const std::string& decoding,
               const torch::nn::Module& model, const data::Tokenizer& tokenizer) {
  constexpr std::int64_t kStep = 0;
  CheckpointWriter writer(run, kStep);
  write_safetensors(writer.folder() / "model.safetensors", named_tensors(model));
  base::write_durably(writer.folder() / "config.yaml", learning);
  tokenizer.write_to(writer.folder());
  static_cast<void>(data::Tokenizer::open_folder(writer.folder()));  // as every command does
  writer.publish();
  for (const auto* pointer : {"CURRENT", "LAST"}) point_to(run, pointer, kStep);
  base::write_durably(run / "config.yaml", learning + decoding);
}

/// Tokens of the longest context that a run's limits let through.
std::int64_t longest_context(const data::BatchOptions& o) {
  const auto turn = o.max_turn_tokens + 1;  // one stays in any case
  return std::max(turn, std::min(o.max_context_tokens, o.max_context_turns * turn));
}

/// Positions that a network without a table of its own needs there.
std::int64_t positions_of_run(const LoadedModel& loaded, const DecodingOptions& decoding) {
  const auto context = longest_context(loaded.batch) + frame_ids(loaded.tokenizer.special());
  return std::max({std::min(context, kMostPositions),
                   std::min(loaded.batch.max_reply_tokens + 1, kMostPositions),
                   decoding.max_new_tokens + 1});
}

/// The family whose positions a model has. Throws   CheckpointError when there is none
Family family_of(const FlatTransformerOptions& options, const std::string& where) {
  std::string known;
  for (const auto& family : families()) {
    if (family.positions == options.positions) return family;
    known += (known.empty() ? "" : ", ") + std::string(family.model_type) + ": " +
             std::string(family.positions);
  }
  throw CheckpointError(where + ": model.positions is " + options.positions +
                        ", which no Hugging Face network here has (" + known + ")");
}

/// Throws   CheckpointError naming the first option that is another in the family
void check_family(const FlatTransformerOptions& o, const Family& family, const std::string& where) {
  const auto expect = [&](bool holds, const char* key, const auto& value, const auto& there) {
    if (holds) return;
    std::ostringstream why;
    why << std::boolalpha << where << ": model." << key << " is " << value
        << ", but a Hugging Face " << family.model_type << " (positions " << family.positions
        << ") has " << there;
    throw CheckpointError(why.str());
  };
  const auto expect_same = [&](const char* key, const auto& value, const auto& there) {
    expect(value == there, key, value, there);
  };
  expect_same("norm", o.norm, family.norm);
  expect_same("final_norm", o.final_norm, family.final_norm);
  expect_same("embedding_norm", o.embedding_norm, family.embedding_norm);
  expect_same("norm_eps", o.norm_eps, TransformerOptions{}.norm_eps);
  expect_same("position_offset", o.position_offset, family.position_offset);
  expect_same("projections", o.projections, "dense");
  expect_same("speakers", o.speakers, false);
  expect(o.positions != "sinusoidal" || o.dim % 2 == 0, "dim", o.dim, "an even one");
}

/// The network that a run's model is. Throws   CheckpointError naming what no family has
Network network_of_run(const LoadedModel& loaded, const FlatTransformer& model,
                       const DecodingOptions& decoding) {
  const auto& o = model.options;
  Network network;
  network.layers = o;
  network.encoder_layers = o.encoder_layers;
  network.decoder_layers = o.decoder_layers;
  network.tied = o.tied;
  network.vocab_size = loaded.tokenizer.vocab_size();
  const auto where = loaded.checkpoint.folder.string();
  network.family = family_of(o, where);
  check_family(o, network.family, where);
  network.max_positions =
      o.positions == "learned" ? o.max_positions : positions_of_run(loaded, decoding);
  const auto& special = loaded.tokenizer.special();
  network.pad = special.pad;
  network.eos = special.eos;
  network.decoder_start = special.bos;
  return network;
}

/// Throws   CheckpointError when the family's tokenizer cannot be the run's
data::PretrainedTokenizer tokenizer_of_run(const LoadedModel& loaded, const Network& network) {
  if (const auto* pretrained = loaded.tokenizer.pretrained()) return *pretrained;
  if (network.family.model_type == "marian") return as_marian(loaded.tokenizer);
  throw CheckpointError(loaded.checkpoint.folder.string() + ": " +
                        std::string(network.family.tokenizer) +
                        " cannot have the ids of a tokenizer of `banter prepare`; only a Marian's "
                        "can (norm post, positions sinusoidal)");
}

/// How the run's recipe says that replies are chosen.
DecodingOptions decoding_of(const Checkpoint& checkpoint) {
  const auto config = configs::Config::load(recipe_of(checkpoint));
  auto section = config.root().section("decoding");
  return DecodingOptions::from(section);
}

}  // namespace

Imported import_folder(const fs::path& folder, const fs::path& run, const ImportOptions& options) {
  const auto config_file = folder / "config.json";
  const auto json = read_config(folder);
  const auto network = network_of(json, config_file.string());
  const data::Tokenizer tokenizer(read_vocabulary(folder, network, options.languages));
  const auto generation = read_generation(folder, network);
  NewFolder place(run);

  const auto learning =
      batch_section(network, tokenizer.special(), options) + model_section(network);
  const auto config = configs::Config::parse(learning, config_file.string());
  const auto model = build_model(config.root().section("model"),
                                 {tokenizer.vocab_size(), tokenizer.special()}, /*seed=*/0);
  auto tensors = read_weights(folder);
  drop_copies(tensors, network, folder.string());
  assign_tensors(as_named_there(*model), tensors,
                 folder.string() + ": the weights do not fit config.json");
  write_run(place.path(), learning, decoding_section(generation.options), *model, tokenizer);
  place.publish();

  Imported imported;
  imported.model_type = network.family.model_type;
  imported.vocab_size = network.vocab_size;
  imported.left_out = left_out(json);
  imported.not_asked = generation.left_out;
  for (const auto& parameter : model->parameters()) imported.parameters += parameter.numel();
  return imported;
}

std::string export_folder(const std::string& run_name, const fs::path& folder) {
  const auto loaded = load_model(run_name);
  const auto* model = dynamic_cast<const FlatTransformer*>(loaded.model.get());
  if (model == nullptr)
    throw CheckpointError(loaded.checkpoint.folder.string() + ": is a " + loaded.type +
                          "; only a transformer can be a Hugging Face folder: "
                          "`banter export --format tensors` is for all");
  const auto decoding = decoding_of(loaded.checkpoint);
  const auto network = network_of_run(loaded, *model, decoding);
  const auto tokenizer = tokenizer_of_run(loaded, network);
  NewFolder place(folder);
  const auto write = [&](const char* name, const base::json::object& json) {
    base::write_durably(place.path() / name, base::pretty_json(json));
  };
  write("config.json", config_json(network));
  write("generation_config.json",
        generation_json(decoding, loaded.tokenizer.special(), network.max_positions));
  write_vocabulary(place.path(), tokenizer, network);
  write_safetensors(place.path() / "model.safetensors", as_named_there(*model), {{"format", "pt"}});
  place.publish();
  return std::string(network.family.model_type);
}

}  // namespace banter::models
