#include "models/hugging_face/generation.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/errors.h"
#include "models/hugging_face/json_file.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;

/// Options that both sides give one name and one meaning.
constexpr std::array kOfAll = {"length_penalty", "no_repeat_ngram_size", "repetition_penalty"};
constexpr std::array kOfSampling = {"temperature", "top_k", "top_p", "typical_p"};

/// Keys of generation_config.json over those of config.json.
class Generation {
 public:
  explicit Generation(const fs::path& folder)
      : where_((folder / "generation_config.json").string()),
        own_(read_json_file_if_there(folder / "generation_config.json")),
        older_(read_json_file_if_there(folder / "config.json")) {}

  [[nodiscard]] const json::value* find(std::string_view key) const {
    const auto* value = own_.if_contains(key);
    if (value == nullptr || value->is_null()) value = older_.if_contains(key);
    return value == nullptr || value->is_null() ? nullptr : value;
  }
  [[nodiscard]] bool flag(std::string_view key) const {
    const auto* value = find(key);
    return value != nullptr && *value == json::value(true);
  }
  [[nodiscard]] const json::value* number(std::string_view key) const {
    const auto* value = find(key);
    if (value != nullptr && !value->is_number())
      throw base::DataError(where_ + ": \"" + std::string(key) + "\" is " +
                            json::serialize(*value) + ", not a number");
    return value;
  }
  [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t fallback) const {
    const auto* value = number(key);
    return value == nullptr ? fallback : value->to_number<std::int64_t>();
  }

 private:
  std::string where_;
  json::object own_, older_;
};

}  // namespace

std::string decoding_section(const fs::path& folder, const Network& network) {
  const Generation generation(folder);
  std::string text = "decoding:\n";
  const auto add = [&](const std::string& key, const std::string& value) {
    text += "  " + key + ": " + value + "\n";
  };
  const auto beams = generation.integer("num_beams", 1);
  const bool is_drawn = generation.flag("do_sample");
  add("method", is_drawn ? "sample" : beams > 1 ? "beam" : "greedy");
  if (beams > 1) add("beam_size", std::to_string(beams));
  // max_length counts the first decoder input; the last token of a reply that long is forced.
  const auto most = network.max_positions - 1;
  const auto length = generation.integer("max_length", network.max_positions) - 1;
  const auto forced = generation.find("forced_eos_token_id") == nullptr ? 0 : 1;
  const auto tokens = generation.integer("max_new_tokens", length) - forced;
  add("max_new_tokens", std::to_string(std::clamp<std::int64_t>(tokens, 1, most)));
  add("min_new_tokens", "0");
  const auto copy = [&](std::span<const char* const> keys) {
    for (const auto* key : keys)
      if (const auto* value = generation.number(key))
        add(key, number_text(value->to_number<double>()));
  };
  copy(kOfAll);
  if (is_drawn) copy(kOfSampling);
  return text;
}

json::object generation_json(const DecodingOptions& o, const data::SpecialIds& special) {
  json::object generation;
  generation["decoder_start_token_id"] = special.bos;
  generation["eos_token_id"] = special.eos;
  generation["forced_eos_token_id"] = special.eos;
  generation["pad_token_id"] = special.pad;
  if (special.reply_begin != data::SpecialIds::kNone)
    generation["forced_bos_token_id"] = special.reply_begin;
  if (special.bos == special.pad) generation["bad_words_ids"] = {{special.pad}};
  generation["max_length"] = o.max_new_tokens + 2;  // the first input, the forced end
  generation["num_beams"] = o.method == "beam" ? o.beam_size : 1;
  if (o.method == "beam") generation["length_penalty"] = o.length_penalty;
  const DecodingOptions defaults;
  if (o.no_repeat_ngram_size != defaults.no_repeat_ngram_size)
    generation["no_repeat_ngram_size"] = o.no_repeat_ngram_size;
  if (o.repetition_penalty != defaults.repetition_penalty)
    generation["repetition_penalty"] = o.repetition_penalty;
  generation["do_sample"] = o.method == "sample";
  if (o.method != "sample") return generation;
  generation["temperature"] = o.temperature;
  generation["top_k"] = o.top_k;
  generation["top_p"] = o.top_p;
  generation["typical_p"] = o.typical_p;
  return generation;
}

}  // namespace banter::models
