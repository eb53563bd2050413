#include "serve/protocol/decode_fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <type_traits>

#include "base/utf8.h"

namespace banter::serve {
namespace {

using Limits = DecodeLimits;
using Options = models::DecodingOptions;
using Settings = DecodeSettings;

template <std::int64_t kMin, std::int64_t kMax>
DecodeRange whole(const Limits&) {
  return WholeRange{kMin, kMax};
}

template <std::int64_t kMin, std::int64_t Limits::*kMax>
DecodeRange whole_up_to(const Limits& limits) {
  return WholeRange{kMin, limits.*kMax};
}

/// At least `kMinPercent` / 100, or above it.
template <int kMinPercent, int kMax, bool kAbove = false>
DecodeRange real(const Limits&) {
  return RealRange{kMinPercent / 100.0, kMax, kAbove};
}

template <bool kBlank>
DecodeRange texts(const Limits& limits) {
  return TextsRange{limits.max_texts, limits.max_text_chars, kBlank};
}

DecodeRange strategies(const Limits&) {
  return Words{{"greedy", "beam", "diverse_beam", "sample"}};
}

DecodeRange rerankers(const Limits& limits) { return Words{limits.rerankers}; }

DecodeRange prefixes(const Limits& limits) { return TextRange{limits.max_prefix_chars}; }

constexpr std::int64_t kMaxNgram = 100;

constexpr std::array kFields = {
    DecodeField{"strategy", &Settings::strategy, strategies},
    DecodeField{"beam_size", &Options::beam_size, whole_up_to<1, &Limits::max_beam_size>},
    DecodeField{"temperature", &Options::temperature, real<0, 100>},
    DecodeField{"top_k", &Options::top_k, whole<0, 1'000'000>},
    DecodeField{"top_p", &Options::top_p, real<0, 1, true>},
    DecodeField{"typical_p", &Options::typical_p, real<0, 1, true>},
    DecodeField{"length_penalty", &Options::length_penalty, real<0, 10>},
    DecodeField{"min_new_tokens", &Options::min_new_tokens,
                whole_up_to<0, &Limits::max_new_tokens>},
    DecodeField{"max_new_tokens", &Options::max_new_tokens,
                whole_up_to<1, &Limits::max_new_tokens>},
    DecodeField{"no_repeat_ngram_size", &Options::no_repeat_ngram_size, whole<0, kMaxNgram>},
    DecodeField{"context_ngram_block", &Options::context_no_repeat_ngram_size, whole<0, kMaxNgram>},
    DecodeField{"block", &Options::block, texts<false>},
    DecodeField{"diverse_groups", &Settings::diverse_groups,
                whole_up_to<1, &Limits::max_beam_size>},
    DecodeField{"diverse_strength", &Options::diversity_penalty, real<0, 1000>},
    DecodeField{"repetition_penalty", &Options::repetition_penalty, real<1, 100>},
    DecodeField{"prefix", &Settings::prefix, prefixes},
    DecodeField{"stop", &Options::stop, texts<true>},
    DecodeField{"seed", &Settings::seed, whole<0, kMaxWhole>},
    DecodeField{"n", &Settings::n, whole_up_to<1, &Limits::max_n>},
    DecodeField{"best_of", &Settings::best_of, whole_up_to<1, &Limits::max_best_of>},
    DecodeField{"rerank", &Settings::rerank, rerankers},
};

template <typename T>
auto& part(auto& settings, T Options::*member) {
  return settings.options.*member;
}
template <typename T>
auto& part(auto& settings, T Settings::*member) {
  return settings.*member;
}

std::string shown(double number) {
  std::array<char, 32> digits{};
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr};
}

/// Whether a text is valid UTF-8 without NUL, of so many characters.
bool is_text(std::string_view text, std::int64_t min_chars, std::int64_t max_chars) {
  if (base::first_bad_utf8(text) || text.find('\0') != std::string_view::npos) return false;
  const auto chars = static_cast<std::int64_t>(base::count_code_points(text));
  return chars >= min_chars && chars <= max_chars;
}

struct RuleOf {
  std::string operator()(const WholeRange& range) const {
    return "a whole number from " + std::to_string(range.min) + " to " + std::to_string(range.max);
  }
  std::string operator()(const RealRange& range) const {
    return std::string("a number ") + (range.above_min ? "above " : "from ") + shown(range.min) +
           (range.above_min ? ", at most " : " to ") + shown(range.max);
  }
  std::string operator()(const Words& range) const {
    std::string rule = range.choices.size() == 1 ? "" : "one of ";
    for (const auto& word : range.choices)
      rule += (&word == &range.choices.front() ? "" : ", ") + word;
    return rule;
  }
  std::string operator()(const TextRange& range) const {
    return "a text of at most " + std::to_string(range.max_chars) + " characters without U+0000";
  }
  std::string operator()(const TextsRange& range) const {
    return "a list of at most " + std::to_string(range.max_texts) + " texts of 1 to " +
           std::to_string(range.max_chars) + " characters" +
           (range.blank ? "" : ", none of them blank,") + " without U+0000";
  }
};

struct IsWithin {
  const DecodeValue& value;

  bool operator()(const WholeRange& range) const {
    const auto* number = std::get_if<std::int64_t>(&value);
    return number != nullptr && *number >= range.min && *number <= range.max;
  }
  bool operator()(const RealRange& range) const {  // false for NaN
    const auto* number = std::get_if<double>(&value);
    return number != nullptr && *number <= range.max &&
           (range.above_min ? *number > range.min : *number >= range.min);
  }
  bool operator()(const Words& range) const {
    const auto* word = std::get_if<std::string>(&value);
    return word != nullptr && std::ranges::find(range.choices, *word) != range.choices.end();
  }
  bool operator()(const TextRange& range) const {
    const auto* text = std::get_if<std::string>(&value);
    return text != nullptr && is_text(*text, 0, range.max_chars);
  }
  bool operator()(const TextsRange& range) const {
    const auto* texts = std::get_if<std::vector<std::string>>(&value);
    return texts != nullptr && std::ssize(*texts) <= range.max_texts &&
           std::ranges::all_of(*texts, [&](const std::string& text) {
             return is_text(text, 1, range.max_chars) && (range.blank || !base::is_blank(text));
           });
  }
};

}  // namespace

std::span<const DecodeField> decode_fields() { return kFields; }

const DecodeField* decode_field(std::string_view name) {
  const auto found = std::ranges::find(kFields, name, &DecodeField::name);
  return found == kFields.end() ? nullptr : &*found;
}

std::string rule_of(const DecodeRange& range) { return std::visit(RuleOf{}, range); }

bool is_within(const DecodeRange& range, const DecodeValue& value) {
  return std::visit(IsWithin{value}, range);
}

std::optional<DecodeValue> value_of(const DecodeSettings& settings, const DecodeField& field) {
  return std::visit(
      [&](auto member) -> std::optional<DecodeValue> { return {part(settings, member)}; },
      field.member);
}

void set_value(DecodeSettings& settings, const DecodeField& field,
               const std::optional<DecodeValue>& value) {
  const auto set = [&](auto member) {
    auto& target = part(settings, member);
    using Target = std::remove_reference_t<decltype(target)>;
    if constexpr (std::is_same_v<Target, std::optional<std::int64_t>>) {
      target = value ? std::optional(std::get<std::int64_t>(*value)) : std::nullopt;
    } else {
      target = std::get<Target>(value.value());
    }
  };
  std::visit(set, field.member);
}

}  // namespace banter::serve
