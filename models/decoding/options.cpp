#include "models/decoding/options.h"

#include <algorithm>
#include <string>

#include "models/decoding/reranking.h"

namespace banter::models {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n\v\f";

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : "|") + name;
  return text;
}

/// Tells `report(holds, key, rule)` every rule of the options.
template <typename Report>
void check_rules(const DecodingOptions& o, Report&& report) {
  report(o.method == "greedy" || o.method == "beam" || o.method == "sample", "method",
         "greedy, beam or sample");
  const auto up_to = [&](std::int64_t value, const char* key, std::int64_t most) {
    report(value >= 1 && value <= most, key, "between 1 and " + std::to_string(most));
  };
  up_to(o.beam_size, "beam_size", o.kMostReplies);
  up_to(o.beam_groups, "beam_groups", o.kMostReplies);
  report(o.beam_size % o.beam_groups == 0, "beam_groups", "a divisor of beam_size");
  report(o.diversity_penalty >= 0 && o.diversity_penalty <= 1000, "diversity_penalty",
         "between 0 and 1000");
  report(o.length_penalty >= 0, "length_penalty", "0 or more");
  report(o.temperature > 0, "temperature", "above 0 (method greedy is the limit at 0)");
  report(o.top_k >= 0, "top_k", "0 (all) or more");
  report(o.top_p > 0 && o.top_p <= 1, "top_p", "in (0, 1]");
  report(o.typical_p > 0 && o.typical_p <= 1, "typical_p", "in (0, 1]");
  report(o.repetition_penalty >= 0.01 && o.repetition_penalty <= 100, "repetition_penalty",
         "between 0.01 and 100");
  up_to(o.max_new_tokens, "max_new_tokens", o.kMostNewTokens);
  report(o.min_new_tokens >= 0 && o.min_new_tokens <= o.max_new_tokens, "min_new_tokens",
         "between 0 and max_new_tokens");
  report(o.no_repeat_ngram_size >= 0, "no_repeat_ngram_size", "0 (off) or more");
  report(o.context_no_repeat_ngram_size >= 0, "context_no_repeat_ngram_size", "0 (off) or more");
  report(std::ranges::none_of(o.block,
                              [](std::string_view text) {
                                return text.find_first_not_of(kWhiteSpace) == text.npos ||
                                       text.find('\0') != text.npos;
                              }),
         "block", "texts that are not blank and hold no NUL");
  report(std::ranges::none_of(o.stop, &std::string::empty), "stop", "texts that are not empty");
  up_to(o.replies, "replies", o.kMostReplies);
  report(o.method != "greedy" || o.replies == 1, "replies",
         "1 with method greedy, which has one answer; choose beam or sample");
  report(o.method != "beam" || o.replies <= o.beam_size, "replies", "at most beam_size");
  const auto rerankers = reranker_names();
  report(std::ranges::find(rerankers, o.rerank) != rerankers.end(), "rerank",
         "one of " + joined(rerankers));
  report(o.rerank != kConsistency || o.replies > 1, "replies",
         "2 or more with rerank consistency, which chooses among them");
  report(o.rerank_margin >= 0, "rerank_margin", "0 or more");
}

}  // namespace

DecodingOptions DecodingOptions::from(configs::Section& section) {
  DecodingOptions o;
  o.method = section.choice("method", o.method, {"greedy", "beam", "sample"});
  o.beam_size = section.get("beam_size", o.beam_size);
  o.beam_groups = section.get("beam_groups", o.beam_groups);
  o.diversity_penalty = section.get("diversity_penalty", o.diversity_penalty);
  o.length_penalty = section.get("length_penalty", o.length_penalty);
  o.temperature = section.get("temperature", o.temperature);
  o.top_k = section.get("top_k", o.top_k);
  o.top_p = section.get("top_p", o.top_p);
  o.typical_p = section.get("typical_p", o.typical_p);
  o.repetition_penalty = section.get("repetition_penalty", o.repetition_penalty);
  o.min_new_tokens = section.get("min_new_tokens", o.min_new_tokens);
  o.max_new_tokens = section.get("max_new_tokens", o.max_new_tokens);
  o.no_repeat_ngram_size = section.get("no_repeat_ngram_size", o.no_repeat_ngram_size);
  o.context_no_repeat_ngram_size =
      section.get("context_no_repeat_ngram_size", o.context_no_repeat_ngram_size);
  o.block = section.get("block", o.block);
  o.stop = section.get("stop", o.stop);
  const auto seed = section.get("seed", static_cast<std::int64_t>(o.seed));
  section.check(seed >= 0, "seed", "0 or more");
  o.seed = static_cast<std::uint64_t>(seed);
  o.replies = section.get("replies", o.replies);
  o.rerank = section.choice("rerank", o.rerank, reranker_names());
  o.rerank_margin = section.get("rerank_margin", o.rerank_margin);
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
  if (key == "beam_size" || key == "beam_groups" || key == "diversity_penalty")
    return method == "beam";
  if (key == "rerank") return method != "greedy";
  if (key == "rerank_margin") return rerank == kConsistency;
  // not `seed`: a model may draw before the first token, whatever the method
  const bool of_sample =
      key == "temperature" || key == "top_k" || key == "top_p" || key == "typical_p";
  return !of_sample || method == "sample";
}

}  // namespace banter::models
