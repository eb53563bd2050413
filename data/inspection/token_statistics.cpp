#include "data/inspection/token_statistics.h"

#include <algorithm>

#include "base/utf8.h"
#include "data/inspection/reports/report.h"

namespace banter::data {

TokenStatistics::TokenStatistics(const Tokenizer& tokenizer)
    : tokenizer_(tokenizer), seen_(static_cast<std::size_t>(tokenizer.vocab_size())) {}

void TokenStatistics::add(const std::vector<TokenId>& ids, std::uint64_t words,
                          Histogram& lengths) {
  lengths.add(ids.size());
  words_ += words;
  const auto before = byte_tokens_;
  for (const TokenId id : ids) {
    seen_[static_cast<std::size_t>(id)] = true;
    if (tokenizer_.is_byte(id)) ++byte_tokens_;
    if (id == tokenizer_.special().unk) ++unknown_;
  }
  if (byte_tokens_ != before) ++byte_texts_;
}

void TokenStatistics::add_dialogue(const Split& split, std::uint64_t dialogue) {
  const auto view = split.dialogue(dialogue);
  std::vector<TokenId> ids;
  for (std::uint64_t turn = view.first_turn; turn < view.first_turn + view.turns; ++turn) {
    ids.clear();
    split.append_turn(turn, ids);
    add(ids, split.turn_words(turn), turns_);
  }
}

void TokenStatistics::add_pair(const Split& split, std::uint64_t pair, const Pair& record) {
  std::vector<TokenId> ids;
  split.append_premise(pair, ids);
  add(ids, base::count_words(record.premise), sentences_);
  ids.clear();
  split.append_hypothesis(pair, ids);
  add(ids, base::count_words(record.hypothesis), sentences_);
}

double TokenStatistics::per_word() const {
  return words_ == 0 ? 0.0 : static_cast<double>(tokens()) / static_cast<double>(words_);
}

std::uint64_t TokenStatistics::used() const {
  return static_cast<std::uint64_t>(std::ranges::count(seen_, true));
}

std::uint64_t TokenStatistics::unused_pieces() const {
  const auto& s = tokenizer_.special();
  const auto is_special = [&](TokenId id) {
    const auto others = {s.pad, s.unk, s.bos, s.eos, s.turn_end, s.persona, s.unknown_speaker};
    return std::ranges::find(others, id) != others.end() ||
           (id >= s.first_speaker && id < s.first_speaker + SpecialIds::kSpeakers);
  };
  std::uint64_t unused = 0;
  for (TokenId id = 0; id < tokenizer_.vocab_size(); ++id)
    if (!seen_[static_cast<std::size_t>(id)] && !is_special(id) && !tokenizer_.is_byte(id))
      ++unused;
  return unused;
}

boost::json::object TokenStatistics::to_json() const {
  const double share =
      tokens() == 0 ? 0.0 : static_cast<double>(byte_tokens_) / static_cast<double>(tokens());
  boost::json::object o{{"tokens", tokens()},
                        {"tokens_a_word", per_word()},
                        {"byte_tokens", byte_tokens_},
                        {"byte_share", share},
                        {"texts_with_bytes", byte_texts_},
                        {"unknown", unknown_},
                        {"vocab_size", tokenizer_.vocab_size()},
                        {"vocab_used", used()},
                        {"pieces_unused", unused_pieces()},
                        {"tokens_a_turn", turns_.to_json()}};
  if (sentences_.count() > 0) o["tokens_a_sentence"] = sentences_.to_json();
  return o;
}

void TokenStatistics::print(std::ostream& out) const {
  print_row(out, "tokens", tokens(), fixed(per_word(), 2) + " a word");
  print_row(out, "  bytes", byte_tokens_,
            percent(byte_tokens_, tokens(), 3) + " of tokens, in " + grouped(byte_texts_) +
                " texts: of characters without a piece");
  print_row(out, "  unknown", unknown_);
  print_row(out, "vocabulary", static_cast<std::uint64_t>(tokenizer_.vocab_size()),
            grouped(used()) + " of its ids are used, " + grouped(unused_pieces()) +
                " pieces of text never");
  if (turns_.count() > 0 || sentences_.count() == 0) turns_.print(out, "tokens a turn");
  if (sentences_.count() > 0) sentences_.print(out, "tokens a sentence");
}

}  // namespace banter::data
