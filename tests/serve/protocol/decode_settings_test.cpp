#include "serve/protocol/decode_settings.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "base/json.h"
#include "configs/section.h"
#include "serve/protocol/decode_fields.h"
#include "serve/protocol/decode_json.h"
#include "serve/protocol/request_error.h"

namespace banter::tests {
namespace {

using namespace serve;

DecodeChange change_of(const std::string& object, const DecodeLimits& limits = {}) {
  const auto value = base::parse_json(object, "test");
  return read_decode(value.as_object(), "decode.", limits);
}

/// The settings that a client ends up with, over the defaults.
DecodeSettings settings_of(const std::string& object, const DecodeLimits& limits = {}) {
  return overlaid({}, change_of(object, limits), {}, limits);
}

std::string sentence_of(const std::string& object, const DecodeLimits& limits = {}) {
  try {
    settings_of(object, limits);
  } catch (const RequestError& error) {
    EXPECT_EQ(error.code, ErrorCode::kBadRequest);
    EXPECT_EQ(error.what(), error.field + std::string(error.what()).substr(error.field.size()));
    return error.what();
  }
  return "";
}

std::string text_of(const DecodeSettings& settings) {
  JsonWriter writer;
  writer.object(settings);
  return writer.take();
}

TEST(DecodeSettingsTest, EveryFieldIsReadAndChangesWhatItNames) {
  const auto s =
      settings_of(R"({"strategy":"diverse_beam","beam_size":6,"temperature":0.5,"top_k":7,
      "top_p":0.25,"typical_p":0.75,"length_penalty":0.5,"min_new_tokens":3,"max_new_tokens":9,
      "no_repeat_ngram_size":2,"context_ngram_block":4,"block":["no"],"diverse_groups":3,
      "diverse_strength":1.5,"repetition_penalty":1.25,"prefix":"Well,","stop":["\n"],"seed":11,
      "n":2,"best_of":5,"rerank":"mean_log_prob"})");
  EXPECT_EQ(s.prefix, "Well,");
  EXPECT_EQ(s.n, 2);
  EXPECT_EQ(s.seed, 11);
  const auto o = search_options(s, 12);
  EXPECT_EQ(o.method, "beam");
  EXPECT_EQ(o.beam_groups, 3);
  EXPECT_EQ(o.replies, 5);
  EXPECT_EQ(o.rerank, "mean_log_prob");
  EXPECT_EQ(o.seed, 12U);
  EXPECT_EQ(o.beam_size, 6);
  EXPECT_EQ(o.temperature, 0.5);
  EXPECT_EQ(o.top_k, 7);
  EXPECT_EQ(o.top_p, 0.25);
  EXPECT_EQ(o.typical_p, 0.75);
  EXPECT_EQ(o.length_penalty, 0.5);
  EXPECT_EQ(o.min_new_tokens, 3);
  EXPECT_EQ(o.max_new_tokens, 9);
  EXPECT_EQ(o.no_repeat_ngram_size, 2);
  EXPECT_EQ(o.context_no_repeat_ngram_size, 4);
  EXPECT_EQ(o.block, std::vector<std::string>{"no"});
  EXPECT_EQ(o.diversity_penalty, 1.5);
  EXPECT_EQ(o.repetition_penalty, 1.25);
  EXPECT_EQ(o.stop, std::vector<std::string>{"\n"});
}

TEST(DecodeSettingsTest, WhatIsNotNamedStaysAndNullIsTheDefault) {
  DecodeSettings defaults;
  defaults.options.top_k = 5;
  DecodeSettings current = defaults;
  current.strategy = "sample";
  current.options.top_k = 9;
  current.options.top_p = 0.5;
  current.seed = 3;
  const auto s = overlaid(current, change_of(R"({"top_k":null,"seed":null})"), defaults, {});
  EXPECT_EQ(s.strategy, "sample");
  EXPECT_EQ(s.options.top_p, 0.5);
  EXPECT_EQ(s.options.top_k, 5);
  EXPECT_EQ(s.seed, std::nullopt);
}

TEST(DecodeSettingsTest, OutOfRangeIsAnErrorWithFieldAndRange) {
  EXPECT_EQ(sentence_of(R"({"top_p":0})"), "decode.top_p must be a number above 0, at most 1");
  EXPECT_EQ(sentence_of(R"({"beam_size":1000000000})"),
            "decode.beam_size must be a whole number from 1 to 16");
  EXPECT_EQ(sentence_of(R"({"max_new_tokens":-1})"),
            "decode.max_new_tokens must be a whole number from 1 to 512");
  EXPECT_EQ(sentence_of(R"({"n":9})"), "decode.n must be a whole number from 1 to 8");
  EXPECT_EQ(sentence_of(R"({"repetition_penalty":0})"),
            "decode.repetition_penalty must be a number from 0.01 to 100");
  EXPECT_EQ(sentence_of(R"({"strategy":"magic"})"),
            "decode.strategy must be one of greedy, beam, diverse_beam, sample");
  EXPECT_EQ(sentence_of(R"({"stop":[""]})"),
            "decode.stop must be a list of at most 16 texts of 1 to 200 characters without U+0000");
  EXPECT_EQ(sentence_of(R"({"seed":-1})"),
            "decode.seed must be a whole number from 0 to 9007199254740991");
}

/// Values in and out of each range, written as JSON.
std::vector<std::pair<std::string, bool>> edges(const DecodeRange& range) {
  if (const auto* whole = std::get_if<WholeRange>(&range)) {
    return {{std::to_string(whole->min), true},
            {std::to_string(whole->max), true},
            {std::to_string(whole->min - 1), false},
            {std::to_string(whole->max + 1), false},
            {std::to_string(whole->min) + ".5", false}};
  }
  if (const auto* real = std::get_if<RealRange>(&range)) {
    return {{std::to_string(real->min), !real->above_min},
            {std::to_string(real->max), true},
            {"1", true},
            {std::to_string(real->min - 0.005), false},
            {std::to_string(real->max + 0.005), false},
            {"-1e300", false}};
  }
  if (const auto* words = std::get_if<Words>(&range))
    return {{'"' + words->choices.back() + '"', true}, {"\"\"", false}, {"\"Greedy\"", false}};
  if (const auto* text = std::get_if<TextRange>(&range)) {
    const auto size = static_cast<std::size_t>(text->max_chars);
    return {{"\"\"", true},
            {'"' + std::string(size, 'a') + '"', true},
            {'"' + std::string(size + 1, 'a') + '"', false},
            {R"("\u0000")", false}};
  }
  const auto& texts = std::get<TextsRange>(range);
  const auto size = static_cast<std::size_t>(texts.max_chars);
  std::string many = "[\"a\"";
  for (std::int64_t i = 1; i < texts.max_texts; ++i) many += ",\"a\"";
  return {{"[]", true},
          {R"("a")", true},
          {many + "]", true},
          {many + ",\"a\"]", false},
          {"[\"" + std::string(size, 'a') + "\"]", true},
          {"[\"" + std::string(size + 1, 'a') + "\"]", false},
          {R"([""])", false},
          {R"([" "])", texts.blank},
          {R"(["\u0000"])", false},
          {R"([5])", false}};
}

TEST(DecodeSettingsTest, EveryFieldIsHeldToItsRangeAndKind) {
  const DecodeLimits limits;
  for (const auto& field : decode_fields()) {
    auto cases = edges(field.range(limits));
    for (const char* wrong : {"{}", "true", "[[]]"}) cases.emplace_back(wrong, false);
    const bool is_number = !std::holds_alternative<Words>(field.range(limits)) &&
                           !std::holds_alternative<TextRange>(field.range(limits)) &&
                           !std::holds_alternative<TextsRange>(field.range(limits));
    cases.emplace_back(is_number ? "\"1\"" : "1", false);
    for (const auto& [value, is_good] : cases) {
      const auto object = "{\"" + std::string(field.name) + "\":" + value + "}";
      bool is_taken = true;
      try {
        change_of(object);
      } catch (const RequestError& error) {
        is_taken = false;
        EXPECT_EQ(error.field, "decode." + std::string(field.name));
        EXPECT_EQ(error.what(), error.field + " must be " + rule_of(field.range(limits)));
      }
      EXPECT_EQ(is_taken, is_good) << object.substr(0, 80);
    }
  }
}

TEST(DecodeSettingsTest, FieldsThatDoNotGoTogetherAreNamed) {
  const auto field_of = [](const std::string& object) {
    const auto text = sentence_of(object);
    return text.substr(0, text.find(' '));
  };
  EXPECT_EQ(field_of(R"({"strategy":"sample","n":3,"best_of":2})"), "decode.n");
  EXPECT_EQ(field_of(R"({"strategy":"sample","n":3,"best_of":3})"), "");
  EXPECT_EQ(field_of(R"({"n":2})"), "decode.n");  // greedy
  EXPECT_EQ(field_of(R"({"best_of":2})"), "decode.best_of");
  EXPECT_EQ(field_of(R"({"strategy":"sample","temperature":0,"n":2})"), "decode.n");
  EXPECT_EQ(field_of(R"({"strategy":"beam","beam_size":2,"n":3})"), "decode.n");
  EXPECT_EQ(field_of(R"({"strategy":"beam","beam_size":2,"best_of":3})"), "decode.best_of");
  EXPECT_EQ(field_of(R"({"strategy":"beam","beam_size":2,"best_of":2})"), "");
  EXPECT_EQ(field_of(R"({"strategy":"diverse_beam","beam_size":5,"diverse_groups":2})"),
            "decode.diverse_groups");
  EXPECT_EQ(field_of(R"({"strategy":"beam","beam_size":5,"diverse_groups":2})"), "");
  EXPECT_EQ(field_of(R"({"min_new_tokens":11,"max_new_tokens":10})"), "decode.min_new_tokens");
  EXPECT_EQ(field_of(R"({"strategy":"sample","rerank":"mean_log_prob"})"), "decode.rerank");
  EXPECT_EQ(field_of(R"({"strategy":"sample","best_of":2,"rerank":"mean_log_prob"})"), "");
}

TEST(DecodeSettingsTest, RerankersAreThoseThatTheServerHas) {
  const std::string wish = R"({"strategy":"sample","best_of":4,"rerank":"mmi"})";
  EXPECT_EQ(sentence_of(wish), "decode.rerank must be one of none, mean_log_prob");
  DecodeLimits limits;
  limits.rerankers = {"none", "mmi", "consistency"};
  EXPECT_EQ(sentence_of(wish, limits), "");
  EXPECT_EQ(search_options(settings_of(wish, limits), 1).rerank, "none");  // it comes with the job
}

TEST(DecodeSettingsTest, TheServersLimitsAreTheRanges) {
  DecodeLimits limits;
  limits.max_beam_size = 3;
  limits.max_n = 2;
  limits.max_best_of = 3;
  limits.max_new_tokens = 99;
  EXPECT_EQ(sentence_of(R"({"beam_size":4})", limits),
            "decode.beam_size must be a whole number from 1 to 3");
  EXPECT_NE(sentence_of(R"({"strategy":"sample","n":3})", limits), "");
  EXPECT_NE(sentence_of(R"({"strategy":"sample","best_of":4})", limits), "");
  EXPECT_NE(sentence_of(R"({"max_new_tokens":100})", limits), "");
  EXPECT_NE(sentence_of(R"({"min_new_tokens":100})", limits), "");
}

TEST(DecodeSettingsTest, DefaultsAreHeldToTheLimitsToo) {
  DecodeLimits limits;
  limits.max_new_tokens = 20;
  EXPECT_EQ(sentence_of("{}", limits), "decode.max_new_tokens must be a whole number from 1 to 20");
}

/// Every setting that a client can make is one that the search takes.
TEST(DecodeSettingsTest, WhatIsLetPassIsValidForTheSearch) {
  int passed = 0;
  for (const char* strategy : {"greedy", "beam", "diverse_beam", "sample"}) {
    for (const char* rest :
         {"", R"(,"temperature":0)", R"(,"n":2)", R"(,"n":8,"best_of":16)", R"(,"best_of":4)",
          R"(,"beam_size":16,"diverse_groups":16,"n":8)", R"(,"top_p":1e-300,"typical_p":1)",
          R"(,"best_of":4,"rerank":"consistency")", R"(,"best_of":4,"rerank":"mmi")",
          R"(,"rerank":"consistency")", R"(,"block":[" a"],"stop":[" "])",
          R"(,"min_new_tokens":60,"repetition_penalty":0.01,"diverse_strength":1000)"}) {
      DecodeLimits limits;
      limits.rerankers = {"none", "mmi", "consistency"};
      const auto object = R"({"strategy":")" + std::string(strategy) + '"' + rest + "}";
      if (!sentence_of(object, limits).empty()) continue;
      EXPECT_NO_THROW(search_options(settings_of(object, limits), kMaxWhole).validate()) << object;
      ++passed;
    }
  }
  EXPECT_GE(passed, 25);
}

TEST(DecodeSettingsTest, TemperatureZeroIsGreedy) {
  const auto options = search_options(settings_of(R"({"strategy":"sample","temperature":0})"), 1);
  EXPECT_EQ(options.method, "greedy");
}

TEST(DecodeSettingsTest, BestOfIsNWhereItIsNotSaid) {
  EXPECT_EQ(search_options(settings_of(R"({"strategy":"sample","n":3})"), 1).replies, 3);
  EXPECT_EQ(search_options(settings_of(R"({"strategy":"beam","n":2})"), 1).replies, 2);
}

TEST(DecodeSettingsTest, ARunsOwnOptionsAreTheDefaults) {
  models::DecodingOptions options;
  options.method = "beam";
  options.beam_size = 8;
  options.beam_groups = 4;
  options.replies = 3;
  options.rerank_margin = 0.25;
  const auto settings = DecodeSettings::from(options);
  EXPECT_EQ(settings.strategy, "diverse_beam");
  EXPECT_EQ(settings.n, 1);
  const auto back = search_options(settings, 1);
  EXPECT_EQ(back.method, "beam");
  EXPECT_EQ(back.beam_groups, 4);
  EXPECT_EQ(back.replies, 3);
  EXPECT_EQ(back.rerank_margin, 0.25);
  EXPECT_EQ(DecodeSettings::from({}).strategy, models::DecodingOptions{}.method);
}

TEST(DecodeSettingsTest, SettingsComeBackFromTheirText) {
  const auto settings = settings_of(R"({"strategy":"sample","temperature":0.1,"top_p":0.3,"seed":9,
      "block":["a \"b\"","é"],"prefix":"\n","n":2,"best_of":3})");
  DecodeSettings others;
  others.strategy = "beam";
  others.options.beam_size = 2;
  others.seed = 1;
  const auto text = text_of(settings);
  const auto back = overlaid(others, change_of(text), others, {});
  EXPECT_EQ(text_of(back), text);
  EXPECT_EQ(back.seed, 9);
  EXPECT_EQ(overlaid(settings, change_of(text_of({})), {}, {}).seed, std::nullopt);
}

TEST(DecodeSettingsTest, NumbersThatAreNotFiniteDoNotPass) {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    DecodeSettings settings;
    settings.options.temperature = bad;
    EXPECT_THROW(check_settings(settings, {}), RequestError);
  }
}

TEST(DecodeSettingsTest, TheOpenAiRouteSharesTheFieldsUnderItsOwnNames) {
  DecodeChange change;
  read_decode_field(change, "max_new_tokens", 20, "max_tokens", {});
  read_decode_field(change, "stop", "\n\n", "stop", {});
  const auto settings = overlaid({}, change, {}, {}, "");
  EXPECT_EQ(settings.options.max_new_tokens, 20);
  EXPECT_EQ(settings.options.stop, std::vector<std::string>{"\n\n"});
  try {
    read_decode_field(change, "max_new_tokens", 0, "max_tokens", {});
    FAIL();
  } catch (const RequestError& error) {
    EXPECT_EQ(error.field, "max_tokens");
    EXPECT_STREQ(error.what(), "max_tokens must be a whole number from 1 to 512");
  }
}

TEST(DecodeSettingsTest, LimitsAreReadFromAConfiguration) {
  auto config = configs::Config::parse("max_n: 4\nmax_new_tokens: 64\n", "serve.yaml");
  auto section = config.root();
  const auto limits = DecodeLimits::from(section);
  EXPECT_EQ(limits.max_n, 4);
  EXPECT_EQ(limits.max_new_tokens, 64);
  EXPECT_EQ(limits.max_beam_size, DecodeLimits{}.max_beam_size);
  for (const char* bad : {"max_n: 0", "max_new_tokens: 65537", "max_beams: 4"}) {
    auto other = configs::Config::parse(bad, "serve.yaml");
    auto root = other.root();
    EXPECT_THROW(DecodeLimits::from(root), configs::ConfigError) << bad;
  }
}

}  // namespace
}  // namespace banter::tests
