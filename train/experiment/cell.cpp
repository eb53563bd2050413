#include "train/experiment/cell.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/errors.h"
#include "base/hash.h"
#include "configs/values.h"
#include "data/options.h"
#include "data/store/store.h"
#include "train/evaluation/choice.h"

namespace banter::train {
namespace {

namespace fs = std::filesystem;

std::string hash_of(const std::vector<std::string>& parts) {
  base::Sha256 hash;
  for (const auto& part : parts) hash.add(std::to_string(part.size()) + ":" + part);
  return hash.hex();
}

/// The recipe's `data` with all defaults, as YAML; "" where it has none.
std::string data_text(const configs::Config& recipe) {
  const auto config = recipe.copy();
  auto root = config.root();
  if (!root.has("data")) return "";
  auto section = root.section("data");
  data::DataOptions::from(section);
  return config.dump();
}

std::string key_of(const PairSource& pairs) {
  return "pairs " + pairs.store.string() + " " + pairs.split + " " +
         std::to_string(pairs.fraction) + " " + pairs.exclude;
}

/// What a training depends on beside its store: batches, model, loop, further stores, pairs,
/// device.
std::string key_of(const Recipe& recipe, const std::string& data) {
  std::vector<std::string> parts = {recipe.learning, recipe.device, data};
  if (data.empty()) parts.push_back(recipe.store.string());
  for (const auto& mixed : recipe.mix)
    parts.push_back(mixed.store.string() + " " + std::to_string(mixed.weight));
  if (recipe.train.pairs_per_dialogue_batch > 0) parts.push_back(key_of(recipe.pairs));
  return hash_of(parts);
}

/// What `banter evaluate` is asked for, with commas between: always all that costs no further pass,
/// so that columns may be added later, and the metrics that do, sorted. "" = the former alone.
std::string of_evaluate(const EvaluationOptions& o) {
  std::set<std::string> names;
  for (const auto& name : o.metrics)
    if (is_of_evaluate(name)) names.insert(name);
  if (names.empty()) return "";
  std::string all(kUsual);
  for (const auto& name : names) all += "," + name;
  return all;
}

/// What measuring sentence pairs depends on: the store too, unless it is the cell's own.
std::vector<std::string> key_of_pairs(const EvaluationOptions& o) {
  std::vector<std::string> parts = {"pairs", *o.pairs, o.pairs_split};
  if (o.pairs->empty()) return parts;
  try {
    parts.push_back(data::Store::open(*o.pairs).hash());
  } catch (const base::Error&) {  // `evaluate` says what is wrong
    parts.emplace_back();
  }
  return parts;
}

/// Whether words are not those of `banter evaluate` as it is; else keys are as if none were named.
bool has_other_words(const EvaluationOptions& o) {
  return o.tokenize != EvaluationOptions{}.tokenize;
}

std::string evaluation_key(const ExperimentOptions& o) {
  if (o.kind == "gradient_flow") {
    const auto& flow = o.gradient_flow;
    return hash_of({flow.split, std::to_string(flow.min_turns), std::to_string(flow.max_turns),
                    std::to_string(flow.replies)});
  }
  auto parts = o.evaluate.decoding;
  parts.insert(parts.end(), {o.evaluate.split, o.evaluate.checkpoint,
                             std::to_string(o.evaluate.replies), of_evaluate(o.evaluate)});
  if (has_other_words(o.evaluate)) parts.push_back("tokenize " + o.evaluate.tokenize);
  if (!o.evaluate.nli.empty()) parts.push_back("nli " + o.evaluate.judge);
  if (o.evaluate.pairs)
    for (auto& part : key_of_pairs(o.evaluate)) parts.push_back(std::move(part));
  return hash_of(parts);
}

Cell cell_of(const ExperimentOptions& o, const Row& row, std::int64_t seed) {
  Cell cell;
  cell.row = row.name;
  cell.seed = seed;
  cell.name = row.name + "/seed-" + std::to_string(seed);
  cell.folder = o.folder / "cells" / cell.name;

  auto config = o.recipe.copy();
  for (const auto& [key, value] : row.changes) config.set(key, value);
  config.set("train.seed", std::to_string(seed), "seeds");
  const auto data = data_text(config);
  if (!data.empty()) {
    cell.data_key = hash_of({data});
    cell.prepares = true;
    const auto store = o.stores / cell.data_key.substr(0, 12);
    config.set("store", configs::to_yaml(store.string()), "stores");
  }
  config.set("run", configs::to_yaml(cell.run().string()), "folder");
  const auto recipe = Recipe::of(config);
  cell.judged_on = recipe.judged_on;
  cell.store = recipe.store;
  cell.mix = recipe.mix;
  if (recipe.train.pairs_per_dialogue_batch > 0) cell.pair_store = recipe.pairs.store;
  cell.init_from = recipe.train.init_from;
  cell.init_encoder = recipe.train.init_encoder;
  cell.recipe = recipe.text + data;
  cell.recipe_key = key_of(recipe, data);
  cell.evaluation_key = cell.judged_on == JudgedOn::kPairs
                            ? hash_of({"classifier", o.evaluate.split, o.evaluate.checkpoint})
                            : evaluation_key(o);
  cell.steps = recipe.train.steps;
  cell.valid_split = recipe.train.valid_split;
  cell.threads = recipe.threads;
  return cell;
}

/// What only dialogue models have, where a row's model is a classifier; "" = nothing.
std::string meaningless_of_classifier(const ExperimentOptions& o) {
  if (o.kind == "gradient_flow") return "kind: gradient_flow";
  const auto& e = o.evaluate;
  if (e.pairs) return "evaluate.pairs";
  if (!e.nli.empty()) return "evaluate.nli";
  if (!e.decoding.empty()) return "evaluate.decoding";
  if (has_other_words(e)) return "evaluate.tokenize";
  if (!e.vectors.empty()) return "evaluate.vectors";
  const auto other = std::ranges::find_if_not(e.metrics, is_of_classifier);
  return other == e.metrics.end() ? "" : "the metric " + *other;
}

/// That the model can be measured by what the experiment asks for.
void check_measurable(const Cell& cell, const ExperimentOptions& o) {
  if (cell.judged_on == JudgedOn::kPairs) {
    if (const auto what = meaningless_of_classifier(o); !what.empty())
      throw base::ConfigError("model.type is a classifier of sentence pairs, and " + what +
                              " means nothing for it; give evaluate.metrics: [accuracy, loss], and "
                              "rows of classifiers alone");
    return;
  }
  if (o.kind != "comparison") return;
  if (const auto of = std::ranges::find_if(o.evaluate.metrics, is_of_classifier);
      of != o.evaluate.metrics.end())
    throw base::ConfigError("evaluate.metrics: " + *of +
                            " is of classifiers of sentence pairs (model.type: nli), and this "
                            "row's model gives replies; an experiment compares one kind");
}

}  // namespace

std::vector<Cell> cells_of(const ExperimentOptions& options) {
  std::vector<Cell> cells;
  for (const auto seed : options.seeds)
    for (const auto& row : options.rows) {
      try {
        cells.push_back(cell_of(options, row, seed));
        check_measurable(cells.back(), options);
      } catch (const base::ConfigError& error) {
        throw base::ConfigError("row " + row.name + ": " + error.what());
      }
    }
  return cells;
}

std::vector<std::string> prepare_arguments(const Cell& cell) {
  return {"prepare", cell.recipe_file().string(), "--force", "--quiet", "--json"};
}

std::vector<std::string> train_arguments(const Cell& cell) {
  return {"train", cell.recipe_file().string(), "--quiet", "--json"};
}

std::vector<std::string> measure_arguments(const Cell& cell, const ExperimentOptions& o) {
  if (o.kind == "gradient_flow") {
    const auto& flow = o.gradient_flow;
    return {"gradient-flow", cell.run().string(),
            "--split",       flow.split,
            "--turns",       std::to_string(flow.min_turns) + ":" + std::to_string(flow.max_turns),
            "--replies",     std::to_string(flow.replies),
            "--quiet",       "--json"};
  }
  const auto& e = o.evaluate;
  const auto run = cell.run().string() + (e.checkpoint == "last" ? "@last" : "");
  const auto sums = (cell.folder / "sums.jsonl").string();
  if (cell.judged_on == JudgedOn::kPairs)
    return {"evaluate", run, "--split", e.split, "--write-sums", sums, "--quiet", "--json"};
  std::vector<std::string> arguments = {"evaluate",
                                        run,
                                        "--split",
                                        e.split,
                                        "--replies",
                                        std::to_string(e.replies),
                                        "--write-likelihoods",
                                        (cell.folder / "likelihoods.jsonl").string()};
  if (e.replies > 0)
    arguments.insert(arguments.end(),
                     {"--write-replies", (cell.folder / "replies.jsonl").string()});
  if (has_other_words(e)) arguments.insert(arguments.end(), {"--tokenize", e.tokenize});
  if (!e.nli.empty()) arguments.insert(arguments.end(), {"--nli", e.nli});
  for (const auto& setting : e.decoding) arguments.insert(arguments.end(), {"--set", setting});
  if (const auto names = of_evaluate(e); !names.empty())
    arguments.insert(arguments.end(), {"--metrics", names, "--write-sums", sums});
  if (e.pairs)
    arguments.insert(arguments.end(),
                     {"--pairs", e.pairs->empty() ? cell.store.string() : *e.pairs, "--pairs-split",
                      e.pairs_split, "--write-pairs", (cell.folder / "pairs.jsonl").string()});
  arguments.insert(arguments.end(), {"--quiet", "--json"});
  return arguments;
}

}  // namespace banter::train
