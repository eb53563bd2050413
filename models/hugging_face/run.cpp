#include "models/hugging_face/run.h"

#include <system_error>
#include <utility>

#include <unistd.h>

#include "base/errors.h"
#include "base/files.h"
#include "models/checkpoint/load_model.h"
#include "models/hugging_face/generation.h"
#include "models/hugging_face/weights.h"
#include "models/registry.h"
#include "models/transformer.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;
using base::CheckpointError;
using data::SpecialIds;

/// A folder that is written beside its place and put there when all of it stands.
class NewFolder {
 public:
  /// Throws   UsageError when `place` is there; FileError
  explicit NewFolder(fs::path place) : place_(std::move(place)) {
    if (place_.filename().empty()) place_ = place_.parent_path();  // "runs/de-en/"
    if (fs::exists(place_))
      throw base::UsageError(place_.string() + ": is there already; name a new folder");
    beside_ = place_;
    beside_.replace_filename("." + place_.filename().string() + ".tmp-" +
                             std::to_string(::getpid()));
    base::make_folders(beside_);
  }
  ~NewFolder() {
    std::error_code ignored;
    fs::remove_all(beside_, ignored);
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  [[nodiscard]] const fs::path& path() const { return beside_; }
  void publish() {
    base::sync_folder(beside_);
    base::rename_durably(beside_, place_);
  }

 private:
  fs::path place_, beside_;
};

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
  writer.publish();
  for (const auto* pointer : {"CURRENT", "LAST"}) point_to(run, pointer, kStep);
  base::write_durably(run / "config.yaml", learning + decoding);
}

/// The network that a run's model is. Throws   CheckpointError naming what no family has
Network network_of_run(const LoadedModel& loaded, const FlatTransformer& model) {
  const auto fail = [](const std::string& why) {
    std::string known;
    for (const auto& family : families())
      known += (known.empty() ? "" : ", ") + std::string(family.model_type) + ": norm " +
               std::string(family.norm) + ", positions " + std::string(family.positions);
    throw CheckpointError(why + ", which no Hugging Face network here has (" + known + ")");
  };
  const auto& o = model.options;
  Network network;
  network.layers = o;
  network.encoder_layers = o.encoder_layers;
  network.decoder_layers = o.decoder_layers;
  network.tied = o.tied;
  network.vocab_size = loaded.tokenizer.vocab_size();
  for (const auto& family : families())
    if (family.positions == o.positions) network.family = family;
  const auto& family = network.family;
  if (family.model_type.empty()) fail("model.positions is " + o.positions);
  const auto expect = [&](bool holds, const std::string& what) {
    if (!holds) fail(what + " with positions " + o.positions);
  };
  expect(o.norm == family.norm, "model.norm is " + o.norm);
  expect(o.final_norm == family.final_norm, "model.final_norm is another");
  expect(o.embedding_norm == family.embedding_norm, "model.embedding_norm is another");
  expect(o.position_offset == family.position_offset, "model.position_offset is another");
  expect(o.projections == "dense", "model.projections is " + o.projections);
  expect(!o.speakers, "model.speakers is true");
  const auto& special = loaded.tokenizer.special();
  network.max_positions = o.positions == "learned"
                              ? o.max_positions
                              : loaded.batch.max_context_tokens + frame_ids(special);
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
  const auto config = configs::Config::load(checkpoint.folder.parent_path() / "config.yaml");
  auto section = config.root().section("decoding");
  return DecodingOptions::from(section);
}

}  // namespace

Imported import_folder(const fs::path& folder, const fs::path& run, const ImportOptions& options) {
  const auto config_file = folder / "config.json";
  const auto json = read_config(folder);
  const auto network = network_of(json, config_file.string());
  const data::Tokenizer tokenizer(read_vocabulary(folder, network, options.languages));
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
  write_run(place.path(), learning, decoding_section(folder, network), *model, tokenizer);
  place.publish();

  Imported imported;
  imported.model_type = network.family.model_type;
  imported.vocab_size = network.vocab_size;
  imported.left_out = left_out(json);
  for (const auto& parameter : model->parameters()) imported.parameters += parameter.numel();
  return imported;
}

std::string export_folder(const std::string& run_name, const fs::path& folder) {
  const auto loaded = load_model(run_name);
  const auto* model = dynamic_cast<const FlatTransformer*>(loaded.model.get());
  if (model == nullptr)
    throw CheckpointError(loaded.checkpoint.folder.string() + ": is a " + loaded.type +
                          "; only a transformer can be a Hugging Face folder");
  const auto network = network_of_run(loaded, *model);
  const auto tokenizer = tokenizer_of_run(loaded, network);
  NewFolder place(folder);
  const auto write = [&](const char* name, const base::json::object& json) {
    base::write_durably(place.path() / name, base::pretty_json(json));
  };
  write("config.json", config_json(network));
  write("generation_config.json",
        generation_json(decoding_of(loaded.checkpoint), loaded.tokenizer.special()));
  write_vocabulary(place.path(), tokenizer, network);
  write_safetensors(place.path() / "model.safetensors", as_named_there(*model), {{"format", "pt"}});
  place.publish();
  return std::string(network.family.model_type);
}

}  // namespace banter::models
