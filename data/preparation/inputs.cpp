#include "data/preparation/inputs.h"

#include <functional>
#include <sstream>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "data/input/sources.h"
#include "data/input/standard_input.h"
#include "data/reading_progress.h"

namespace banter::data {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

Inputs::Source read_source(const fs::path& path, const std::function<void(std::uint64_t)>& read) {
  Inputs::Source source;
  source.file = path;
  base::Sha256 hash;
  const auto add = [&](const fs::path& file, const std::string& name) {
    const auto size = base::size_of_file(file);
    ++source.files;
    source.bytes += size;
    // The name of a single file is the user's matter; inside a folder it may make the id.
    if (file != path) hash.add(name + '\n');
    hash.add(std::to_string(size) + ' ' + base::sha256_hex_of_file(file, read) + '\n');
  };
  for_each_file(
      path, [](const Problem&) {}, add);
  source.sha256 = hash.hex();
  return source;
}

json::object described(const CleaningOptions& o) {
  return {{"blocked", json::array(o.blocked.begin(), o.blocked.end())},
          {"normalization", o.normalization},
          {"drop_captions", o.drop_captions},
          {"drop_dashes", o.drop_dashes},
          {"drop_names", o.drop_names},
          {"drop_music", o.drop_music},
          {"lower_case", o.lower_case},
          {"expand_contractions", o.expand_contractions},
          {"merge_consecutive", o.merge_consecutive},
          {"min_turn_words", o.min_turn_words},
          {"max_turn_words", o.max_turn_words},
          {"min_turn_characters", o.min_turn_characters},
          {"max_turn_characters", o.max_turn_characters},
          {"min_turns", o.min_turns},
          {"max_turns", o.max_turns},
          {"scripts", json::array(o.scripts.begin(), o.scripts.end())},
          {"script_share", o.script_share},
          {"duplicates", o.duplicates}};
}

json::array described(const std::vector<TransformOptions>& transforms) {
  json::array all;
  for (const auto& o : transforms) {
    const auto& row = transform_named(o.name);
    json::object one{{"name", o.name}};
    if (row.has_share) one["share"] = o.share;
    if (row.is_random) one["seed"] = o.seed;
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace

Inputs Inputs::read(const DataOptions& options, const fs::path& scratch, bool quiet) {
  Inputs inputs;
  ReadingProgress progress("hashing", 0, quiet);
  const auto hear = [&](std::uint64_t bytes) {
    base::throw_if_stopped();
    progress(bytes);
  };
  bool copied = false;
  for (const auto& source : options.sources) {
    fs::path file = source.path;
    if (source.path == "-") {
      if (copied) throw base::FileError("-: standard input is given twice");
      copied = true;
      file = scratch / "standard-input";
      copy_standard_input(file);
    }
    inputs.sources.push_back(read_source(file, hear));
    inputs.bytes += inputs.sources.back().bytes;
  }
  if (!options.tokenizer.path.empty())
    inputs.tokenizer = base::sha256_hex_of_file(options.tokenizer.path);
  return inputs;
}

namespace {

json::object describe(const TokenizerOptions& o, const std::string& given) {
  if (!given.empty()) return {{"sha256", given}};
  return {{"type", o.type},
          {"vocab_size", o.vocab_size},
          {"character_coverage", o.character_coverage},
          {"sample_bytes", o.sample_bytes},
          {"seed", o.seed}};
}

}  // namespace

json::object describe(const DataOptions& o, const Inputs& inputs, const Shard& shard,
                      const std::vector<std::string>& formats) {
  json::array sources;
  for (std::size_t i = 0; i < o.sources.size(); ++i) {
    const auto& source = inputs.sources[i];
    // Without its path: equal inputs make equal stores wherever they lie.
    sources.push_back({{"split", o.sources[i].split},
                       {"wanted_format", o.sources[i].format},
                       {"format", formats[i]},
                       {"files", source.files},
                       {"bytes", source.bytes},
                       {"sha256", source.sha256}});
  }
  json::object said;
  if (!shard.is_whole()) said["shard"] = shard.folder_name();
  said["options"] = {{"valid_share", o.valid_share},
                     {"seed", o.seed},
                     {"split_by", o.split_by},
                     {"cleaning", described(o.cleaning)},
                     {"transforms", described(o.transforms)},
                     {"max_line_bytes", o.limits.max_line_bytes},
                     {"max_turns", o.limits.max_turns},
                     {"max_json_depth", o.limits.max_depth},
                     {"max_pause", o.limits.max_pause},
                     {"tokenizer", describe(o.tokenizer, inputs.tokenizer)}};
  said["sources"] = std::move(sources);
  return said;
}

namespace {

/// Numbers come back from a file as other types of the same value: compare what is written.
bool same(const json::value& a, const json::value& b) {
  return json::serialize(a) == json::serialize(b);
}

/// As a person would write it (Boost.JSON writes 0.1 as 1E-1).
std::string shown(const json::value& value) {
  if (!value.is_double()) return json::serialize(value);
  std::ostringstream text;
  text << value.get_double();
  return text.str();
}

const json::object* object_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

std::optional<std::string> compare(const json::object& there, const json::object& here,
                                   const std::string& path) {
  for (const auto& [key, value] : here) {
    const std::string name = path + "." + std::string(key);
    const auto* old = there.if_contains(key);
    if (old == nullptr) return name + " is not named in it";
    if (value.is_object() && old->is_object()) {
      if (auto inner = compare(old->get_object(), value.get_object(), name)) return inner;
    } else if (!same(*old, value)) {
      return name + " is " + shown(*old) + " there and " + shown(value) + " here";
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> first_difference(const json::object& manifest,
                                            const json::object& wanted) {
  const auto* options = object_at(manifest, "options");
  if (options == nullptr) return "it does not say how it was made";
  for (const auto* said : {&manifest, &wanted})
    if (const auto* shard = said->if_contains("shard");
        shard != nullptr &&
        (manifest.if_contains("shard") == nullptr || wanted.if_contains("shard") == nullptr ||
         !same(manifest.at("shard"), wanted.at("shard"))))
      return "it is or was to be " + json::serialize(*shard);
  if (auto found = compare(*options, wanted.at("options").as_object(), "data")) return found;
  const auto* value = manifest.if_contains("sources");
  const auto* there = value == nullptr ? nullptr : value->if_array();
  const auto& here = wanted.at("sources").as_array();
  if (there == nullptr || there->size() != here.size()) return "data.sources has other entries";
  for (std::size_t i = 0; i < here.size(); ++i) {
    const auto* old = there->at(i).if_object();
    if (old == nullptr) return "data.sources is damaged in it";
    for (const char* key : {"split", "wanted_format", "sha256"}) {
      const auto* was = old->if_contains(key);
      const auto& is = here[i].at(key);
      if (was == nullptr || !same(*was, is))
        return "data.sources[" + std::to_string(i) +
               "]: " + (std::string_view(key) == "sha256" ? "the content of its files" : key) +
               " differs";
    }
  }
  return std::nullopt;
}

}  // namespace banter::data
