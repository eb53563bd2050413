#include "data/options.h"

#include "base/random.h"
#include "base/utf8.h"
#include "data/cleaning/blocked_patterns.h"
#include "data/cleaning/unicode_text.h"

namespace banter::data {
namespace {

constexpr std::string_view kMeta = "meta:";

TokenizerOptions tokenizer_from(configs::Section section) {
  TokenizerOptions o;
  o.path = section.get("path", o.path);
  o.type = section.choice("type", o.type, {"unigram", "bpe"});
  o.vocab_size = section.get("vocab_size", o.vocab_size);
  o.character_coverage = section.get("character_coverage", o.character_coverage);
  o.sample_bytes = section.get("sample_bytes", o.sample_bytes);
  const auto seed = section.get("seed", static_cast<std::int64_t>(o.seed));
  o.seed = static_cast<std::uint64_t>(seed);
  section.check(o.vocab_size >= 300 && o.vocab_size <= 1'000'000, "vocab_size",
                "from 300 to 1000000");
  section.check(o.character_coverage >= 0.98 && o.character_coverage <= 1, "character_coverage",
                "in [0.98, 1]");
  section.check(o.sample_bytes >= 1000, "sample_bytes", "1000 or more");
  section.check(seed >= 0, "seed", "0 or more");
  section.reject_unknown();
  return o;
}

}  // namespace

SourceOptions SourceOptions::from(configs::Section& section) {
  SourceOptions o;
  o.path = section.require<std::string>("path");
  o.split = section.choice("split", o.split, {"train", "valid", "test", "auto"});
  std::vector<std::string> names = {"auto"};
  for (const auto& format : formats()) names.emplace_back(format.name);
  o.format = section.choice("format", o.format, names);
  section.check(!o.path.empty(), "path", "a file, a folder, a pattern or -");
  section.reject_unknown();
  return o;
}

CleaningOptions CleaningOptions::from(configs::Section section) {
  CleaningOptions o;
  o.blocked = section.get("blocked", o.blocked);
  o.normalization = section.choice("normalization", o.normalization, {"none", "nfkc"});
  o.drop_captions = section.get("drop_captions", o.drop_captions);
  o.drop_dashes = section.get("drop_dashes", o.drop_dashes);
  o.drop_names = section.get("drop_names", o.drop_names);
  o.drop_music = section.get("drop_music", o.drop_music);
  o.lower_case = section.get("lower_case", o.lower_case);
  o.expand_contractions = section.get("expand_contractions", o.expand_contractions);
  o.merge_consecutive = section.get("merge_consecutive", o.merge_consecutive);
  o.min_turn_words = section.get("min_turn_words", o.min_turn_words);
  o.max_turn_words = section.get("max_turn_words", o.max_turn_words);
  o.min_turn_characters = section.get("min_turn_characters", o.min_turn_characters);
  o.max_turn_characters = section.get("max_turn_characters", o.max_turn_characters);
  o.min_turns = section.get("min_turns", o.min_turns);
  o.max_turns = section.get("max_turns", o.max_turns);
  o.scripts = section.get("scripts", o.scripts);
  o.script_share = section.get("script_share", o.script_share);
  o.duplicates = section.choice("duplicates", o.duplicates, {"keep", "exact", "normalised"});

  for (const auto& pattern : o.blocked)
    if (const auto fault = pattern_fault(pattern); !fault.empty())
      section.fail("blocked", "the pattern \"" + base::printable(pattern) + "\" " + fault);
  const auto check_range = [&](std::int64_t low, std::int64_t lowest, std::int64_t high,
                               const std::string& of) {
    section.check(low >= lowest, "min_" + of, std::to_string(lowest) + " or more");
    section.check(high == 0 || high >= low, "max_" + of, "0 = no limit, or min_" + of + " or more");
  };
  check_range(o.min_turn_words, 0, o.max_turn_words, "turn_words");
  check_range(o.min_turn_characters, 0, o.max_turn_characters, "turn_characters");
  check_range(o.min_turns, 2, o.max_turns, "turns");
  for (const auto& name : o.scripts)
    if (!script_named(name))
      section.fail("scripts", "\"" + base::printable(name) +
                                  "\" is no script of letters; names are Unicode's, as in Latin, "
                                  "Cyrillic, Han");
  section.check(o.script_share > 0 && o.script_share <= 1, "script_share", "in (0, 1]");
  section.reject_unknown();
  return o;
}

DataOptions DataOptions::from(configs::Section& section) {
  DataOptions o;
  for (auto& source : section.sections("sources")) o.sources.push_back(SourceOptions::from(source));
  o.valid_share = section.get("valid_share", o.valid_share);
  const auto seed = section.get("seed", static_cast<std::int64_t>(o.seed));
  o.seed = static_cast<std::uint64_t>(seed);
  o.split_by = section.get("split_by", o.split_by);
  o.cleaning = CleaningOptions::from(section.section("cleaning"));
  for (auto& transform : section.sections("transforms"))
    o.transforms.push_back(TransformOptions::from(transform));
  o.limits.max_line_bytes = section.get("max_line_bytes", o.limits.max_line_bytes);
  o.limits.max_turns = section.get("max_turns", o.limits.max_turns);
  o.limits.max_depth = section.get("max_json_depth", o.limits.max_depth);
  o.limits.max_pause = section.get("max_pause", o.limits.max_pause);
  o.max_skipped = section.get("max_skipped", o.max_skipped);
  o.checkpoint_records = section.get("checkpoint_records", o.checkpoint_records);
  o.tokenizer = tokenizer_from(section.section("tokenizer"));

  section.check(!o.sources.empty(), "sources", "a list with at least one {path: ...}");
  section.check(o.valid_share >= 0 && o.valid_share < 1, "valid_share", "in [0, 1)");
  section.check(seed >= 0, "seed", "0 or more");
  section.check(
      o.split_by == "id" || (o.split_by.starts_with(kMeta) && o.split_by.size() > kMeta.size()),
      "split_by", "id, or meta: and the name of a field, as in meta:chain");
  section.check(o.limits.max_line_bytes >= 1 && o.limits.max_line_bytes <= 1 << 30,
                "max_line_bytes", "from 1 to 1073741824");
  section.check(o.limits.max_turns >= 2 && o.limits.max_turns <= 65'000, "max_turns",
                "from 2 to 65000");
  section.check(o.limits.max_depth >= 4 && o.limits.max_depth <= 10'000, "max_json_depth",
                "from 4 to 10000");
  section.check(o.limits.max_pause > 0, "max_pause", "above 0");
  section.check(o.max_skipped >= 0, "max_skipped", "0 or more");
  section.check(o.checkpoint_records >= 1, "checkpoint_records", "1 or more");
  section.reject_unknown();
  return o;
}

SplitKey split_key(const Record& record, std::string_view split_by) {
  const bool by_meta = split_by.starts_with(kMeta);
  if (const auto* dialogue = std::get_if<Dialogue>(&record); by_meta && dialogue != nullptr)
    for (const auto& [key, value] : dialogue->meta)
      if (key == split_by.substr(kMeta.size()) && !value.empty()) return {value, false};
  return std::visit(
      [&](const auto& one) -> SplitKey {
        const bool has_group = !one.group.empty();
        return {has_group ? one.group : one.id, by_meta};
      },
      record);
}

double split_draw(std::string_view key, std::uint64_t seed) {
  return base::to_unit(base::join_keys(seed, base::key_of(key)));
}

}  // namespace banter::data
