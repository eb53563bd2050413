#include "models/hugging_face/generation.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include "base/errors.h"
#include "base/utf8.h"
#include "models/hugging_face/json_file.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;

/// Tokens that `transformers` draws among where a folder does not say how many.
constexpr std::int64_t kTheirTopK = 50;

/// Options of theirs that `decoding` has not, with the number that stands for none of it.
constexpr std::array<std::pair<std::string_view, double>, 18> kOthers = {{
    {"begin_suppress_tokens", 0},
    {"constraints", 0},
    {"diversity_penalty", 0},
    {"early_stopping", 0},
    {"encoder_repetition_penalty", 1},
    {"epsilon_cutoff", 0},
    {"eta_cutoff", 0},
    {"exponential_decay_length_penalty", 0},
    {"force_words_ids", 0},
    {"guidance_scale", 1},
    {"min_p", 0},
    {"num_beam_groups", 1},
    {"num_return_sequences", 1},
    {"penalty_alpha", 0},
    {"sequence_bias", 0},
    {"stop_strings", 0},
    {"suppress_tokens", 0},
    {"top_h", 0},
}};

/// Keys of generation_config.json over those of config.json.
class Keys {
 public:
  explicit Keys(const fs::path& folder)
      : files_{File(folder / "generation_config.json"), File(folder / "config.json")} {}

  [[nodiscard]] const json::value* find(std::string_view key) const { return found(key).second; }
  [[nodiscard]] bool flag(std::string_view key) const {
    const auto* value = find(key);
    return value != nullptr && *value == json::value(true);
  }
  template <typename Number>
  [[nodiscard]] std::optional<Number> number(std::string_view key) const {
    const auto* value = find(key);
    if (value == nullptr) return std::nullopt;
    std::error_code error;
    const auto number = value->to_number<Number>(error);
    if (error) fail(key, std::is_integral_v<Number> ? "not a whole number" : "not a number");
    return number;
  }
  /// A count of tokens: never below 0, nor above what a reply can have.
  [[nodiscard]] std::int64_t tokens(std::string_view key, std::int64_t fallback) const {
    return std::clamp<std::int64_t>(number<std::int64_t>(key).value_or(fallback), 0,
                                    DecodingOptions::kMostNewTokens);
  }
  /// Throws   DataError naming the file of the key, and its value
  [[noreturn]] void fail(std::string_view key, const std::string& why) const {
    const auto [file, value] = found(key);
    throw base::DataError(file + ": \"" + std::string(key) + "\" is " + text_of(*value) + ", " +
                          why);
  }

  static std::string text_of(const json::value& value) {
    return value.is_double() ? number_text(value.get_double())
                             : base::printable(json::serialize(value));
  }

 private:
  struct File {
    explicit File(const fs::path& path)
        : name(path.string()), keys(read_json_file_if_there(path)) {}
    std::string name;
    json::object keys;
  };
  [[nodiscard]] std::pair<std::string, const json::value*> found(std::string_view key) const {
    for (const auto& [name, keys] : files_)
      if (const auto* value = keys.if_contains(key); value != nullptr && !value->is_null())
        return {name, value};
    return {"", nullptr};
  }

  std::array<File, 2> files_;
};

/// Sets options by keys, each held to the rules of `decoding` at once, so that it can be named.
class OptionsByKey {
 public:
  explicit OptionsByKey(const Keys& keys) : keys_(keys) {}

  template <typename Number>
  void set(std::string_view key, Number& option) const {
    const auto number = keys_.number<Number>(key);
    if (!number) return;
    option = *number;
    check(key);
  }
  /// Throws   DataError naming the key when the options break a rule
  void check(std::string_view key) const {
    try {
      options.validate();
    } catch (const base::ConfigError& error) {
      keys_.fail(key, std::string("which banter cannot do: ") + error.what());
    }
  }
  /// Lengths there are of the decoder's inputs: they count the first one, and what is forced.
  void set_lengths(std::int64_t max_positions) {
    const auto most = std::min(max_positions - 1, DecodingOptions::kMostNewTokens);
    const auto forced_end = keys_.find("forced_eos_token_id") == nullptr ? 0 : 1;
    const auto longest =
        keys_.tokens("max_new_tokens", keys_.tokens("max_length", max_positions) - 1);
    const auto shortest = keys_.tokens("min_new_tokens", keys_.tokens("min_length", 0) - 1);
    options.max_new_tokens = std::clamp<std::int64_t>(longest - forced_end, 1, most);
    options.min_new_tokens = std::min(shortest, options.max_new_tokens);
  }
  void set_sampling() {
    options.method = "sample";
    options.top_k = kTheirTopK;
    set("top_k", options.top_k);
    set("temperature", options.temperature);
    set("top_p", options.top_p);
    set("typical_p", options.typical_p);
  }

  DecodingOptions options{};

 private:
  const Keys& keys_;
};

/// Whether a value asks for something.
bool asks(const json::value& value, double for_nothing) {
  if (value.is_number()) return value.to_number<double>() != for_nothing;
  if (value.is_array()) return !value.get_array().empty();
  return value != json::value(false);
}

std::string left_out(const Keys& keys, const Network& network) {
  std::string found;
  const auto tell = [&](std::string_view key, const json::value& value) {
    found += (found.empty() ? "" : ", ") + std::string(key) + " " + Keys::text_of(value);
  };
  for (const auto& [key, for_nothing] : kOthers)
    if (const auto* value = keys.find(key); value != nullptr && asks(*value, for_nothing))
      tell(key, *value);
  const auto only_pad = "[[" + std::to_string(network.pad) + "]]";  // which is never said here
  if (const auto* bad = keys.find("bad_words_ids");
      bad != nullptr && asks(*bad, 0) && json::serialize(*bad) != only_pad)
    tell("bad_words_ids", *bad);
  if (keys.flag("do_sample"))
    if (const auto* beams = keys.find("num_beams"); beams != nullptr && asks(*beams, 1))
      tell("num_beams", *beams);
  return found;
}

std::string yaml(double value) { return number_text(value); }
std::string yaml(std::int64_t value) { return std::to_string(value); }

}  // namespace

Generation read_generation(const fs::path& folder, const Network& network) {
  const Keys keys(folder);
  OptionsByKey by_key(keys);
  auto& o = by_key.options;
  o.beam_size = 1;
  by_key.set("num_beams", o.beam_size);
  if (o.beam_size > 1) o.method = "beam";
  by_key.set_lengths(network.max_positions);
  by_key.set("length_penalty", o.length_penalty);
  by_key.set("no_repeat_ngram_size", o.no_repeat_ngram_size);
  by_key.set("encoder_no_repeat_ngram_size", o.context_no_repeat_ngram_size);
  by_key.set("repetition_penalty", o.repetition_penalty);
  if (keys.flag("do_sample")) by_key.set_sampling();
  if (o.method != "beam") o.beam_size = DecodingOptions{}.beam_size;
  return {.options = o, .left_out = left_out(keys, network)};
}

std::string decoding_section(const DecodingOptions& o) {
  const DecodingOptions defaults;
  std::string text = "decoding:\n";
  const auto add = [&](const char* key, const std::string& value) {
    text += std::string("  ") + key + ": " + value + "\n";
  };
  const auto add_other = [&](const char* key, auto value, auto usual) {
    if (value != usual) add(key, yaml(value));
  };
  add("method", o.method);
  if (o.method == "beam") add("beam_size", yaml(o.beam_size));
  add("max_new_tokens", yaml(o.max_new_tokens));
  add("min_new_tokens", yaml(o.min_new_tokens));
  add_other("length_penalty", o.length_penalty, defaults.length_penalty);
  add_other("no_repeat_ngram_size", o.no_repeat_ngram_size, defaults.no_repeat_ngram_size);
  add_other("context_no_repeat_ngram_size", o.context_no_repeat_ngram_size,
            defaults.context_no_repeat_ngram_size);
  add_other("repetition_penalty", o.repetition_penalty, defaults.repetition_penalty);
  add_other("temperature", o.temperature, defaults.temperature);
  add_other("top_k", o.top_k, defaults.top_k);
  add_other("top_p", o.top_p, defaults.top_p);
  add_other("typical_p", o.typical_p, defaults.typical_p);
  return text;
}

json::object generation_json(const DecodingOptions& o, const data::SpecialIds& special,
                             std::int64_t max_positions) {
  json::object generation;
  generation["decoder_start_token_id"] = special.bos;
  generation["eos_token_id"] = special.eos;
  generation["forced_eos_token_id"] = special.eos;
  generation["pad_token_id"] = special.pad;
  if (special.reply_begin != data::SpecialIds::kNone)
    generation["forced_bos_token_id"] = special.reply_begin;
  if (special.bos == special.pad) generation["bad_words_ids"] = {{special.pad}};
  // With the first input and the forced end; the end itself needs no position.
  generation["max_length"] = std::min(o.max_new_tokens + 2, max_positions + 1);
  if (o.min_new_tokens > 0) generation["min_new_tokens"] = o.min_new_tokens;
  generation["num_beams"] = o.method == "beam" ? o.beam_size : 1;
  if (o.method == "beam") generation["length_penalty"] = o.length_penalty;
  const DecodingOptions defaults;
  const auto add_other = [&](const char* key, auto value, auto usual) {
    if (value != usual) generation[key] = value;
  };
  add_other("no_repeat_ngram_size", o.no_repeat_ngram_size, defaults.no_repeat_ngram_size);
  add_other("encoder_no_repeat_ngram_size", o.context_no_repeat_ngram_size,
            defaults.context_no_repeat_ngram_size);
  add_other("repetition_penalty", o.repetition_penalty, defaults.repetition_penalty);
  generation["do_sample"] = o.method == "sample";
  if (o.method != "sample") return generation;
  generation["temperature"] = o.temperature;
  generation["top_k"] = o.top_k;
  generation["top_p"] = o.top_p;
  generation["typical_p"] = o.typical_p;
  return generation;
}

}  // namespace banter::models
