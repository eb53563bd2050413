#include "data/preparation/prepare.h"

#include <iostream>
#include <string>

#include "base/errors.h"
#include "base/json.h"
#include "base/utf8.h"
#include "configs/command_line.h"
#include "configs/section.h"
#include "data/commands.h"
#include "data/inspection/reports/report.h"

namespace banter::data {
namespace {

namespace json = boost::json;

json::object summary_of(const Store& store, bool made) {
  json::object summary{{"store", store.folder().string()},
                       {"made", made},
                       {"format", store.format()},
                       {"corpus_sha256", store.corpus_hash()},
                       {"vocab_size", store.tokenizer().vocab_size()}};
  json::object splits;
  for (const auto& split : store.splits())
    splits[split.name()] = {{"dialogues", split.dialogues()},
                            {"turns", split.turns()},
                            {"tokens", split.tokens()},
                            {"pairs", split.pairs()},
                            {"pair_tokens", split.counts().pair_tokens}};
  summary["splits"] = std::move(splits);
  return summary;
}

/// "2 dialogues, 5 turns, 40 tokens; 7 pairs, 90 tokens", what there is of it.
std::string contents_of(const Split& split) {
  std::string text;
  if (split.dialogues() > 0 || split.pairs() == 0)
    text = grouped(split.dialogues()) + " dialogues, " + grouped(split.turns()) + " turns, " +
           grouped(split.tokens()) + " tokens";
  if (split.pairs() > 0)
    text += (text.empty() ? "" : "; ") + grouped(split.pairs()) + " pairs, " +
            grouped(split.counts().pair_tokens) + " tokens";
  return text;
}

void print_summary(const Store& store, bool made) {
  std::cout << base::printable(store.folder().string(), 1000) << ": "
            << (made ? "made" : "is up to date: made from equal inputs before, left alone") << '\n';
  for (const auto& split : store.splits())
    std::cout << "  " << split.name() << ": " << contents_of(split) << '\n';
  std::cout << "  vocabulary: "
            << grouped(static_cast<std::uint64_t>(store.tokenizer().vocab_size())) << " ids\n";
}

void tell(const TrainedTokenizer& trained, const std::string& file, bool as_json) {
  print_problems(std::cerr, trained.problems, Places::kFirst);
  const auto& tokenizer = trained.tokenizer;
  if (as_json)
    std::cout << json::serialize(json::object{{"tokenizer", file},
                                              {"tokenizer_sha256", tokenizer.hash()},
                                              {"vocab_size", tokenizer.vocab_size()}})
              << '\n';
  else
    std::cout << base::printable(file, 1000) << ": made\n  vocabulary: "
              << grouped(static_cast<std::uint64_t>(tokenizer.vocab_size())) << " ids\n";
}

}  // namespace

int run_prepare(const std::vector<std::string>& arguments) {
  configs::CommandLine line("banter prepare",
                            "Corpora -> a tokenizer and a memory-mapped store with splits.",
                            "banter prepare recipe.yaml\n"
                            "banter prepare recipe.yaml --set data.tokenizer.vocab_size=4000\n"
                            "banter prepare recipe.yaml --tokenizer-only bpe.model\n"
                            "banter prepare recipe.yaml --set data.tokenizer.path=bpe.model "
                            "--shard 0/4");
  std::string config_path;
  bool force = false;
  line.app.add_option("config", config_path, "the recipe (YAML)")->required();
  line.app.add_flag("--force", force,
                    "replace a store that was made from other inputs, or "
                    "--tokenizer-only's file");
  std::string tokenizer_file, shard;
  line.app.add_option("--tokenizer-only", tokenizer_file,
                      "train the tokenizer, write it to this file, and make no store");
  line.app.add_option("--shard", shard,
                      "I/N: make part I of N, from 0, of the store, for several machines or "
                      "programs; all are used as one. Needs data.tokenizer.path");
  line.with_config();
  line.with_json();
  if (!line.parse(arguments)) return 0;

  const auto config = configs::Config::load(config_path, line.common.overrides);
  auto root = config.root();
  PrepareRequest request;
  request.store = root.require<std::string>("store");
  root.check(!request.store.empty(), "store", "the folder to make");
  auto section = root.section("data");
  request.data = DataOptions::from(section);
  request.force = force;
  request.quiet = line.common.quiet;
  root.ignore({"mix", "pairs", "run", "device", "threads", "batch", "model", "train", "decoding"});
  root.reject_unknown();
  if (line.common.dump_config) {
    std::cout << config.dump();
    return 0;
  }

  if (!tokenizer_file.empty()) {
    if (!shard.empty() || !request.data.tokenizer.path.empty())
      throw base::UsageError(
          "banter prepare: --tokenizer-only trains a tokenizer: it goes with neither --shard nor "
          "data.tokenizer.path");
    tell(prepare_tokenizer(request, tokenizer_file), tokenizer_file, line.common.json);
    return 0;
  }
  if (!shard.empty()) {
    request.shard = Shard::from(shard);
    if (request.data.tokenizer.path.empty())
      throw base::UsageError(
          "banter prepare: --shard needs data.tokenizer.path: all shards must have one tokenizer; "
          "make it with --tokenizer-only FILE");
  }
  const auto result = prepare(request);
  const auto store = Store::open(
      request.shard.is_whole() ? request.store : request.store / request.shard.folder_name());
  print_problems(std::cerr, result.problems, Places::kFirst);
  if (line.common.json)
    std::cout << json::serialize(summary_of(store, result.made)) << '\n';
  else
    print_summary(store, result.made);
  return 0;
}

}  // namespace banter::data
