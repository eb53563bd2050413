#include "train/experiment/options.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/errors.h"
#include "models/checkpoint/checkpoint.h"
#include "models/decoding/options.h"
#include "models/decoding/reranking.h"
#include "train/evaluation/choice.h"
#include "train/experiment/grid.h"
#include "train/metrics/likelihoods/likelihood_measurement.h"
#include "train/metrics/pairs/pair_metrics.h"
#include "train/metrics/texts/metric.h"
#include "train/metrics/texts/word_vectors.h"
#include "train/recipe.h"

namespace banter::train {
namespace {

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::vector<std::string> known_metric_names() {
  std::vector<std::string> names;
  for (const auto& metric : metrics_of_likelihoods()) names.emplace_back(metric.name);
  for (const auto& metric : known_metrics()) names.emplace_back(metric.name);
  for (const auto& metric : pair_metrics()) names.emplace_back(metric.name);
  return names;
}

}  // namespace

bool is_of_evaluate(std::string_view metric) {
  return metric.starts_with("perturb_") || metric.starts_with("hits_");
}

bool is_of_classifier(std::string_view metric) { return metric == "accuracy" || metric == "loss"; }

namespace {

/// That `banter evaluate` will know it, after the training.
void check_of_evaluate(const std::string& metric, configs::Section& section) {
  try {
    (void)EvaluationChoice::named(std::array{metric});
  } catch (const base::UsageError& error) {
    section.fail("metrics", error.what());
  }
}

/// That the report will be able to read them.
void check_vectors(const std::string& file, configs::Section& section) {
  try {
    if (!file.empty()) WordVectors::check(file);
  } catch (const base::Error& error) {
    section.fail("vectors", error.what());
  }
}

/// The hash of the classifier's checkpoint, "" where none is named.
std::string hash_of_judge(const std::string& run, configs::Section& section) {
  if (run.empty()) return "";
  try {
    const auto name = models::RunName::parse(run);
    const auto checkpoint = models::find_checkpoint(name);
    if (Recipe::load(name.run / "config.yaml").judged_on == JudgedOn::kPairs)
      return checkpoint.hash;
  } catch (const base::Error& error) {
    section.fail("nli", error.what());
  }
  section.fail("nli", run + " gives replies; a classifier of sentence pairs is wanted");
}

void check_metrics(const EvaluationOptions& o, configs::Section& section) {
  section.check(!o.metrics.empty(), "metrics", "a list with at least one name");
  const auto known = known_metric_names();
  std::set<std::string> names;
  for (const auto& name : o.metrics) {
    if (!names.insert(name).second) section.fail("metrics", "names \"" + name + "\" twice");
    if (name.starts_with("embed_") && o.vectors.empty())
      section.fail("metrics", name + " needs word vectors: give `evaluate.vectors`");
    const auto metric = std::ranges::find(known_metrics(), name, &Metric::name);
    if (metric != known_metrics().end() && metric->need == Need::kJudgements && o.nli.empty())
      section.fail("metrics", name + " needs a classifier of sentence pairs: give `evaluate.nli`");
    const bool is_of_pairs = pair_column(name).metric != nullptr;
    if (is_of_pairs && !o.pairs)
      section.fail("metrics", name + " needs sentence pairs: give `evaluate.pairs`");
    if (is_of_pairs) continue;
    if (is_of_evaluate(name))
      check_of_evaluate(name, section);
    else if (!is_of_classifier(name) && std::ranges::find(known, name) == known.end())
      section.fail("metrics",
                   "knows no metric \"" + name + "\"; known: " + join(known) +
                       ", hits_K, perturb_TRANSFORM, accuracy, loss, LIKELIHOOD.METRIC_OF_PAIRS");
  }
}

EvaluationOptions read_evaluation(configs::Section section) {
  EvaluationOptions o;
  o.split = section.get("split", o.split);
  o.checkpoint = section.choice("checkpoint", o.checkpoint, {"best", "last"});
  o.replies = section.get("replies", o.replies);
  o.tokenize = section.choice("tokenize", o.tokenize, {kTokenizers.begin(), kTokenizers.end()});
  o.vectors = section.get("vectors", o.vectors);
  o.nli = section.get("nli", o.nli);
  o.judge = hash_of_judge(o.nli, section);
  if (section.has("pairs")) o.pairs = section.get("pairs", "");
  o.pairs_split = section.get("pairs_split", o.pairs_split);
  o.metrics = section.get("metrics", o.metrics);
  if (section.has("decoding")) {
    const auto decoding = section.value("decoding");
    for (const auto& [key, value] : decoding.entries())
      o.decoding.push_back("decoding." + key + "=" + value.yaml());
    auto keys = configs::Config::of(decoding).root();
    // What `evaluate` would refuse after the training.
    const auto options = models::DecodingOptions::from(keys);
    if (o.nli.empty() && options.rerank == models::kConsistency)
      section.fail("decoding", "rerank consistency needs a classifier: give `evaluate.nli`");
  }
  section.check(!o.split.empty(), "split", "the name of a split");
  section.check(o.replies >= 0, "replies", "0 or more");
  section.check(!o.pairs_split.empty(), "pairs_split", "the name of a split");
  section.check(o.replies > 0 || o.nli.empty(), "replies", "above 0 where `nli` judges them");
  check_vectors(o.vectors, section);
  check_metrics(o, section);
  section.reject_unknown();
  return o;
}

GradientFlowOptions read_gradient_flow(configs::Section section) {
  GradientFlowOptions o;
  o.split = section.get("split", o.split);
  o.min_turns = section.get("min_turns", o.min_turns);
  o.max_turns = section.get("max_turns", o.max_turns);
  o.replies = section.get("replies", o.replies);
  section.check(!o.split.empty(), "split", "the name of a split");
  section.check(o.min_turns >= 1, "min_turns", "1 or more");
  section.check(o.max_turns > o.min_turns && o.max_turns <= 1000, "max_turns",
                "more than min_turns, at most 1000");
  section.check(o.replies >= 1, "replies", "1 or more");
  section.reject_unknown();
  return o;
}

/// The recipe that stands under `recipe` or in the file that it names, with `set` laid over it.
configs::Config read_recipe(configs::Section& root) {
  const auto given = root.value("recipe");
  auto recipe = given.is_mapping() ? configs::Config::of(given)
                                   : configs::Config::load(root.require<std::string>("recipe"));
  if (root.has("set"))
    for (const auto& [key, value] : root.value("set").entries()) recipe.set(key, value);
  return recipe;
}

void read_seeds(ExperimentOptions& o, configs::Section& root) {
  o.seeds = root.get("seeds", o.seeds);
  root.check(!o.seeds.empty(), "seeds", "a list with at least one number");
  std::set<std::int64_t> seeds;
  for (const auto seed : o.seeds) {
    root.check(seed >= 0, "seeds", "0 or more each");
    if (!seeds.insert(seed).second)
      root.fail("seeds", "names " + std::to_string(seed) + " twice; each is a run of its own");
  }
}

void read_baseline(ExperimentOptions& o, configs::Section& root) {
  o.baseline = root.get("baseline", o.baseline);
  if (o.baseline.empty()) return;
  std::vector<std::string> names;
  names.reserve(o.rows.size());
  for (const auto& row : o.rows) names.push_back(row.name);
  const auto values = coordinate_names(o.rows);
  if (std::ranges::find(names, o.baseline) != names.end()) return;
  if (const auto count = std::ranges::count(values, o.baseline); count > 1)
    root.fail("baseline", "\"" + o.baseline + "\" is a value of " + std::to_string(count) +
                              " axes; give it other names, as in `name: {key: value}`");
  else if (count == 0)
    root.fail("baseline", "there is no row \"" + o.baseline + "\"; rows: " + join(names) +
                              (values.empty() ? "" : "; values of axes: " + join(values)));
}

}  // namespace

ExperimentOptions ExperimentOptions::load(const std::filesystem::path& file,
                                          const std::vector<std::string>& overrides) {
  const auto config = configs::Config::load(file, overrides);
  auto root = config.root();
  const auto kind = root.choice("kind", "comparison", {"comparison", "gradient_flow"});
  const std::filesystem::path folder = root.require<std::string>("folder");
  root.check(!folder.empty(), "folder", "the name of a folder");
  ExperimentOptions o{.kind = kind,
                      .folder = folder,
                      .stores = root.get("stores", ""),
                      .recipe = read_recipe(root),
                      .rows = read_rows(root),
                      .baseline = "",
                      .evaluate = {},
                      .gradient_flow = {},
                      .text = ""};
  if (o.stores.empty()) o.stores = folder / "stores";
  read_seeds(o, root);
  read_baseline(o, root);
  o.trials = root.get("trials", o.trials);
  o.samples = root.get("samples", o.samples);
  root.check(o.trials >= 1 && o.trials <= 1'000'000, "trials", "from 1 to 1000000");
  root.check(o.samples >= 0, "samples", "0 or more");
  if (o.kind == "comparison")
    o.evaluate = read_evaluation(root.section("evaluate"));
  else
    o.gradient_flow = read_gradient_flow(root.section("gradient_flow"));
  root.reject_unknown();
  o.text = config.dump();
  return o;
}

}  // namespace banter::train
