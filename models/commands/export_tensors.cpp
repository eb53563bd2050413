#include "models/commands/export_tensors.h"

#include <charconv>
#include <cmath>
#include <sstream>
#include <string_view>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "configs/section.h"
#include "models/checkpoint/load_model.h"
#include "models/checkpoint/safetensors.h"
#include "models/hugging_face/new_folder.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;

/// A value of a configuration: numbers and truths as such, all else as text.
json::value json_of(const std::string& yaml) {
  try {
    return base::parse_json(yaml, "config.yaml");
  } catch (const base::DataError&) {
    double number = 0;  // such as .5, which is none in JSON
    const auto* const end = yaml.data() + yaml.size();
    const auto read = std::from_chars(yaml.data(), end, number);
    const bool is_number = read.ec == std::errc() && read.ptr == end && std::isfinite(number);
    return is_number ? json::value(number) : json::value(yaml);
  }
}

json::object section_json(const Checkpoint& checkpoint, std::string_view name) {
  const auto config = configs::Config::load(checkpoint.folder / "config.yaml");
  json::object section;
  for (const auto& [key, value] : config.root().value(name).entries())
    section[key] = json_of(value.yaml());
  return section;
}

json::object special_json(const data::SpecialIds& special) {
  return {{"pad", special.pad},
          {"unk", special.unk},
          {"bos", special.bos},
          {"eos", special.eos},
          {"turn_end", special.turn_end},
          {"persona", special.persona},
          {"unknown_speaker", special.unknown_speaker},
          {"first_speaker", special.first_speaker}};
}

std::string shape_of(const torch::Tensor& tensor) {
  std::string shape;
  for (const auto size : tensor.sizes())
    shape += (shape.empty() ? "" : " x ") + std::to_string(size);
  return shape.empty() ? "one number" : shape;
}

std::string readme(const Checkpoint& checkpoint, const std::string& type,
                   const NamedTensors& tensors) {
  std::int64_t numbers = 0;
  for (const auto& [name, tensor] : tensors) numbers += tensor.numel();
  std::ostringstream text;
  text << "# A `" << type << "` of banter " << BANTER_VERSION << "\n\n"
       << "Step " << checkpoint.step << (checkpoint.use_ema ? ", averaged weights" : "")
       << ", checkpoint " << checkpoint.hash << ".\n\n"
       << "| file | holds |\n|---|---|\n"
       << "| `model.safetensors` | the " << tensors.size() << " tensors below, " << numbers
       << " numbers |\n"
       << "| `config.json` | the model's sizes, the ids of special symbols, the limits of contexts "
          "|\n"
       << "| `tokenizer.model` | the vocabulary, a SentencePiece model |\n\n"
       << "A matrix `y x x` takes x numbers to y (y = W x + b). The rows of a GRU's matrices and "
          "biases are its gates r, z and n, one block behind the other, as in PyTorch. A turn is "
          "its ids and `turn_end`; a decoder begins with `bos`, and a reply ends with `eos`.\n"
       << (type == "hred" ? "\nbanter's `models/hred_in_pytorch.py` makes PyTorch modules of this "
                            "folder.\n"
                          : "")
       << "\n| name | shape | type |\n|---|---|---|\n";
  for (const auto& [name, tensor] : tensors)
    text << "| `" << name << "` | " << shape_of(tensor) << " | " << tensor.dtype().name() << " |\n";
  return text.str();
}

template <typename Model>
std::string written(const Loaded<Model>& loaded, const fs::path& folder) {
  const auto tensors = named_tensors(*loaded.model);
  NewFolder place(folder);
  write_safetensors(place.path() / "model.safetensors", tensors, {{"format", "pt"}});
  loaded.tokenizer.write_to(place.path());
  const json::object config{{"version", BANTER_VERSION},
                            {"step", loaded.checkpoint.step},
                            {"vocab_size", loaded.tokenizer.vocab_size()},
                            {"special", special_json(loaded.tokenizer.special())},
                            {"model", section_json(loaded.checkpoint, "model")},
                            {"batch", section_json(loaded.checkpoint, "batch")}};
  base::write_durably(place.path() / "config.json", base::pretty_json(config));
  base::write_durably(place.path() / "README.md", readme(loaded.checkpoint, loaded.type, tensors));
  place.publish();
  return loaded.type;
}

}  // namespace

std::string export_tensors(const std::string& run_name, const fs::path& folder) {
  return is_classifier_run(run_name) ? written(load_classifier(run_name), folder)
                                     : written(load_model(run_name), folder);
}

}  // namespace banter::models
