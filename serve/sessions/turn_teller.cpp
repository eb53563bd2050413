#include "serve/sessions/turn_teller.h"

#include <algorithm>
#include <utility>

#include "serve/sessions/reply_view.h"

namespace banter::serve {
namespace {

constexpr std::chrono::milliseconds kProgressPause{250};

std::chrono::microseconds microseconds_of(Clock::duration time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time);
}

double score_of(const models::Reply& reply) { return reply.rerank_score.value_or(reply.score); }

}  // namespace

Times times_of(const TurnEnd& end) {
  Times times{.queue = microseconds_of(end.took.queue),
              .first = std::nullopt,
              .total = microseconds_of(end.took.total)};
  if (end.tokens.completion > 0) times.first = microseconds_of(end.took.first);
  return times;
}

MadeReply made_reply(TurnEnd end, const std::string& text_so_far, const TurnTeller::About& about,
                     const data::Tokenizer& tokenizer) {
  MadeReply made{.finish = end.finish,
                 .text = text_so_far,
                 .consistency = std::move(end.consistency),
                 .tokens = end.tokens,
                 .times = times_of(end),
                 .revision = std::move(end.revision)};
  const auto& best = end.replies.best;
  if (best.empty()) return made;
  made.text = models::text_of(best.front(), tokenizer);
  made.score = score_of(best.front());
  made.attention = attention_of(
      best.front(),
      {.turns = about.turns, .facts = end.replies.facts, .tokens = end.replies.tokens}, tokenizer);
  const auto read = static_cast<std::size_t>(end.replies.turns);
  made.truncated_turns = read > 0 ? about.turns[about.turns.size() - read] : about.turn;
  if (about.n > 1) {
    auto& others = made.others.emplace();
    for (std::size_t i = 1; i < std::min(best.size(), static_cast<std::size_t>(about.n)); ++i)
      others.push_back({.text = models::text_of(best[i], tokenizer), .score = score_of(best[i])});
  }
  return made;
}

TurnTeller::TurnTeller(std::shared_ptr<Session> session, std::shared_ptr<const ServedModel> model,
                       About about)
    : session_(std::move(session)),
      model_(std::move(model)),
      about_(std::move(about)),
      written_(*model_->tokenizer) {}

void TurnTeller::committed(const TurnProgress& progress) {
  const auto text = written_.add(progress.ids);
  text_ += text;
  std::optional<std::vector<TokenWeights>> tokens;
  if (about_.with_weights && !progress.attention.empty())
    tokens = token_weights(progress, ids_, about_.turns, *model_->tokenizer);
  ids_ = progress.ids.size();
  if (text.empty() && !tokens) return;
  session_->told_delta(about_.job, text, std::move(tokens));
}

void TurnTeller::progressed(std::int64_t tokens) {
  const auto now = Clock::now();
  if (now - last_progress_ < kProgressPause) return;
  last_progress_ = now;
  session_->told_progress(about_.job, tokens);
}

void TurnTeller::ended(TurnEnd end) {
  session_->made(about_.job, made_reply(std::move(end), text_, about_, *model_->tokenizer));
}

}  // namespace banter::serve
