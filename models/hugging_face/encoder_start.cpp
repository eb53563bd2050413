#include "models/hugging_face/encoder_start.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/errors.h"
#include "models/hugging_face/encoder_files.h"
#include "models/hugging_face/encoder_network.h"
#include "models/hugging_face/encoder_weights.h"
#include "models/hugging_face/pretrained_words.h"
#include "models/nli.h"
#include "models/stack_propagation.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;
using base::ConfigError;

constexpr std::array<std::string_view, 2> kTypes = {"nli", "stack_propagation"};
/// Below this share of pieces a vocabulary is hardly one for the store's texts.
constexpr double kFewPieces = 0.2;

constexpr std::array<std::string_view, 3> kWordTables = {
    "consistency_embedding.token.weight", "draft_embedding.token.weight", "embedding.token.weight"};
constexpr const char* kKinds = "kind.weight";
constexpr std::int64_t kOurKinds = 2;

/// Parts of a layer's names and what stands for them there.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kParts = {{
    {"attention.query", "attention.self.query"},
    {"attention.key", "attention.self.key"},
    {"attention.value", "attention.self.value"},
    {"attention.output", "attention.output.dense"},
    {"attention_norm", "attention.output.LayerNorm"},
    {"feed_forward.in", "intermediate.dense"},
    {"feed_forward.out", "output.dense"},
    {"feed_forward_norm", "output.LayerNorm"},
    {"persona_feed_forward.in", "intermediate.dense"},
    {"persona_feed_forward.out", "output.dense"},
    {"persona_feed_forward_norm", "output.LayerNorm"},
}};

/// "3.attention.query.weight" -> "encoder.layer.3.attention.self.query.weight", "" for what has
/// nothing there.
std::string layer_name_there(std::string_view name) {
  const auto dot = name.find('.'), kind = name.rfind('.');
  if (dot == std::string_view::npos || dot >= kind) return "";
  const auto part = name.substr(dot + 1, kind - dot - 1);
  const auto* found = std::ranges::find(kParts, part, &decltype(kParts)::value_type::first);
  if (found == kParts.end()) return "";
  return "encoder.layer." + std::string(name.substr(0, dot + 1)) + std::string(found->second) +
         std::string(name.substr(kind));
}

/// A model's side of it: its options, and how many layers its stacks have.
struct Taker {
  const TransformerOptions* options = nullptr;
  std::vector<std::pair<std::string_view, std::int64_t>> layers;  ///< by the option's key
};

Taker taker_of(const torch::nn::Module& model) {
  if (const auto* stack = dynamic_cast<const StackPropagation*>(&model))
    return {&stack->options,
            {{"encoder_layers", stack->options.encoder_layers},
             {"decoder_layers", stack->options.decoder_layers},
             {"consistency_layers", stack->options.consistency_layers}}};
  if (const auto* nli = dynamic_cast<const Nli*>(&model))
    return {&nli->options, {{"encoder_layers", nli->options.encoder_layers}}};
  throw ConfigError("only models of type " + types_that_start_from_encoders() +
                    " start from a pretrained encoder");
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

void check_options(const EncoderWeights& encoder, const Taker& taker, const std::string& where) {
  const auto keys = keys_to_set(encoder.network, *taker.options, taker.layers);
  if (!keys.empty())
    throw ConfigError(where + " is a " + encoder.network.model_type +
                      ", which this model cannot be; set " + joined(keys));
}

/// Copies what has a name and value there; words are another matter.
class Copy {
 public:
  Copy(const EncoderWeights& encoder, const TransformerOptions& options)
      : encoder_(encoder), options_(options) {}

  /// What a parameter of ours starts from; undefined where there is nothing.
  [[nodiscard]] torch::Tensor source_of(const std::string& name) const {
    if (name == kKinds) return kinds();
    const auto dot = name.find('.');
    const auto side = name.substr(0, dot);
    if (side != "encoder" && side != "decoder" && side != "consistency") return {};
    const auto rest = name.substr(dot + 1);
    if (rest == "positions.table.weight") return positions(/*has_kinds=*/side == "encoder");
    if (rest == "embedding_norm.weight") return at("embeddings.LayerNorm.weight");
    if (rest == "embedding_norm.bias") return at("embeddings.LayerNorm.bias");
    const auto there = layer_name_there(rest);
    return there.empty() ? torch::Tensor() : at(there);
  }

 private:
  [[nodiscard]] const torch::Tensor& at(const std::string& name) const {
    return encoder_.tensors.at(name);
  }
  [[nodiscard]] torch::Tensor kinds() const {
    const auto& table = at("embeddings.token_type_embeddings.weight");
    return table.size(0) == 1 ? table.expand({kOurKinds, -1}) : table.narrow(0, 0, kOurKinds);
  }
  [[nodiscard]] torch::Tensor positions(bool has_kinds) const {
    const auto rows = at("embeddings.position_embeddings.weight")
                          .narrow(0, 0, options_.position_offset + options_.max_positions);
    return has_kinds ? rows : rows + at("embeddings.token_type_embeddings.weight")[0];
  }

  const EncoderWeights& encoder_;
  const TransformerOptions& options_;
};

/// A table of words with the file's rows in it.
torch::Tensor with_rows(const torch::Tensor& fresh, const torch::Tensor& table,
                        const WordRows& words) {
  auto filled = fresh.detach().cpu().clone();
  std::vector<std::int64_t> ids, rows;
  for (std::size_t id = 0; id < words.row.size(); ++id) {
    if (words.row[id] == PretrainedWords::kNone) continue;
    ids.push_back(static_cast<std::int64_t>(id));
    rows.push_back(words.row[id]);
  }
  return filled.index_copy_(0, torch::tensor(ids, torch::kLong),
                            table.index_select(0, torch::tensor(rows, torch::kLong)));
}

/// The rows of words, with what is to be told of them. Throws   ConfigError when none is there
WordRows rows_of(const std::optional<PretrainedWords>& words, const data::Tokenizer& tokenizer,
                 const std::string& where, EncoderStart& start) {
  if (!words) {
    start.warnings.push_back(
        where + ": there is no vocabulary beside the weights, so all words start fresh");
    return {};
  }
  auto rows = rows_of_words(*words, tokenizer);
  start.vocabulary = words->file.string();
  start.pieces = rows.pieces;
  start.copied_pieces = rows.copied;
  const auto there = std::to_string(rows.copied) + " of the " + std::to_string(rows.pieces) +
                     " pieces of the store's tokenizer are in " + start.vocabulary;
  if (rows.copied == 0)
    throw ConfigError(where + ": " + there +
                      ": give the vocabulary that belongs to the weights, of the texts' language");
  if (static_cast<double>(rows.copied) < kFewPieces * static_cast<double>(rows.pieces))
    start.warnings.push_back(where + ": only " + there +
                             ", so nearly all words start fresh: is it of the texts' language?");
  return rows;
}

}  // namespace

std::string types_that_start_from_encoders() {
  return std::string(kTypes.front()) + " and " + std::string(kTypes.back());
}

bool starts_from_encoder(std::string_view model_type) {
  return std::ranges::find(kTypes, model_type) != kTypes.end();
}

EncoderStart start_from_encoder(torch::nn::Module& model, const data::Tokenizer& tokenizer,
                                const fs::path& place, std::string_view where) {
  const auto taker = taker_of(model);
  const auto named = std::string(where) + ": " + place.string();
  const auto encoder = read_encoder(place);
  check_options(encoder, taker, named);

  EncoderStart start;
  start.place = place.string();
  start.hash = hash_of_encoder(place);
  start.model_type = encoder.network.model_type;
  if (encoder.network.layers.heads == 0)
    start.notes.push_back("no config.json says the number of heads, so model.heads must be theirs");
  for (const auto& [key, count] : taker.layers)
    if (count > 0 && count < encoder.network.layer_count)
      start.notes.push_back("model." + std::string(key) + " takes the first " +
                            std::to_string(count) + " of " +
                            std::to_string(encoder.network.layer_count) + " layers");
  const auto& table = encoder.tensors.at("embeddings.word_embeddings.weight");
  const auto words = rows_of(read_pretrained_words(folder_of_encoder(place), table.size(0)),
                             tokenizer, named, start);

  const Copy copy(encoder, *taker.options);
  NamedTensors live, taken;
  for (const auto& parameter : model.named_parameters()) {
    const auto& name = parameter.key();
    auto source = copy.source_of(name);
    if (!words.row.empty() && std::ranges::find(kWordTables, name) != kWordTables.end())
      source = with_rows(parameter.value(), table, words);
    (source.defined() ? start.copied : start.fresh).push_back(name);
    if (!source.defined()) continue;
    live.emplace(name, parameter.value());
    taken.emplace(name, source);
  }
  assign_tensors(live, taken, named);
  return start;
}

}  // namespace banter::models
