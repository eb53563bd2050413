#include "models/decoding/decoder.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "base/errors.h"
#include "base/random.h"
#include "models/decoding/eval_mode.h"
#include "models/decoding/running.h"
#include "models/decoding/search.h"
#include "models/decoding/step_choice.h"
#include "models/draft.h"

namespace banter::models {
namespace {

torch::Tensor ids_tensor(const std::vector<std::int64_t>& ids, torch::Device device) {
  return torch::tensor(ids, torch::kLong).to(device);
}

/// What a loop makes of requests: one draft for each, or the replies.
enum class Stage : std::uint8_t { kDraft, kReplies };

/// How the draft for a request is chosen.
DecodingOptions draft_options(DecodingOptions options) {
  options.replies = 1;
  options.rerank = "none";
  options.with_token_attention = false;
  return options;
}

/// What is waiting, or was done: a request with the draft that was made for it.
struct Drafted {
  Request request;
  std::optional<Reply> draft;
};

/// What came of a request. `asked`: in the stage of drafts the request, with the memory that its
/// draft was made from.
struct Ended {
  Replies replies;
  std::optional<Request> asked;
};

class DecodeLoop {
 public:
  DecodeLoop(DialogueModel& model, const data::BatchOptions& limits, const DecodeLimits& rows,
             Stage stage)
      : model_(model),
        batch_options_(limits),
        limits_(rows),
        stage_(stage),
        device_(device_of(model)),
        steps_(model, rows.recorder != nullptr ? rows.recorder : cuda_graphs(device_)) {}

  void add(Drafted drafted) { waiting_.push_back(std::move(drafted)); }
  void drop(std::uint64_t number);
  /// Takes what is waiting and makes one step. What ended in it.
  std::vector<Ended> step();

  [[nodiscard]] bool is_idle() const { return running_.empty() && waiting_.empty(); }
  [[nodiscard]] std::int64_t running_rows() const;
  [[nodiscard]] std::int64_t waiting_rows() const;

 private:
  std::vector<Drafted> take_waiting();
  Memory compose(std::vector<Drafted>& fresh, std::vector<Composed>& sources);
  void admit(std::vector<Drafted> fresh);
  [[nodiscard]] Running begin(Drafted fresh, Composed sources, std::int64_t memory_row) const;
  [[nodiscard]] DecodingOptions options_of(const Request& request) const {
    return stage_ == Stage::kDraft ? draft_options(request.options) : request.options;
  }
  void compact_pool();
  std::vector<Ended> move_on(State state, const NextRows& next);
  void go_on_with(State state, const std::vector<std::int64_t>& rows, std::int64_t of);
  [[nodiscard]] Ended end(Running running) const;
  void tell_committed();

  DialogueModel& model_;
  const data::BatchOptions& batch_options_;
  const DecodeLimits limits_;
  const Stage stage_;
  const torch::Device device_;
  RepeatedSteps steps_;

  std::deque<Drafted> waiting_;
  std::vector<Running> running_;
  Memory pool_;
  State state_;                    ///< N rows
  std::vector<std::int64_t> ids_;  ///< (N): what each row reads next
};

std::int64_t DecodeLoop::running_rows() const {
  std::int64_t rows = 0;
  for (const auto& running : running_) rows += running.most_rows;
  return rows;
}

std::int64_t DecodeLoop::waiting_rows() const {
  std::int64_t rows = 0;
  for (const auto& waiting : waiting_) rows += most_rows(options_of(waiting.request));
  return rows;
}

std::vector<Drafted> DecodeLoop::take_waiting() {
  std::vector<Drafted> fresh;
  auto used = running_rows();
  // Turns are encoded together when several rows are free: one at a time costs more than it gains.
  const auto least_free = std::max<std::int64_t>(1, limits_.max_rows / 8);
  if (used > 0 && limits_.max_rows - used < least_free) return fresh;
  while (!waiting_.empty()) {
    const auto rows = most_rows(options_of(waiting_.front().request));
    if (used > 0 && used + rows > limits_.max_rows) break;
    used += rows;
    fresh.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return fresh;
}

Memory DecodeLoop::compose(std::vector<Drafted>& fresh, std::vector<Composed>& sources) {
  Memory memory;
  const auto append = [&](const Memory& rows) { memory = {Rows::join(memory, rows)}; };
  std::vector<std::size_t> order;  // which request a row of `memory` is of
  std::vector<data::Context> contexts;
  std::vector<std::size_t> owners;
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    auto& request = fresh[i].request;
    if (request.composed) {
      auto composed = std::move(*request.composed);
      request.composed.reset();
      append(composed.memory);
      order.push_back(i);
      sources.push_back(std::move(composed));
    } else {
      contexts.push_back(request.context);
      owners.push_back(i);
    }
  }
  if (!contexts.empty()) {
    const auto host = data::make_batch(contexts, batch_options_, model_.vocabulary().special);
    const auto batch = host.to(device_);
    append(model_.compose(model_.encode_turns(batch), batch.context, batch.facts,
                          batch.reply_speaker));
    for (std::int64_t b = 0; b < host.replies(); ++b) {
      order.push_back(owners[host.examples[static_cast<std::size_t>(b)].dialogue]);
      sources.push_back(sources_of(host, b));
      if (limits_.with_attention && fresh[order.back()].request.options.with_token_attention)
        sources.back().tokens = tokens_of(model_, host, b, sources.back());
    }
  }
  std::vector<Drafted> sorted;
  sorted.reserve(order.size());
  for (const auto i : order) sorted.push_back(std::move(fresh[i]));
  fresh = std::move(sorted);
  return memory;
}

void DecodeLoop::compact_pool() {
  std::vector<std::int64_t> kept;
  std::vector<std::int64_t> place(static_cast<std::size_t>(pool_.size()), 0);
  for (auto& running : running_) {
    place[static_cast<std::size_t>(running.memory_row)] = static_cast<std::int64_t>(kept.size());
    kept.push_back(std::exchange(running.memory_row, static_cast<std::int64_t>(kept.size())));
  }
  if (static_cast<std::int64_t>(kept.size()) == pool_.size()) return;
  if (kept.empty()) {
    pool_ = {};
    return;
  }
  pool_ = model_.select_memory(pool_, ids_tensor(kept, device_));
  state_.memory_row = ids_tensor(place, device_).index_select(0, state_.memory_row);
}

/// Of what is drawn before the first token of reply `reply` of a context.
std::int64_t key_of_start(std::uint64_t seed, std::int64_t reply) {
  const auto key = base::join_keys(seed, static_cast<std::uint64_t>(reply));
  return static_cast<std::int64_t>(base::join_keys(key, base::key_of("start")));
}

/// A request whose memory is row `memory_row` of the pool.
Running DecodeLoop::begin(Drafted fresh, Composed sources, std::int64_t memory_row) const {
  auto& request = fresh.request;
  const auto options = options_of(request);
  Running running;
  running.number = request.number;
  running.most_rows = most_rows(options);
  running.memory_row = memory_row;
  running.sources = std::move(sources);
  running.with_tokens = options.with_token_attention && !running.sources.tokens.empty();
  running.with_log_probs = options.with_log_probs;
  running.draft = std::move(fresh.draft);
  if (stage_ == Stage::kDraft) {
    running.asked = request;
  } else {
    running.reranker = request.reranker ? request.reranker : reranker_named(options.rerank);
    running.on_committed = std::move(request.on_committed);
    if (running.reranker) running.context = request.context;
  }
  running.search = make_search(options, model_.vocabulary().special,
                               {.context = std::move(request.context),
                                .prefix = std::move(request.prefix),
                                .wording = std::move(request.wording),
                                .is_reranked = static_cast<bool>(running.reranker)});
  running.rows = running.search->first_rows();
  return running;
}

void DecodeLoop::admit(std::vector<Drafted> fresh) {
  std::vector<Composed> sources;
  const auto memory = compose(fresh, sources);
  compact_pool();
  const auto first = pool_.size();
  pool_ = {Rows::join(pool_, memory)};

  std::vector<std::int64_t> memory_rows, keys;  // of each sequence
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    sources[i].memory = {};
    const auto seed = fresh[i].request.options.seed;
    running_.push_back(
        begin(std::move(fresh[i]), std::move(sources[i]), first + static_cast<std::int64_t>(i)));
    const auto& running = running_.back();
    memory_rows.insert(memory_rows.end(), static_cast<std::size_t>(running.rows),
                       running.memory_row);
    for (std::int64_t reply = 0; reply < running.rows; ++reply)
      keys.push_back(key_of_start(seed, reply));
  }
  const auto pass = stage_ == Stage::kDraft ? DialogueModel::kDraft : model_.passes() - 1;
  auto started = model_.start(pass, pool_, ids_tensor(memory_rows, device_));
  started = model_.draw(started, pool_, ids_tensor(keys, device_));
  state_ = ids_.empty() ? started : State::join(state_, started);
  ids_.insert(ids_.end(), memory_rows.size(), model_.vocabulary().special.bos);
}

Ended DecodeLoop::end(Running running) const {
  Replies replies{.number = running.number,
                  .best = running.search->take(),
                  .facts = running.sources.facts,
                  .turns = running.sources.turns,
                  .draft = std::move(running.draft)};
  if (running.reranker) rerank(running.reranker, running.context, replies.best);
  if (!running.with_log_probs) {
    for (auto& reply : replies.best) {
      reply.log_probs.clear();
      reply.top_log_probs.clear();
      reply.score = 0;
    }
  }
  if (running.asked) {
    running.sources.memory = model_.select_memory(pool_, ids_tensor({running.memory_row}, device_));
    running.asked->composed = std::move(running.sources);
  } else if (running.with_tokens) {
    replies.tokens = std::move(running.sources.tokens);
  }
  return {std::move(replies), std::move(running.asked)};
}

/// Goes on with these rows of the `of` that `state` has.
void DecodeLoop::go_on_with(State state, const std::vector<std::int64_t>& rows, std::int64_t of) {
  bool is_same = std::ssize(rows) == of;
  for (std::int64_t n = 0; is_same && n < of; ++n) is_same = rows[static_cast<std::size_t>(n)] == n;
  if (rows.empty()) {
    state_ = {};
  } else {
    state_ = is_same ? std::move(state) : state.select(ids_tensor(rows, device_));
  }
  constexpr std::int64_t kWorthCompacting = 8;  // dead rows of memory
  const auto live = std::ssize(running_);
  if (pool_.size() - live >= std::max(kWorthCompacting, live)) compact_pool();
}

std::vector<Ended> DecodeLoop::move_on(State state, const NextRows& next) {
  const auto N = std::ssize(ids_);
  std::vector<std::int64_t> index;  // rows of this step that the next one continues
  std::vector<Running> still_running;
  std::vector<Ended> ended;
  std::int64_t first = 0;
  ids_.clear();
  for (std::size_t i = 0; i < running_.size(); ++i) {
    auto& running = running_[i];
    for (const auto& [parent, id] : next[i]) {
      index.push_back(first + parent);
      ids_.push_back(id);
    }
    first += running.rows;
    ++running.token;
    running.rows = std::ssize(next[i]);
    if (running.rows > 0) {
      still_running.push_back(std::move(running));
    } else {
      ended.push_back(end(std::move(running)));
    }
  }
  running_ = std::move(still_running);
  go_on_with(std::move(state), index, N);
  return ended;
}

void DecodeLoop::drop(std::uint64_t number) {
  if (std::erase_if(waiting_, [&](const Drafted& one) { return one.request.number == number; }) > 0)
    return;
  const auto dropped = std::ranges::find(running_, number, &Running::number);
  if (dropped == running_.end()) return;
  std::int64_t first = 0;
  for (auto before = running_.begin(); before != dropped; ++before) first += before->rows;
  const auto N = std::ssize(ids_);
  std::vector<std::int64_t> index;
  for (std::int64_t n = 0; n < N; ++n)
    if (n < first || n >= first + dropped->rows) index.push_back(n);
  ids_.erase(ids_.begin() + first, ids_.begin() + first + dropped->rows);
  running_.erase(dropped);
  go_on_with(std::exchange(state_, {}), index, N);
}

void DecodeLoop::tell_committed() {
  for (auto& running : running_) {
    if (!running.on_committed) continue;
    const auto committed = running.search->committed();
    if (committed.ids.size() == running.told) continue;
    running.told = committed.ids.size();
    running.on_committed(committed);
  }
}

std::vector<Ended> DecodeLoop::step() {
  if (auto fresh = take_waiting(); !fresh.empty()) admit(std::move(fresh));
  if (running_.empty()) return {};
  const auto ids = ids_tensor(ids_, device_);
  auto state = std::exchange(state_, {});
  const StepChoice choice(running_, limits_.with_attention);
  auto* layer =
      device_.is_cpu() && choice.takes_candidates() ? model_.step_output_layer() : nullptr;
  auto output = layer != nullptr ? model_.step_features(ids, pool_, std::move(state))
                                 : steps_.step(ids, pool_, std::move(state));
  const auto next = layer != nullptr ? choice.among(output, *layer) : choice.of(output);
  auto ended = move_on(std::move(output.state), next);
  tell_committed();
  return ended;
}

}  // namespace

/// One loop of replies; where drafts are made, one before it that hands each context's memory on,
/// with the draft in it.
class Decoder::Loops {
 public:
  Loops(DialogueModel& model, const data::BatchOptions& limits, const DecodeLimits& rows)
      : model_(model), eval_(model), limits_(rows), replies_(model, limits, rows, Stage::kReplies) {
    if (model.passes() > 1 || rows.with_draft) drafts_.emplace(model, limits, rows, Stage::kDraft);
  }

  void add(Request request) {
    request.options.validate();
    first().add({.request = std::move(request), .draft = std::nullopt});
  }
  void drop(std::uint64_t number) {
    const c10::InferenceMode guard;
    if (drafts_) drafts_->drop(number);
    replies_.drop(number);
  }
  [[nodiscard]] std::int64_t free_rows() const {
    const auto& entrance = drafts_ ? *drafts_ : replies_;
    return limits_.max_rows - entrance.running_rows() - entrance.waiting_rows() -
           (drafts_ ? replies_.waiting_rows() : 0);
  }
  [[nodiscard]] bool is_idle() const {
    return replies_.is_idle() && (!drafts_ || drafts_->is_idle());
  }
  std::vector<Replies> step() {
    const c10::InferenceMode guard;
    if (drafts_)
      for (auto& ended : drafts_->step()) hand_on(std::move(ended));
    std::vector<Replies> done;
    for (auto& ended : replies_.step()) done.push_back(std::move(ended.replies));
    return done;
  }

 private:
  DecodeLoop& first() { return drafts_ ? *drafts_ : replies_; }

  void hand_on(Ended ended) {
    auto& reply = ended.replies.best.at(0);
    auto request = std::move(ended.asked).value();
    auto& memory = request.composed.value().memory;
    if (model_.passes() > 1) {
      const auto draft = Draft::of({reply.ids}, model_.vocabulary().special);
      const auto device = device_of(model_);
      memory = model_.refine(memory, draft.inputs.to(device), draft.keep.to(device));
    }
    replies_.add({.request = std::move(request), .draft = std::move(reply)});
  }

  DialogueModel& model_;
  const EvalMode eval_;
  const DecodeLimits limits_;
  std::optional<DecodeLoop> drafts_;
  DecodeLoop replies_;
};

Decoder::Decoder(DialogueModel& model, const data::BatchOptions& limits, const DecodeLimits& rows) {
  if (rows.max_rows < 1) throw base::ConfigError("batch: must be at least 1 row");
  if (rows.with_draft && !model.has_draft())
    throw base::Error("a draft was asked of a model without a draft decoder");
  loops_ = std::make_unique<Loops>(model, limits, rows);
}

Decoder::~Decoder() = default;

std::int64_t Decoder::free_rows() const { return loops_->free_rows(); }
bool Decoder::is_idle() const { return loops_->is_idle(); }
void Decoder::add(Request request) { loops_->add(std::move(request)); }
void Decoder::drop(std::uint64_t number) { loops_->drop(number); }
std::vector<Replies> Decoder::step() { return loops_->step(); }

void decode(DialogueModel& model, const data::BatchOptions& limits, const DecodeLimits& rows,
            const std::function<std::optional<Request>()>& next,
            const std::function<void(Replies)>& done) {
  Decoder decoder(model, limits, rows);
  for (;;) {
    while (decoder.free_rows() > 0) {
      auto request = next();
      if (!request) break;
      decoder.add(*std::move(request));
    }
    if (decoder.is_idle()) return;
    for (auto& replies : decoder.step()) done(std::move(replies));
  }
}

}  // namespace banter::models
