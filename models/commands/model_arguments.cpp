#include "models/commands/model_arguments.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <memory>
#include <sstream>
#include <utility>

#include "base/errors.h"
#include "base/json.h"
#include "base/utf8.h"
#include "models/commands/line_source.h"
#include "models/device.h"
#include "models/ensemble.h"

namespace banter::models {
namespace {

struct Flag {
  const char* key;
  const char* help;
  bool is_list = false;
};

constexpr std::array kFlags = {
    Flag{"method", "greedy, beam or sample"},
    Flag{"beam_size", "of beam: hypotheses that grow together"},
    Flag{"beam_groups", "of beam: groups that avoid each other's tokens"},
    Flag{"diversity_penalty", "of beam: how much, in nats for each beam that chose the token"},
    Flag{"length_penalty", "replies are compared by log-probability / length^this"},
    Flag{"temperature", "of sample: below 1 sharper, above 1 flatter"},
    Flag{"top_k", "of sample: among the k most probable tokens, 0 = all"},
    Flag{"top_p", "of sample: among the fewest tokens with this share, 1 = all"},
    Flag{"typical_p", "of sample: among tokens about as surprising as expected, 1 = all"},
    Flag{"repetition_penalty", "above 1 takes tokens down that the reply holds, 1 = off"},
    Flag{"min_new_tokens", "a reply does not end before"},
    Flag{"max_new_tokens", "a reply ends here at the latest"},
    Flag{"no_repeat_ngram_size", "no n-gram of this size twice in a reply, 0 = off"},
    Flag{"context_no_repeat_ngram_size", "no n-gram of this size of a turn again, 0 = off"},
    Flag{"block", "a text that no reply holds; may be repeated", true},
    Flag{"stop", "a text before which a reply ends; may be repeated", true},
    Flag{"seed", "of what is drawn: the same seed gives the same replies"},
    Flag{"replies", "best replies of beam, or independent ones of sample, for each context"},
    Flag{"rerank", "what several replies are sorted by: none, consistency or mean_log_prob"},
    Flag{"rerank_margin", "of rerank consistency: how much less fluent, nats a token"},
};

constexpr std::string_view kPrefix = "decoding.";

/// Says which of `overrides` ("decoding.top_p=0.9") from `first` on the method does not read.
void note_idle(const DecodingOptions& options, const std::vector<std::string>& overrides,
               std::size_t first) {
  for (auto i = first; i < overrides.size(); ++i) {
    const auto setting = overrides[i].substr(kPrefix.size());
    const auto key = setting.substr(0, setting.find('='));
    if (options.reads(key)) continue;
    std::cerr << "note: " << key << " does nothing with "
              << (key == "rerank_margin" ? "rerank " + options.rerank : "method " + options.method)
              << '\n';
  }
}

/// Throws   UsageError unless two models read the same ids of a context
void refuse_strangers(const LoadedModel& first, const LoadedModel& other, const std::string& where,
                      const std::string& first_name) {
  if (first.tokenizer.hash() != other.tokenizer.hash())
    throw base::UsageError(where + "has another tokenizer than " + first_name +
                           "; an ensemble needs runs of one vocabulary");
  const auto& a = first.batch;
  const auto& b = other.batch;
  const auto same = [&](const auto& x, const auto& y, const char* key) {
    if (x == y) return;
    std::ostringstream what;
    what << where << "was trained with batch." << key << " " << y << ", " << first_name << " with "
         << x << "; an ensemble needs runs that see the same of a context";
    throw base::UsageError(what.str());
  };
  same(a.max_context_turns, b.max_context_turns, "max_context_turns");
  same(a.max_context_tokens, b.max_context_tokens, "max_context_tokens");
  same(a.max_turn_tokens, b.max_turn_tokens, "max_turn_tokens");
  same(a.persona, b.persona, "persona");
}

/// The lines of a file that are not blank; none of no file.
std::vector<std::string> lines_of(const std::string& file) {
  std::vector<std::string> lines;
  if (file.empty()) return lines;
  LineSource source(file);
  while (auto line = source.next()) {
    if (base::first_bad_utf8(*line)) throw base::DataError(source.where() + ": is not UTF-8");
    if (!base::is_blank(*line)) lines.push_back(std::move(*line));
  }
  return lines;
}

}  // namespace

void ModelArguments::add_to(CLI::App& app) {
  app.add_option("run", run,
                 "run folder: RUN, RUN@last, RUN@step-N, RUN@best:METRIC, RUN@ema, RUN@average")
      ->required();
  app.add_option("--device", device, "cpu, cuda, cuda:N or auto");
  app.add_option("--threads", threads, "threads of computing, 0 = all cores or OMP_NUM_THREADS")
      ->check(CLI::NonNegativeNumber);
}

void ModelArguments::add_ensemble_to(CLI::App& app) {
  auto* runs = app.add_option("--ensemble", ensemble,
                              "a run that answers together with RUN, each token by the mean of "
                              "what all say; may be repeated")
                   ->allow_extra_args(false)
                   ->type_name("RUN");
  app.add_option("--ensemble-mean", ensemble_mean, "of what: log_probs or probs")
      ->check(CLI::IsMember(Ensemble::means()))
      ->needs(runs);
}

LoadedModel ModelArguments::load_other(const std::string& name, torch::Dtype dtype) const {
  auto loaded = load_model(name, open_device(device), dtype);
  if (!loaded.checkpoint.warning.empty())
    std::cerr << "warning: " << loaded.checkpoint.warning << '\n';
  return loaded;
}

LoadedClassifier ModelArguments::load_classifier() const {
  set_threads(threads);
  return load_other_classifier(run);
}

LoadedClassifier ModelArguments::load_other_classifier(const std::string& name) const {
  auto loaded = models::load_classifier(name, open_device(device));
  if (!loaded.checkpoint.warning.empty())
    std::cerr << "warning: " << loaded.checkpoint.warning << '\n';
  return loaded;
}

LoadedModel ModelArguments::load(torch::Dtype dtype) const {
  set_threads(threads);
  auto loaded = load_other(run, dtype);
  if (ensemble.empty()) return loaded;
  std::vector<ModelPtr> members = {loaded.model};
  for (const auto& name : ensemble) {
    const auto other = load_other(name, dtype);
    refuse_strangers(loaded, other, "--ensemble " + name + ": ", run);
    members.push_back(other.model);
    loaded.type += "+" + other.type;
  }
  loaded.model = std::make_shared<Ensemble>(std::move(members), ensemble_mean);
  return loaded;
}

void DecodingFlags::add_to(CLI::App& app) {
  for (const auto& [key, help, is_list] : kFlags) {
    const std::string underscored = std::string("--") + key;
    auto dashed = underscored;
    std::ranges::replace(dashed, '_', '-');
    const auto names = dashed == underscored ? dashed : dashed + "," + underscored;
    auto* option = is_list ? app.add_option(names, lists_[key], help)->allow_extra_args(false)
                           : app.add_option(names, values_[key], help);
    option->group("Choosing a reply");
  }
  app.add_option("--block-list", block_list_, "file of texts to block, one a line")
      ->group("Choosing a reply");
}

std::optional<DecodingOptions> DecodingFlags::read(const Checkpoint& checkpoint,
                                                   const configs::CommonOptions& common,
                                                   const std::vector<std::string>& later) const {
  auto overrides = common.overrides;
  for (const auto& override : overrides)
    if (!override.starts_with(kPrefix))
      throw base::UsageError("--set " + override +
                             ": a trained model's settings are fixed; only decoding.* can be set");
  for (const auto& [key, value] : values_)
    if (!value.empty()) overrides.push_back(std::string(kPrefix) + key + "=" + value);
  for (const auto& [key, texts] : lists_)
    if (!texts.empty())
      overrides.push_back(std::string(kPrefix) + key + "=" +
                          base::json::serialize(base::json::value_from(texts)));
  for (const auto& setting : later) overrides.push_back(std::string(kPrefix) + setting);
  const auto config = configs::Config::load(recipe_of(checkpoint), overrides);
  auto section = config.root().section("decoding");
  auto options = DecodingOptions::from(section);
  for (auto& phrase : lines_of(block_list_)) options.block.push_back(std::move(phrase));
  options.validate();
  note_idle(options, overrides, later.empty() ? 0 : overrides.size() - 1);
  if (!common.dump_config) return options;
  print(config.dump());
  return std::nullopt;
}

data::Context to_ids(const GivenContext& given, const LoadedModel& loaded, std::string_view where) {
  const auto& tokenizer = loaded.tokenizer;
  const auto& limits = loaded.batch;
  data::Context context{
      .turns = {}, .facts = {}, .reply_speaker = given.reply_speaker, .reply = {}};
  for (const auto& [speaker, text] : given.turns)
    context.turns.push_back({.ids = tokenizer.encode(text), .speaker = speaker});
  for (const auto& fact : given.facts)
    context.facts.push_back({.ids = tokenizer.encode(fact), .speaker = given.reply_speaker});
  if (given.reply) context.reply = tokenizer.begin_reply(*given.reply);

  const auto fact_tokens = [&](std::size_t fact) {
    return data::fact_row_tokens(static_cast<std::int64_t>(context.facts[fact].ids.size()), limits);
  };
  const auto turn_tokens = [](std::size_t) { return std::int64_t{1}; };  // one stays in any case
  const auto cut = data::cut_context(limits.persona == "none" ? 0 : context.facts.size(),
                                     fact_tokens, context.turns.size(), turn_tokens, limits);
  if (cut.facts + cut.turns == 0)
    throw base::DataError(std::string(where) +
                          ": there is no turn to reply to, and of its facts this model reads "
                          "none; give \"turns\"");
  return context;
}

void expect_draft(const LoadedModel& loaded) {
  if (!loaded.model->has_draft())
    throw base::UsageError("draft: " + loaded.type +
                           " has no draft decoder; stack_propagation with its second decoder has");
}

}  // namespace banter::models
