#include "train/init_from.h"

#include "base/errors.h"
#include "models/checkpoint/checkpoint.h"
#include "models/checkpoint/safetensors.h"

namespace banter::train {

Initialised init_from(torch::nn::Module& model, const data::Tokenizer& tokenizer,
                      const std::string& run_name) {
  const auto found = models::find_checkpoint(models::RunName::parse(run_name));
  const auto fail = [&](const std::string& why) {
    throw base::ConfigError("train.init_from: " + found.folder.string() + " " + why);
  };
  const auto its = data::Tokenizer::open_folder(found.folder);
  if (its.pretrained() != nullptr)
    fail(
        "is of an import, whose tokenizer no store can have: training does not go on from there; "
        "choose a run that `banter train` made");
  if (its.hash() != tokenizer.hash())
    fail(
        "has another tokenizer, so its ids mean other pieces: prepare the store with "
        "data.tokenizer.path: " +
        (found.folder / "tokenizer.model").string());

  const auto saved = models::read_safetensors(
      found.folder / (found.use_ema ? "ema.safetensors" : "model.safetensors"));
  Initialised from{
      .checkpoint = found.folder.string(), .hash = found.hash, .copied = {}, .fresh = {}};
  models::NamedTensors live, taken;
  bool has_matrix = false;  // the output's bias alone, as long as the vocabulary, is no start
  for (const auto& parameter : model.named_parameters()) {
    const auto& name = parameter.key();
    const auto other = saved.find(name);
    if (other == saved.end() || other->second.sizes() != parameter.value().sizes()) {
      from.fresh.push_back(name);
      continue;
    }
    from.copied.push_back(name);
    has_matrix = has_matrix || other->second.dim() >= 2;
    live.emplace(name, parameter.value());
    taken.emplace(name, other->second);
  }
  if (!has_matrix)
    fail(
        "has no matrix of the name and shape of one of this model: choose a run of a model "
        "that is like it, with the same widths");
  models::assign_tensors(live, taken, "train.init_from: " + found.folder.string());
  return from;
}

}  // namespace banter::train
