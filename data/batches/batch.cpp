#include "data/batches/batch.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/errors.h"
#include "data/batches/staged.h"

namespace banter::data {
namespace {

constexpr std::int64_t kNone = -1;
constexpr std::int64_t kNotCounted = -100;

/// A (rows, columns) int64 tensor to be filled row by row.
struct Table {
  Table(std::size_t rows, std::size_t columns_, std::int64_t fill)
      : columns(columns_),
        tensor(torch::full({static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns_)},
                           fill, torch::kLong)) {}
  std::int64_t* row(std::size_t r) { return tensor.data_ptr<std::int64_t>() + r * columns; }

  std::size_t columns;
  torch::Tensor tensor;
};

torch::Tensor column(const std::vector<std::int64_t>& values) {
  return torch::tensor(values, torch::kLong);
}

std::int64_t speaker_row(std::int64_t speaker) {
  return std::clamp<std::int64_t>(speaker, 0, SpecialIds::kSpeakers);
}

/// Where every element goes when they are sorted by falling size; equal sizes keep their order.
struct FallingOrder {
  explicit FallingOrder(const std::vector<std::size_t>& sizes)
      : order(sizes.size()), place(sizes.size()) {
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, std::ranges::greater{},
                             [&](std::size_t i) { return sizes[i]; });
    for (std::size_t i = 0; i < order.size(); ++i) place[order[i]] = static_cast<std::int64_t>(i);
  }
  std::vector<std::size_t> order;   ///< sorted place -> element
  std::vector<std::int64_t> place;  ///< element -> sorted place
};

/// One row of M: a turn or a fact, its special ids included.
struct Row {
  TurnKind kind = TurnKind::kTurn;
  std::int64_t speaker = 0;
  std::vector<TokenId> ids;
  auto operator<=>(const Row&) const = default;
};

/// One reply; `context`, `facts` and `own` are numbers of rows as they were added.
struct Reply {
  std::vector<std::int64_t> context{}, facts{};
  std::uint64_t own = 0;  ///< what `BatchBuilder::rows` calls its turn
  std::int64_t speaker = 0;
  std::vector<TokenId> labels{};
  Example example;
  std::int64_t words = 0, bytes = 0;
};

/// The row of a turn; `ids` without special ids, already cut.
Row turn_row(std::int64_t speaker, std::vector<TokenId> ids, const SpecialIds& special) {
  ids.push_back(special.turn_end);
  return {.kind = TurnKind::kTurn, .speaker = speaker_row(speaker), .ids = std::move(ids)};
}

Row fact_row(std::int64_t speaker, std::vector<TokenId> ids, const SpecialIds& special) {
  if (special.persona != SpecialIds::kNone) ids.insert(ids.begin(), special.persona);
  ids.push_back(special.turn_end);
  return {.kind = TurnKind::kFact, .speaker = speaker_row(speaker), .ids = std::move(ids)};
}

/// Lays rows and replies out as tensors. `own_row(reply)` is the row that is its own turn, or -1.
template <typename OwnRow>
Batch assemble(const std::vector<Row>& rows, std::vector<Reply> replies, OwnRow&& own_row,
               const SpecialIds& special) {
  std::vector<std::size_t> sizes(rows.size());
  std::ranges::transform(rows, sizes.begin(), [](const Row& row) { return row.ids.size(); });
  const FallingOrder by_length(sizes);
  const std::size_t M = rows.size(), T = M == 0 ? 0 : sizes[by_length.order[0]];

  Batch batch;
  Table turn_ids(M, T, special.pad);
  std::vector<std::int64_t> lengths(M), speakers(M), kinds(M);
  for (std::size_t m = 0; m < M; ++m) {
    const Row& row = rows[by_length.order[m]];
    std::ranges::copy(row.ids, turn_ids.row(m));
    lengths[m] = static_cast<std::int64_t>(row.ids.size());
    speakers[m] = row.speaker;
    kinds[m] = static_cast<std::int64_t>(row.kind);
  }
  batch.turn_ids = turn_ids.tensor;
  batch.turn_keep =
      torch::arange(static_cast<std::int64_t>(T)).lt(column(lengths).unsqueeze(1));  // (M,T)
  batch.turn_speaker = column(speakers);
  batch.turn_kind = column(kinds);

  sizes.resize(replies.size());
  std::size_t U = 0, F = 0;
  for (std::size_t b = 0; b < replies.size(); ++b) {
    sizes[b] = replies[b].labels.size();
    U = std::max(U, replies[b].context.size());
    F = std::max(F, replies[b].facts.size());
  }
  const FallingOrder by_reply(sizes);
  const std::size_t B = replies.size(), S = sizes[by_reply.order[0]];
  Table context(B, U, kNone), facts(B, F, kNone);
  Table decoder_input(B, S, special.pad), labels(B, S, kNotCounted);
  std::vector<std::int64_t> own(B), reply_speakers(B);
  const auto place_of = [&](std::int64_t row) {
    return row == kNone ? kNone : by_length.place[static_cast<std::size_t>(row)];
  };
  for (std::size_t b = 0; b < B; ++b) {
    const Reply& reply = replies[by_reply.order[b]];
    std::ranges::transform(reply.context, context.row(b), place_of);
    std::ranges::transform(reply.facts, facts.row(b), place_of);
    std::ranges::copy(reply.labels, labels.row(b));
    decoder_input.row(b)[0] = special.bos;
    std::copy(reply.labels.begin(), reply.labels.end() - 1, decoder_input.row(b) + 1);
    own[b] = place_of(own_row(reply));
    reply_speakers[b] = speaker_row(reply.speaker);
    batch.examples.push_back(reply.example);
    batch.words.push_back(reply.words);
    batch.bytes.push_back(reply.bytes);
    batch.label_count += static_cast<std::int64_t>(reply.labels.size());
  }
  batch.context = context.tensor;
  batch.facts = facts.tensor;
  batch.reply_turn = column(own);
  batch.reply_speaker = column(reply_speakers);
  batch.decoder_input = decoder_input.tensor;
  batch.labels = labels.tensor;
  batch.pad = special.pad;
  return batch;
}

/// Rows by a key, each added once.
template <typename Map>
class RowSet {
 public:
  /// The row of `key`; `make()` gives its content the first time.
  template <typename Key, typename Make>
  std::int64_t add(const Key& key, Make&& make) {
    const auto [found, is_new] = map_.try_emplace(key, static_cast<std::int64_t>(rows.size()));
    if (is_new) rows.push_back(make());
    return found->second;
  }
  template <typename Key>
  [[nodiscard]] std::int64_t find(const Key& key) const {
    const auto found = map_.find(key);
    return found == map_.end() ? kNone : found->second;
  }
  std::vector<Row> rows;

 private:
  Map map_;
};

/// The sources that ids around a stream count to, by the token they stand beside; beside none it is
/// the first. Shapes   returns (B,J+1)
torch::Tensor sources_of_frame(const Batch::Joined& joined) {
  const auto none = torch::full({joined.source.size(0), 1}, kNone, joined.source.options());
  return torch::cat({joined.source, none}, 1).clamp_min(0);
}

/// A stream with an id more in front of each row.
Batch::Joined begun_by(TokenId id, const Batch::Joined& joined) {
  const auto first = sources_of_frame(joined).narrow(1, 0, 1);  // (B,1)
  const auto with_first = [](const torch::Tensor& rows, const torch::Tensor& column) {
    return torch::cat({column, rows}, 1);
  };
  return {.ids = with_first(joined.ids, torch::full_like(first, id)),
          .keep = with_first(joined.keep, torch::ones_like(first, torch::kBool)),
          .speaker = with_first(joined.speaker, torch::zeros_like(first)),
          .source = with_first(joined.source, first)};
}

/// A stream with an id more behind the last one of each row.
Batch::Joined ended_by(TokenId id, const Batch::Joined& joined, TokenId pad) {
  const auto end = joined.keep.sum(1, /*keepdim=*/true);  // (B,1)
  const auto with_end = [&](const torch::Tensor& rows, std::int64_t none,
                            const torch::Tensor& value) {
    return torch::cat({rows, torch::full_like(end, none)}, 1).scatter(1, end, value);
  };
  const auto last = sources_of_frame(joined).gather(1, (end - 1).clamp_min(0));
  Batch::Joined ended;
  ended.ids = with_end(joined.ids, pad, torch::full_like(end, id));
  ended.speaker = with_end(joined.speaker, 0, torch::zeros_like(end));
  ended.source = with_end(joined.source, kNone, last);
  ended.keep = torch::arange(ended.ids.size(1), end.options()).le(end);  // (B,J)
  return ended;
}

std::vector<TokenId> first_ids(const std::vector<TokenId>& ids, std::int64_t most) {
  const auto size = std::min(ids.size(), static_cast<std::size_t>(most));
  return {ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(size)};
}

}  // namespace

Batch make_batch(const std::vector<Context>& contexts, const BatchOptions& options,
                 const SpecialIds& special) {
  if (contexts.empty()) throw base::DataError("a batch needs at least one context");
  RowSet<std::map<Row, std::int64_t>> set;
  const auto add = [&](const Row& row) { return set.add(row, [&] { return row; }); };
  const auto size_of = [](const Context::Row& row) {
    return static_cast<std::int64_t>(row.ids.size());
  };
  std::vector<Reply> replies;
  for (std::size_t c = 0; c < contexts.size(); ++c) {
    const auto& [turns, all_facts, reply_speaker, ids, reply_ends] = contexts[c];
    const auto cut = cut_context(
        options.persona == "none" ? 0 : all_facts.size(),
        [&](std::size_t i) { return fact_row_tokens(size_of(all_facts[i]), options); },
        turns.size(),
        [&](std::size_t i) {
          return turn_row_tokens(size_of(turns[turns.size() - 1 - i]), options);
        },
        options);
    if (cut.facts + cut.turns == 0)
      throw base::DataError("context " + std::to_string(c + 1) +
                            ": it has no turn; give at least one for the model to answer");
    Reply reply{.speaker = reply_speaker, .labels = ids, .example = {.dialogue = c}};
    if (reply_ends) reply.labels.push_back(special.eos);
    for (std::size_t i = 0; i < cut.facts; ++i)
      reply.facts.push_back(add(fact_row(
          all_facts[i].speaker, first_ids(all_facts[i].ids, options.max_turn_tokens), special)));
    for (std::size_t i = turns.size() - cut.turns; i < turns.size(); ++i)
      reply.context.push_back(add(
          turn_row(turns[i].speaker, first_ids(turns[i].ids, options.max_turn_tokens), special)));
    replies.push_back(std::move(reply));
  }
  return assemble(
      set.rows, std::move(replies), [](const Reply&) { return kNone; }, special);
}

Batch make_batch(const Split& split, std::span<const Example> examples, const BatchOptions& options,
                 const SpecialIds& special, ReplyLength length) {
  if (examples.empty()) throw base::DataError("a batch needs at least one reply");
  // Turns and facts are known by their numbers in the split: even ones and odd ones.
  RowSet<std::unordered_map<std::uint64_t, std::int64_t>> set;
  const auto turn_key = [](std::uint64_t turn) { return 2 * turn; };
  const auto fact_key = [](std::uint64_t fact) { return 2 * fact + 1; };
  const auto most = static_cast<std::uint32_t>(options.max_turn_tokens);
  const auto add_turn = [&](std::uint64_t turn) {
    return set.add(turn_key(turn), [&] {
      std::vector<TokenId> ids;
      split.append_turn(turn, ids, most);
      return turn_row(split.turn_speaker(turn), std::move(ids), special);
    });
  };
  const auto add_fact = [&](std::uint64_t fact) {
    return set.add(fact_key(fact), [&] {
      std::vector<TokenId> ids;
      split.append_fact(fact, ids, most);
      return fact_row(split.fact_speaker(fact), std::move(ids), special);
    });
  };

  std::vector<Reply> replies;
  std::vector<std::uint64_t> facts;
  for (const auto& example : examples) {
    const auto dialogue = split.dialogue(example.dialogue);
    const auto own = dialogue.first_turn + example.turn;
    const auto speaker = split.turn_speaker(own);
    facts.clear();
    for (std::uint32_t f = 0; f < dialogue.facts && options.persona != "none"; ++f)
      if (split.fact_speaker(dialogue.first_fact + f) == speaker)
        facts.push_back(dialogue.first_fact + f);
    const auto cut = cut_context(
        facts.size(),
        [&](std::size_t i) { return fact_row_tokens(split.fact_length(facts[i]), options); },
        example.turn,
        [&](std::size_t i) { return turn_row_tokens(split.turn_length(own - 1 - i), options); },
        options);

    Reply reply{.own = own,
                .speaker = speaker,
                .example = example,
                .words = split.turn_words(own),
                .bytes = split.turn_bytes(own)};
    for (std::size_t i = 0; i < cut.facts; ++i) reply.facts.push_back(add_fact(facts[i]));
    for (auto turn = own - cut.turns; turn < own; ++turn) reply.context.push_back(add_turn(turn));
    const std::int64_t tokens = split.turn_length(own);
    const bool is_cut = length == ReplyLength::kCut && tokens > options.max_reply_tokens;
    if (is_cut) {
      split.append_turn(own, reply.labels, static_cast<std::uint32_t>(options.max_reply_tokens));
    } else {
      split.append_turn(own, reply.labels);
      reply.labels.push_back(special.eos);
    }
    replies.push_back(std::move(reply));
  }
  return assemble(
      set.rows, std::move(replies),
      [&](const Reply& reply) { return set.find(turn_key(reply.own)); }, special);
}

Context context_of(const Split& split, const Example& example, const BatchOptions& options) {
  const auto dialogue = split.dialogue(example.dialogue);
  const auto own = dialogue.first_turn + example.turn;
  Context context{.reply_speaker = split.turn_speaker(own)};
  const auto turns =
      std::min<std::uint64_t>(example.turn, static_cast<std::uint64_t>(options.max_context_turns));
  for (auto turn = own - turns; turn < own; ++turn)
    split.append_turn(
        turn, context.turns.emplace_back(Context::Row{.speaker = split.turn_speaker(turn)}).ids);
  for (auto fact = dialogue.first_fact; fact < dialogue.first_fact + dialogue.facts; ++fact)
    if (split.fact_speaker(fact) == context.reply_speaker)
      split.append_fact(
          fact, context.facts.emplace_back(Context::Row{.speaker = context.reply_speaker}).ids);
  split.append_turn(own, context.reply);
  return context;
}

Batch Batch::to(torch::Device device) const {
  return with_each([&](const torch::Tensor& tensor) { return moved(tensor, device); });
}

Batch::Joined Batch::joined(const SpecialIds& special) const {
  const auto rows = torch::cat({facts, context}, 1);  // (B,W), W = F + U
  const auto B = rows.size(0), W = rows.size(1);
  const auto row = rows.clamp_min(0);
  const auto lengths = turn_keep.sum(1)
                           .index_select(0, row.view(-1))
                           .view({B, W})
                           .masked_fill(rows.lt(0), 0);  // (B,W)
  const auto ends = lengths.cumsum(1);                   // (B,W)
  const auto total = ends.select(1, W - 1).unsqueeze(1);
  const auto J = total.max().item<std::int64_t>();

  const auto place = torch::arange(J, rows.options()).expand({B, J});
  Joined joined;
  joined.keep = place.lt(total);  // (B,J)
  // The first source that ends behind the place; sources without tokens end where they begin.
  const auto source = torch::searchsorted(ends, place.contiguous(), /*out_int32=*/false,
                                          /*right=*/true)
                          .clamp_max(W - 1);                       // (B,J)
  const auto offset = place - (ends - lengths).gather(1, source);  // in the row of M
  const auto T = turn_ids.size(1);
  const auto at = (row.gather(1, source) * T + offset.clamp(0, T - 1)).view(-1);
  const auto hidden = joined.keep.logical_not();
  joined.source = source.masked_fill(hidden, kNone);
  joined.speaker = turn_speaker.index_select(0, row.gather(1, source).view(-1))
                       .view({B, J})
                       .masked_fill(hidden, 0);
  joined.ids = turn_ids.view(-1).index_select(0, at).view({B, J}).masked_fill(hidden, pad);
  if (special.context_begin != SpecialIds::kNone) joined = begun_by(special.context_begin, joined);
  if (special.context_end != SpecialIds::kNone) joined = ended_by(special.context_end, joined, pad);
  return joined;
}

}  // namespace banter::data
