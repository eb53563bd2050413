#include "serve/run/load_served.h"

#include <filesystem>
#include <string_view>
#include <utility>

#include "base/errors.h"
#include "models/commands/model_arguments.h"
#include "models/consistency/consistency_judge.h"
#include "models/decoding/reranking.h"
#include "serve/protocol/request_error.h"
#include "serve/run/run_rows.h"

namespace banter::serve {
namespace {

/// The name that clients see: the run's folder.
std::string id_of(const std::string& run) {
  const auto folder = models::RunName::parse(run).run.lexically_normal();
  const auto name = folder.has_filename() ? folder.filename() : folder.parent_path().filename();
  return name.string();
}

std::string revision_of(const models::Checkpoint& checkpoint) {
  constexpr std::size_t kDigits = 8;
  return "step-" + std::to_string(checkpoint.step) + "-" + checkpoint.hash.substr(0, kDigits);
}

/// Of all that answer together: another member gives other replies.
std::string revision_of(const models::Checkpoint& checkpoint, const ServedRun& served) {
  auto revision = revision_of(checkpoint);
  for (const auto& member : served.ensemble)
    revision += "+" + revision_of(models::find_checkpoint(models::RunName::parse(member)));
  return revision;
}

DecodeOffer offer_of(const models::DecodingOptions& decoding, DecodeLimits limits,
                     const Helpers& helpers) {
  if (helpers.reverse) limits.rerankers.emplace_back("mmi");
  if (helpers.judge) limits.rerankers.emplace_back(models::kConsistency);
  DecodeOffer offer{.defaults = DecodeSettings::from(decoding), .limits = std::move(limits)};
  try {
    check_settings(offer.defaults, offer.limits, "decoding.");
  } catch (const RequestError& error) {
    throw base::ConfigError(std::string("the run's settings do not fit this server: ") +
                            error.what());
  }
  return offer;
}

/// One reply to one token: what a first turn would wait for is done then. Its attention.
bool has_attention(RunRows& rows, const models::DecodingOptions& decoding) {
  const auto& special = rows.loaded().tokenizer.special();
  data::TokenId token = 0;
  while (rows.loaded().tokenizer.surface(token).empty() || token == special.eos) ++token;
  Turn turn;
  turn.context.turns.push_back({.ids = {token}, .speaker = kUserSpeaker});
  turn.context.reply_speaker = kReplySpeaker;
  turn.prefix = rows.loaded().tokenizer.begin_reply("");
  turn.decoding.max_new_tokens = decoding.max_new_tokens;
  rows.add(0, turn);
  std::vector<EndedRows> ended;
  while (ended.empty()) ended = rows.step([](std::uint64_t, const TurnProgress&) {});
  const auto& best = ended.front().replies.best;
  return !best.empty() && !best.front().attention.empty();
}

}  // namespace

std::shared_ptr<const ServedModel> load_served(const ServedRun& served,
                                               const DecodeLimits& limits) {
  const models::ModelArguments arguments{.run = served.run,
                                         .device = served.device,
                                         .threads = served.threads,
                                         .ensemble = served.ensemble,
                                         .ensemble_mean = served.ensemble_mean};
  auto loaded = arguments.load();
  Helpers helpers;
  if (!served.nli.empty())
    helpers.judge =
        std::make_shared<models::ConsistencyJudge>(arguments.load_other_classifier(served.nli));
  if (!served.reverse.empty())
    helpers.reverse =
        std::make_shared<const models::LoadedModel>(arguments.load_other(served.reverse));
  const auto decoding =
      models::DecodingFlags().read(loaded.checkpoint, {.overrides = served.overrides}).value();

  auto model = std::make_shared<ServedModel>();
  model->name = {.id = id_of(served.run),
                 .revision = revision_of(loaded.checkpoint, served),
                 .type = loaded.type};
  model->limits = loaded.batch;
  model->decode = offer_of(decoding, limits, helpers);
  const auto rows =
      std::make_shared<RunRows>(std::move(loaded), model->name.revision, std::move(helpers),
                                RunRowsLimits{.max_rows = served.max_rows,
                                              .cache_bytes = served.cache_bytes,
                                              .mmi_weight = served.mmi_weight});
  model->tokenizer = std::shared_ptr<const data::Tokenizer>(rows, &rows->loaded().tokenizer);
  model->attention = {AttentionLevel::kNone};
  if (has_attention(*rows, decoding)) model->attention.push_back(AttentionLevel::kTurns);
  model->rows = rows;
  return model;
}

}  // namespace banter::serve
