#include "models/decoding/options.h"

#include <string>

namespace banter::models {
namespace {

/// Tells `report(holds, key, rule)` every rule of the options.
template <typename Report>
void check_rules(const DecodingOptions& o, Report&& report) {
  report(o.method == "greedy" || o.method == "beam" || o.method == "sample", "method",
         "greedy, beam or sample");
  const auto up_to = [&](std::int64_t value, const char* key, std::int64_t most) {
    report(value >= 1 && value <= most, key, "between 1 and " + std::to_string(most));
  };
  up_to(o.beam_size, "beam_size", o.kMostReplies);
  report(o.length_penalty >= 0, "length_penalty", "0 or more");
  report(o.temperature > 0, "temperature", "above 0 (method greedy is the limit at 0)");
  report(o.top_k >= 0, "top_k", "0 (all) or more");
  report(o.top_p > 0 && o.top_p <= 1, "top_p", "in (0, 1]");
  up_to(o.max_new_tokens, "max_new_tokens", o.kMostNewTokens);
  report(o.min_new_tokens >= 0 && o.min_new_tokens <= o.max_new_tokens, "min_new_tokens",
         "between 0 and max_new_tokens");
  report(o.no_repeat_ngram_size >= 0, "no_repeat_ngram_size", "0 (off) or more");
  up_to(o.replies, "replies", o.kMostReplies);
  report(o.method != "greedy" || o.replies == 1, "replies",
         "1 with method greedy, which has one answer; choose beam or sample");
  report(o.method != "beam" || o.replies <= o.beam_size, "replies", "at most beam_size");
}

}  // namespace

DecodingOptions DecodingOptions::from(configs::Section& section) {
  DecodingOptions o;
  o.method = section.choice("method", o.method, {"greedy", "beam", "sample"});
  o.beam_size = section.get("beam_size", o.beam_size);
  o.length_penalty = section.get("length_penalty", o.length_penalty);
  o.temperature = section.get("temperature", o.temperature);
  o.top_k = section.get("top_k", o.top_k);
  o.top_p = section.get("top_p", o.top_p);
  o.min_new_tokens = section.get("min_new_tokens", o.min_new_tokens);
  o.max_new_tokens = section.get("max_new_tokens", o.max_new_tokens);
  o.no_repeat_ngram_size = section.get("no_repeat_ngram_size", o.no_repeat_ngram_size);
  const auto seed = section.get("seed", static_cast<std::int64_t>(o.seed));
  section.check(seed >= 0, "seed", "0 or more");
  o.seed = static_cast<std::uint64_t>(seed);
  o.replies = section.get("replies", o.replies);
  check_rules(o, [&](bool holds, const char* key, const std::string& rule) {
    section.check(holds, key, rule);
  });
  section.reject_unknown();
  return o;
}

void DecodingOptions::validate() const {
  check_rules(*this, [](bool holds, const char* key, const std::string& rule) {
    if (!holds) throw configs::ConfigError(std::string("decoding.") + key + ": must be " + rule);
  });
}

bool DecodingOptions::reads(std::string_view key) const {
  if (key == "beam_size") return method == "beam";
  const bool of_sample = key == "temperature" || key == "top_k" || key == "top_p" || key == "seed";
  return !of_sample || method == "sample";
}

}  // namespace banter::models
