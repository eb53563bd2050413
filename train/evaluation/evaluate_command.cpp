#include <algorithm>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "base/errors.h"
#include "base/json.h"
#include "configs/command_line.h"
#include "configs/section.h"
#include "train/commands.h"
#include "train/evaluation/evaluate_run.h"
#include "train/evaluation/run_store.h"

namespace banter::train {
namespace {

/// How replies are chosen: greedily, or by what `--set decoding.*` lays over that.
/// Throws   ConfigError; UsageError when --set names something else
models::DecodingOptions decoding_of(const std::vector<std::string>& overrides) {
  for (const auto& text : overrides)
    if (!text.starts_with("decoding."))
      throw base::UsageError("banter evaluate: --set " + text +
                             ": a trained model's settings are fixed; only decoding.* can be set");
  const auto config = configs::Config::parse("decoding: {}", "decoding", overrides);
  auto section = config.root().section("decoding");
  return models::DecodingOptions::from(section);
}

/// Throws   UsageError when a metric of vectors is named and there are none
void check_vectors(const EvaluationRequest& request) {
  if (!request.choice.needs_vectors || !request.vectors.empty()) return;
  const auto metric = std::ranges::find(request.choice.texts, Need::kVectors, &Metric::need);
  throw base::UsageError("banter evaluate: " + std::string((*metric)->name) +
                         " needs --vectors; `banter vectors` makes some of a store");
}

/// Throws   UsageError when replies are to be judged and no classifier is given, or it would be
///          loaded in vain
void check_judge(const EvaluationRequest& request) {
  if (request.nli.run.empty()) {
    (void)models::reranker_named(request.decoding.rerank);
    if (request.choice.needs_judgements)
      throw base::UsageError(
          "banter evaluate: c_score, entailed_replies and contradicted_replies need --nli, the run "
          "of a classifier of sentence pairs");
  } else if (request.replies == 0) {
    throw base::UsageError("banter evaluate: --nli judges replies; it needs --replies above 0");
  }
}

/// Throws   UsageError when metrics of pairs are asked for and there are none, or the reverse
void check_pairs(const EvaluationRequest& request, const CLI::App& app) {
  if (request.pairs && !request.choice.pairs)
    throw base::UsageError(
        "banter evaluate: --pairs is read for the metrics `pairs`, which are not among --metrics; "
        "name them, or leave --pairs out");
  if (!request.pairs && request.choice.needs_pairs)
    throw base::UsageError(
        "banter evaluate: pairs needs --pairs STORE, a store of sentence pairs (`banter prepare` "
        "makes one of Dialogue NLI, MNLI and the like)");
  for (const auto* option : {"--pairs-split", "--write-pairs"})
    if (!request.pairs && app.count(option) > 0)
      throw base::UsageError(std::string("banter evaluate: ") + option + " needs --pairs STORE");
}

/// What would be found out after the whole split was scored.
/// Throws   FileError when a file cannot be written where it is named; what WordVectors::check does
void check_files(const EvaluationRequest& request) {
  for (const auto& file :
       {request.replies_file, request.likelihoods_file, request.sums_file, request.pairs_file}) {
    const auto folder = std::filesystem::path(file).parent_path();
    if (!folder.empty() && !std::filesystem::is_directory(folder))
      throw base::FileError(file + ": cannot be written: there is no folder " + folder.string());
  }
  if (!request.vectors.empty()) WordVectors::check(request.vectors);
}

/// Throws   UsageError when an option was given that means nothing for a classifier
void refuse_options_of_replies(const CLI::App& app) {
  for (const auto* option :
       {"--metrics", "--replies", "--write-replies", "--write-likelihoods", "--set", "--vectors",
        "--tokenize", "--rank-score", "--nli", "--pairs", "--pairs-split", "--write-pairs"})
    if (app.count(option) > 0)
      throw base::UsageError(std::string("banter evaluate: ") + option +
                             " is of replies, and this run is a classifier of sentence pairs; of "
                             "it accuracy and loss are given without asking");
}

}  // namespace

int run_evaluate(const std::vector<std::string>& arguments) {
  configs::CommandLine line("banter evaluate",
                            "How well a trained model fits the replies of a store, beside n-grams; "
                            "a classifier the labels of its pairs, beside a bag of words.",
                            "banter evaluate runs/ubuntu\n"
                            "banter evaluate runs/ubuntu@last --split valid --json\n"
                            "banter evaluate runs/nli --split valid\n"
                            "banter evaluate runs/convai2 --metrics ppl,hits_1,hits_5\n"
                            "banter evaluate runs/ubuntu --metrics ppl_turn,perturb\n"
                            "banter evaluate runs/ubuntu --metrics embed --vectors ubuntu.vec\n"
                            "banter evaluate runs/convai2 --metrics c_score --nli runs/nli\n"
                            "banter evaluate runs/persona --metrics ppl,pairs --pairs stores/dnli\n"
                            "banter evaluate runs/chinese --metrics bleu,f1,distinct "
                            "--tokenize char\n"
                            "banter evaluate runs/ubuntu --set decoding.method=beam "
                            "--write-replies replies.jsonl");
  EvaluationRequest request;
  std::vector<std::string> metrics;
  std::string rank_score = kRankScores.front(), tokenize = kTokenizers.front();
  request.model.add_to(line.app);
  line.app.add_option("--split", request.split, "part of the store")->capture_default_str();
  line.app.add_option("--store", request.store, "store, if not the one that the run names");
  line.app.add_option("--pairs", request.pairs,
                      "store of sentence pairs: how much better entailed hypotheses fit than "
                      "contradicted ones, with the premise as persona; \"\" = that of the replies");
  line.app.add_option("--pairs-split", request.pairs_split, "part of that store")
      ->capture_default_str();
  line.app.add_option("--write-pairs", request.pairs_file,
                      "write how the model fits each of the pairs to this file (JSON Lines)");
  line.app
      .add_option(
          "--metrics", metrics,
          "names with commas between; by default `usual`: all but hits (hits_K, K = 1, 2, "
          "...: the true reply among candidates) and perturb (contexts altered), which cost "
          "more, and pairs where --pairs names some")
      ->delimiter(',');
  line.app
      .add_option("--replies", request.replies,
                  "contexts that are answered for the metrics of texts; 0 = none")
      ->capture_default_str();
  line.app.add_option("--write-replies", request.replies_file,
                      "write those replies with references and contexts to this file (JSON Lines, "
                      "as `banter metrics` reads them)");
  line.app.add_option("--write-likelihoods", request.likelihoods_file,
                      "write how the model fits each reply of the split to this file (JSON Lines)");
  line.app.add_option(
      "--write-sums", request.sums_file,
      "write the sums of hits and perturb of each dialogue, or a classifier's of each "
      "group of pairs, to this file (JSON Lines), from which tests are made");
  line.app
      .add_option("--set", line.common.overrides,
                  "decoding.KEY=VALUE: answer so instead of greedily; repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  line.app.add_option("--vectors", request.vectors,
                      "word vectors as text, for embed; `banter vectors` makes some");
  request.nli.add_to(
      line.app,
      "classifier that judges replies by the persona's sentences, for c_score, "
      "entailed_replies, contradicted_replies and --set decoding.rerank=consistency");
  line.app
      .add_option("--tokenize", tokenize,
                  "words of the metrics of texts; char: characters, for texts without spaces")
      ->check(CLI::IsMember(std::vector<std::string>(kTokenizers.begin(), kTokenizers.end())))
      ->capture_default_str();
  line.app
      .add_option("--rank-score", rank_score,
                  "of hits: candidates by their log-probability, as mean a token or as sum")
      ->check(CLI::IsMember(std::vector<std::string>(kRankScores.begin(), kRankScores.end())))
      ->capture_default_str();
  line.with_json();
  if (!line.parse(arguments)) return 0;
  request.quiet = line.common.quiet;
  request.decoding = decoding_of(line.common.overrides);
  request.tokenize = tokenize_named(tokenize);
  if (request.replies == 0 && !request.replies_file.empty())
    throw base::UsageError("banter evaluate: --write-replies needs --replies above 0");
  request.rank_score =
      static_cast<RankScore>(std::ranges::find(kRankScores, rank_score) - kRankScores.begin());
  if (!metrics.empty()) {
    request.choice = EvaluationChoice::named(metrics);
    check_vectors(request);
  }
  check_judge(request);
  if (!request.sums_file.empty() && request.choice.hits.empty() &&
      request.choice.perturbations.empty() && !models::is_classifier_run(request.model.run))
    throw base::UsageError("banter evaluate: --write-sums needs hits or perturb among --metrics");
  check_pairs(request, line.app);
  check_files(request);

  const auto run = models::RunName::parse(request.model.run).run;
  if (models::is_classifier_run(request.model.run)) {
    refuse_options_of_replies(line.app);
    const auto loaded = request.model.load_classifier();
    const auto store = open_store(request.store, run, loaded.tokenizer, loaded.checkpoint);
    const auto found = evaluate_classifier(request, loaded, store);
    if (line.common.json)
      std::cout << base::pretty_json(to_json(found.head, found.pairs));
    else
      print(std::cout, found.head, found.pairs);
    return 0;
  }
  const auto loaded = request.model.load();
  const auto store = open_store(request.store, run, loaded.tokenizer, loaded.checkpoint);
  const auto found = evaluate_replies(request, loaded, store);
  if (line.common.json)
    std::cout << base::pretty_json(to_json(found));
  else
    print(std::cout, found);
  return 0;
}

}  // namespace banter::train
