#include "serve/run/load_served.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/allocator.h"
#include "base/errors.h"
#include "models/commands/model_arguments.h"
#include "models/consistency/consistency_judge.h"
#include "models/decoding/reranking.h"
#include "models/device.h"
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

/// A turn to ask a model that nobody talks to yet: `token` was said, and a few are wanted.
Turn turn_to_try(const RunRows& rows, data::TokenId token, std::int64_t reply_tokens) {
  Turn turn;
  turn.context.turns.push_back({.ids = {token}, .speaker = kUserSpeaker});
  turn.context.reply_speaker = kReplySpeaker;
  turn.prefix = rows.loaded().tokenizer.begin_reply("");
  turn.decoding.min_new_tokens = turn.decoding.max_new_tokens = reply_tokens;
  return turn;
}

/// The first of the replies to turns that run together.
models::Reply first_reply(RunRows& rows, const std::vector<Turn>& turns) {
  for (std::size_t i = 0; i < turns.size(); ++i) rows.add(i, turns[i]);
  models::Reply first;
  for (std::size_t ended = 0; ended < turns.size();)
    for (auto& [replies, consistency] : rows.step([](std::uint64_t, const TurnProgress&) {})) {
      if (replies.number == 0 && !replies.best.empty()) first = std::move(replies.best.front());
      ++ended;
    }
  return first;
}

/// What is found out before anybody asks; a first turn would wait for it otherwise.
struct Trial {
  bool has_attention = false;
  Company company;
};

/// The largest difference between the log-probabilities of two replies' tokens; nothing when they
/// are other tokens.
std::optional<double> difference_of(const models::Reply& one, const models::Reply& other) {
  if (one.ids != other.ids) return {};
  double largest = 0;
  for (std::size_t i = 0; i < one.log_probs.size(); ++i)
    largest = std::max(largest, std::abs(double{one.log_probs[i]} - other.log_probs[i]));
  return largest;
}

Trial try_out(RunRows& rows, std::int64_t max_rows, std::int64_t max_reply_tokens) {
  // Products round otherwise by the number of rows up to about a dozen, and no more above.
  constexpr std::array<std::size_t, 6> kRows = {2, 3, 5, 9, 16, 32};
  constexpr std::int64_t kReplyTokens = 8;
  const auto reply_tokens = std::min(kReplyTokens, max_reply_tokens);
  const auto& tokenizer = rows.loaded().tokenizer;
  std::vector<Turn> turns;
  for (data::TokenId token = 0; token < tokenizer.vocab_size() && turns.size() < kRows.back() &&
                                std::ssize(turns) < max_rows;
       ++token)
    if (token != tokenizer.special().eos && !tokenizer.surface(token).empty())
      turns.push_back(turn_to_try(rows, token, reply_tokens));
  if (turns.empty()) return {};
  const auto alone = first_reply(rows, {turns.front()});
  Trial trial{.has_attention = !alone.attention.empty(), .company = {}};
  auto& [tried, largest] = trial.company;
  for (const auto count : kRows) {
    if (count > turns.size()) break;
    const std::vector<Turn> company(turns.begin(), turns.begin() + std::ptrdiff_t(count));
    const auto difference = difference_of(alone, first_reply(rows, company));
    tried.push_back(static_cast<std::int64_t>(count));
    largest = largest && difference ? std::optional(std::max(*largest, *difference)) : std::nullopt;
  }
  return trial;
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
  auto own = std::make_unique<RunRows>(std::move(loaded), model->name.revision, std::move(helpers),
                                       RunRowsLimits{.max_rows = served.max_rows,
                                                     .cache_bytes = served.cache_bytes,
                                                     .mmi_weight = served.mmi_weight});
  // A model that was swapped out leaves holes in which the next one does not fit.
  const std::shared_ptr<RunRows> rows(own.release(), [](const RunRows* gone) {
    delete gone;  // NOLINT(cppcoreguidelines-owning-memory)
    base::give_back_free_memory();
  });
  model->tokenizer = std::shared_ptr<const data::Tokenizer>(rows, &rows->loaded().tokenizer);
  model->attention = {AttentionLevel::kNone};
  const auto trial = try_out(*rows, served.max_rows, decoding.max_new_tokens);
  if (trial.has_attention) model->attention.push_back(AttentionLevel::kTurns);
  if (trial.has_attention &&
      rows->loaded().model->attended_tokens() != models::AttendedTokens::kNone)
    model->attention.push_back(AttentionLevel::kTokens);
  model->company = trial.company;
  models::free_thread_buffers();  // a reload has a thread of its own
  model->rows = rows;
  return model;
}

}  // namespace banter::serve
