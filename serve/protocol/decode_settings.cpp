#include "serve/protocol/decode_settings.h"

#include <array>
#include <cassert>

#include "serve/protocol/decode_fields.h"
#include "serve/protocol/request_error.h"

namespace banter::serve {
namespace {

bool is_beam(const DecodeSettings& s) {
  return s.strategy == "beam" || s.strategy == "diverse_beam";
}

/// Greedy search is also what a sample comes to at temperature 0.
bool is_greedy(const DecodeSettings& s) {
  return s.strategy == "greedy" || (s.strategy == "sample" && s.options.temperature == 0);
}

std::int64_t made(const DecodeSettings& s) { return s.best_of.value_or(s.n); }

/// What must hold between fields. The one to blame is the one that is named.
struct Rule {
  std::string_view field;
  bool (*holds)(const DecodeSettings&);
  std::string_view text;  ///< behind "must be"
};

constexpr std::array kRules = {
    Rule{"min_new_tokens",
         [](const DecodeSettings& s) {
           return s.options.min_new_tokens <= s.options.max_new_tokens;
         },
         "at most max_new_tokens"},
    Rule{"diverse_groups",
         [](const DecodeSettings& s) {
           return s.strategy != "diverse_beam" || s.options.beam_size % s.diverse_groups == 0;
         },
         "a divisor of beam_size"},
    Rule{"n", [](const DecodeSettings& s) { return !s.best_of || s.n <= *s.best_of; },
         "at most best_of"},
    Rule{"n", [](const DecodeSettings& s) { return !is_greedy(s) || s.n == 1; },
         "1 with strategy greedy (and with temperature 0), which finds one reply"},
    Rule{"n", [](const DecodeSettings& s) { return !is_beam(s) || s.n <= s.options.beam_size; },
         "at most beam_size with strategy beam and diverse_beam"},
    Rule{"best_of", [](const DecodeSettings& s) { return !is_greedy(s) || made(s) == 1; },
         "1 with strategy greedy (and with temperature 0), which finds one reply"},
    Rule{"best_of",
         [](const DecodeSettings& s) { return !is_beam(s) || made(s) <= s.options.beam_size; },
         "at most beam_size with strategy beam and diverse_beam"},
    Rule{"rerank", [](const DecodeSettings& s) { return s.rerank == "none" || made(s) > 1; },
         "none where best_of is 1: there is nothing to choose among"},
};

}  // namespace

DecodeLimits DecodeLimits::from(configs::Section& section) {
  DecodeLimits limits;
  const auto read = [&](std::int64_t& limit, std::string_view key, std::int64_t max) {
    limit = section.get(key, limit);
    section.check(limit >= 1 && limit <= max, key, "between 1 and " + std::to_string(max));
  };
  using Options = models::DecodingOptions;
  constexpr std::int64_t kMaxText = 65'536;  // more than a frame holds
  read(limits.max_beam_size, "max_beam_size", Options::kMostReplies);
  read(limits.max_n, "max_n", Options::kMostReplies);
  read(limits.max_best_of, "max_best_of", Options::kMostReplies);
  read(limits.max_new_tokens, "max_new_tokens", Options::kMostNewTokens);
  read(limits.max_texts, "max_texts", kMaxText);
  read(limits.max_text_chars, "max_text_chars", kMaxText);
  read(limits.max_prefix_chars, "max_prefix_chars", kMaxText);
  section.reject_unknown();
  return limits;
}

DecodeSettings DecodeSettings::from(const models::DecodingOptions& options) {
  DecodeSettings settings{.options = options, .strategy = options.method, .rerank = options.rerank};
  if (options.method == "beam" && options.beam_groups > 1) settings.strategy = "diverse_beam";
  if (options.beam_groups > 1) settings.diverse_groups = options.beam_groups;
  if (options.replies > 1) settings.best_of = options.replies;
  return settings;
}

DecodeSettings overlaid(const DecodeSettings& current, const DecodeChange& change,
                        const DecodeSettings& defaults, const DecodeLimits& limits,
                        std::string_view path) {
  auto settings = current;
  for (const auto& [name, value] : change.fields) {
    const auto* field = decode_field(name);
    assert(field != nullptr);
    set_value(settings, *field, value ? value : value_of(defaults, *field));
  }
  check_settings(settings, limits, path);
  return settings;
}

void check_settings(const DecodeSettings& settings, const DecodeLimits& limits,
                    std::string_view path) {
  for (const auto& field : decode_fields()) {
    const auto value = value_of(settings, field);
    const auto range = field.range(limits);
    if (value && !is_within(range, *value))
      refuse_field(std::string(path) + std::string(field.name), rule_of(range));
  }
  for (const auto& rule : kRules) {
    if (!rule.holds(settings)) refuse_field(std::string(path) + std::string(rule.field), rule.text);
  }
}

models::DecodingOptions search_options(const DecodeSettings& settings, std::int64_t seed) {
  auto options = settings.options;
  options.method = is_greedy(settings) ? "greedy" : is_beam(settings) ? "beam" : "sample";
  options.beam_groups = settings.strategy == "diverse_beam" ? settings.diverse_groups : 1;
  if (options.temperature == 0) options.temperature = 1;  // it divides, and greedy has none
  options.replies = made(settings);
  options.rerank = settings.rerank == "mmi" ? "none" : settings.rerank;
  options.seed = static_cast<std::uint64_t>(seed);
  return options;
}

}  // namespace banter::serve
