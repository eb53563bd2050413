#include "serve/run/run_rows.h"

#include <algorithm>
#include <functional>
#include <span>
#include <string_view>

#include "base/errors.h"
#include "data/batches/batch.h"
#include "models/consistency/consistency_reranker.h"
#include "models/decoding/mmi.h"
#include "models/decoding/search.h"
#include "models/decoding/search_input.h"

namespace banter::serve {
namespace {

constexpr std::size_t kMostWordings = 64;  // each holds a table of all pieces' texts
constexpr std::size_t kMostSaid = 64;      // under load nobody comes to encode them

Verdict verdict_of(data::Label label) {
  switch (label) {
    case data::Label::kEntailment:
      return Verdict::kEntails;
    case data::Label::kContradiction:
      return Verdict::kContradicts;
    default:
      return Verdict::kNeutral;
  }
}

std::vector<FactVerdict> verdicts_of(const std::vector<models::Judgement>& judgements) {
  std::vector<FactVerdict> verdicts;
  for (const auto& judgement : judgements)
    verdicts.push_back({.fact = std::ssize(verdicts),
                        .label = verdict_of(judgement.label()),
                        .p = judgement.prob()});
  return verdicts;
}

}  // namespace

RunRows::RunRows(models::LoadedModel loaded, std::string revision, Helpers helpers,
                 const RunRowsLimits& limits)
    : loaded_(std::move(loaded)),
      revision_(std::move(revision)),
      helpers_(std::move(helpers)),
      limits_(limits) {
  const auto* const reverse = helpers_.reverse.get();
  if (reverse != nullptr && reverse->tokenizer.hash() != loaded_.tokenizer.hash())
    throw base::UsageError("the reverse model has another tokenizer than the run");
  if (reverse != nullptr)
    by_mmi_ = models::mmi_reranker(*reverse->model, reverse->batch, loaded_.tokenizer,
                                   limits_.mmi_weight);
  decoder_ = new_decoder();
}

std::unique_ptr<models::Decoder> RunRows::new_decoder() const {
  const models::DecodeLimits rows{
      .max_rows = limits_.max_rows, .with_attention = true, .with_draft = false};
  return std::make_unique<models::Decoder>(*loaded_.model, loaded_.batch, rows);
}

std::int64_t RunRows::rows_of(const Turn& turn) const { return models::most_rows(turn.decoding); }

/// The conversation, now the one used last; a new one when it is not kept.
models::ChatSession& RunRows::session_of(const std::string& conversation) {
  const auto found = kept_of_.find(conversation);
  if (found != kept_of_.end()) {
    ++cache_.hits;
    kept_.splice(kept_.begin(), kept_, found->second);
  } else {
    ++cache_.misses;
    kept_.push_front(
        {.conversation = conversation,
         .session = std::make_shared<models::ChatSession>(*loaded_.model, loaded_.batch),
         .bytes = 0});
    kept_of_[conversation] = kept_.begin();
  }
  return *kept_.front().session;
}

/// Counts what a conversation keeps now, and lets go of the oldest ones when it is too much.
void RunRows::note_bytes(const std::string& conversation) {
  const auto found = kept_of_.find(conversation);
  if (found == kept_of_.end()) return;
  auto& kept = *found->second;
  const auto bytes = kept.session->bytes();
  cache_.bytes += bytes - std::exchange(kept.bytes, bytes);
  while (cache_.bytes > limits_.cache_bytes && !kept_.empty()) {
    ++cache_.evictions;
    forget(kept_.back().conversation);
  }
}

/// Makes room for what comes next.
void RunRows::evict_all() {
  cache_.evictions += kept_.size();
  kept_of_.clear();
  kept_.clear();
  said_.clear();
  cache_.bytes = 0;
}

void RunRows::forget(const std::string& conversation) {
  forget_said(conversation);
  const auto found = kept_of_.find(conversation);
  if (found == kept_of_.end()) return;
  const auto kept = found->second;
  cache_.bytes -= kept->bytes;
  kept_of_.erase(found);
  kept_.erase(kept);  // last: `conversation` may be its own
}

std::shared_ptr<const models::Wording> RunRows::wording_of(const models::DecodingOptions& options) {
  const auto is_same = [&](const auto& one) {
    return one.first.first == options.block && one.first.second == options.stop;
  };
  const auto found = std::ranges::find_if(wordings_, is_same);
  if (found != wordings_.end()) {
    wordings_.splice(wordings_.begin(), wordings_, found);
  } else {
    wordings_.emplace_front(Phrases{options.block, options.stop},
                            std::make_shared<models::Wording>(options, loaded_.tokenizer));
    if (wordings_.size() > kMostWordings) wordings_.pop_back();
  }
  return wordings_.front().second;
}

models::Request RunRows::request_of(std::uint64_t number, const Turn& turn,
                                    models::Composed composed) {
  models::Request request{.number = number,
                          .context = turn.context,
                          .options = turn.decoding,
                          .composed = std::move(composed),
                          .prefix = turn.prefix,
                          .wording = wording_of(turn.decoding)};
  if (turn.is_by_mmi) {
    if (!by_mmi_) throw base::Error("there is no reverse model");
    request.reranker = by_mmi_;
  } else if (turn.decoding.rerank == models::kConsistency) {
    if (!helpers_.judge) throw base::Error("there is no judge of consistency");
    request.reranker = models::consistency_reranker(*helpers_.judge, loaded_.tokenizer,
                                                    turn.decoding.rerank_margin);
  }
  request.on_committed = [this, number](const models::CommittedReply& committed) {
    const auto running = running_.find(number);
    if (committed_ == nullptr || running == running_.end()) return;
    (*committed_)(number, {.ids = committed.ids,
                           .attention = committed.attention,
                           .facts = running->second.facts_read,
                           .tokens = running->second.tokens_read});
  };
  return request;
}

TurnTokens RunRows::add(std::uint64_t number, const Turn& turn) {
  try {
    return encode(number, turn);
  } catch (const base::Error&) {
    throw;  // what was asked cannot be answered
  } catch (const std::exception&) {
    drop(number);
    evict_all();  // LibTorch says no more than that it failed, when memory runs out too
    throw;
  }
}

TurnTokens RunRows::encode(std::uint64_t number, const Turn& turn) {
  // A decoder that throws is lost with all its turns: what would make it is refused before.
  const auto fault =
      models::fault_of_prefix(turn.prefix, turn.decoding, loaded_.model->vocabulary().special);
  if (!fault.empty()) throw base::Error(fault);
  // What nobody goes on with is not kept.
  models::ChatSession alone(*loaded_.model, loaded_.batch);
  auto& session = turn.conversation.empty() ? alone : session_of(turn.conversation);
  if (!turn.conversation.empty()) forget_said(turn.conversation);
  session.set_facts(turn.context.facts);
  session.set_turns(turn.context.turns);
  const auto before = session.encoded_tokens();
  auto composed = session.compose(turn.context.reply_speaker, turn.decoding.with_token_attention);
  const auto read = session.read_tokens();
  const auto encoded = loaded_.model->encodes_turns() ? session.encoded_tokens() - before : read;
  const auto facts_read = composed.facts;
  auto tokens_read = composed.tokens;
  auto request = request_of(number, turn, std::move(composed));
  decoder_->add(std::move(request));
  running_.emplace(number, Running{.conversation = turn.conversation,
                                   .context = turn.context,
                                   .facts = turn.facts,
                                   .facts_read = facts_read,
                                   .tokens_read = std::move(tokens_read)});
  note_bytes(turn.conversation);
  return {.prompt = read, .cached = read - encoded, .completion = 0};
}

void RunRows::drop(std::uint64_t number) {
  decoder_->drop(number);
  running_.erase(number);
}

std::vector<EndedRows> RunRows::step(const Committed& committed) {
  committed_ = &committed;
  try {
    auto done = ended(decoder_->step());
    committed_ = nullptr;
    return done;
  } catch (...) {  // a decoder that threw is of no more use
    committed_ = nullptr;
    running_.clear();
    evict_all();
    decoder_ = new_decoder();
    throw;
  }
}

std::vector<EndedRows> RunRows::ended(std::vector<models::Replies> done) {
  std::vector<EndedRows> all;
  for (auto& replies : done) all.push_back({.replies = std::move(replies)});
  judge(all);
  for (const auto& [replies, consistency] : all) {
    auto node = running_.extract(replies.number);
    auto& running = node.mapped();
    if (running.conversation.empty() || replies.best.empty()) continue;
    auto turns = std::move(running.context.turns);
    const auto text = models::text_of(replies.best.front(), loaded_.tokenizer);
    turns.push_back(
        {.ids = loaded_.tokenizer.encode(text), .speaker = running.context.reply_speaker});
    forget_said(running.conversation);
    said_.push_back({.conversation = running.conversation, .turns = std::move(turns)});
    if (said_.size() > kMostSaid) said_.pop_front();
  }
  return all;
}

void RunRows::forget_said(const std::string& conversation) {
  std::erase_if(said_, [&](const Said& said) { return said.conversation == conversation; });
}

/// Judges the best replies of those turns that have a persona, all at once.
void RunRows::judge(std::vector<EndedRows>& ended) const {
  if (!helpers_.judge) return;
  std::vector<std::string> texts(ended.size());
  std::vector<models::ReplyOfPersona> asked;
  std::vector<EndedRows*> of;
  for (std::size_t i = 0; i < ended.size(); ++i) {
    const auto& facts = running_.at(ended[i].replies.number).facts;
    if (facts.empty() || ended[i].replies.best.empty()) continue;
    texts[i] = models::text_of(ended[i].replies.best.front(), loaded_.tokenizer);
    asked.push_back({.reply = texts[i], .persona = facts});
    of.push_back(&ended[i]);
  }
  const auto judgements = helpers_.judge->judge(asked);
  for (std::size_t i = 0; i < of.size(); ++i) of[i]->consistency = verdicts_of(judgements[i]);
}

bool RunRows::settle() {
  if (said_.empty()) return false;
  const auto said = std::move(said_.front());
  said_.pop_front();
  const auto kept = kept_of_.find(said.conversation);
  if (kept == kept_of_.end() || !loaded_.model->encodes_turns()) return true;
  kept->second->session->set_turns(said.turns);
  try {
    kept->second->session->encode();
  } catch (...) {
    evict_all();
    throw;
  }
  note_bytes(said.conversation);
  return true;
}

}  // namespace banter::serve
