#include "data/options.h"

#include "base/random.h"

namespace banter::data {
namespace {

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
  o.split = section.choice("split", o.split, {"train", "valid", "auto"});
  std::vector<std::string> names = {"auto"};
  for (const auto& format : formats()) names.emplace_back(format.name);
  o.format = section.choice("format", o.format, names);
  section.check(!o.path.empty(), "path", "a file, a folder, a pattern or -");
  section.reject_unknown();
  return o;
}

DataOptions DataOptions::from(configs::Section& section) {
  DataOptions o;
  for (auto& source : section.sections("sources")) o.sources.push_back(SourceOptions::from(source));
  o.valid_share = section.get("valid_share", o.valid_share);
  const auto seed = section.get("seed", static_cast<std::int64_t>(o.seed));
  o.seed = static_cast<std::uint64_t>(seed);
  o.cleaning.merge_consecutive = section.get("merge_consecutive", o.cleaning.merge_consecutive);
  o.cleaning.min_turns = section.get("min_turns", o.cleaning.min_turns);
  o.cleaning.lower_case = section.get("lower_case", o.cleaning.lower_case);
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
  section.check(o.cleaning.min_turns >= 2, "min_turns", "2 or more");
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

std::string_view split_key(const Record& record) {
  return std::visit(
      [](const auto& one) -> std::string_view { return one.group.empty() ? one.id : one.group; },
      record);
}

double split_draw(std::string_view key, std::uint64_t seed) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;  // FNV-1a
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return base::to_unit(base::join_keys(seed, hash));
}

std::string_view split_of(std::string_view key, std::uint64_t seed, double valid_share) {
  return split_draw(key, seed) < valid_share ? "valid" : "train";
}

}  // namespace banter::data
