#include "data/inspection/token_statistics.h"

#include <algorithm>

#include "data/inspection/report.h"

namespace banter::data {

TokenStatistics::TokenStatistics(const Tokenizer& tokenizer)
    : tokenizer_(tokenizer), seen_(static_cast<std::size_t>(tokenizer.vocab_size())) {}

void TokenStatistics::add(const Split& split, std::uint64_t dialogue) {
  const auto view = split.dialogue(dialogue);
  std::vector<TokenId> ids;
  for (std::uint32_t i = 0; i < view.turns; ++i) {
    ids.clear();
    split.append_turn(view.first_turn + i, ids);
    tokens_.add(ids.size());
    words_ += split.turn_words(view.first_turn + i);
    const auto before = byte_tokens_;
    for (const TokenId id : ids) {
      seen_[static_cast<std::size_t>(id)] = true;
      if (tokenizer_.is_byte(id)) ++byte_tokens_;
      if (id == tokenizer_.special().unk) ++unknown_;
    }
    if (byte_tokens_ != before) ++byte_turns_;
  }
}

double TokenStatistics::share(std::uint64_t part) const {
  return tokens_.sum() == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(tokens_.sum());
}

double TokenStatistics::per_word() const {
  return words_ == 0 ? 0.0 : static_cast<double>(tokens_.sum()) / static_cast<double>(words_);
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
  return {{"tokens", tokens_.sum()},
          {"tokens_a_word", per_word()},
          {"byte_tokens", byte_tokens_},
          {"byte_share", share(byte_tokens_)},
          {"turns_with_bytes", byte_turns_},
          {"unknown", unknown_},
          {"vocab_size", tokenizer_.vocab_size()},
          {"vocab_used", used()},
          {"pieces_unused", unused_pieces()},
          {"tokens_a_turn", tokens_.to_json()}};
}

void TokenStatistics::print(std::ostream& out) const {
  print_row(out, "tokens", tokens_.sum(), fixed(per_word(), 2) + " a word");
  print_row(out, "  bytes", byte_tokens_,
            percent(byte_tokens_, tokens_.sum(), 3) + " of tokens, in " + grouped(byte_turns_) +
                " turns: of characters without a piece");
  print_row(out, "  unknown", unknown_);
  print_row(out, "vocabulary", static_cast<std::uint64_t>(tokenizer_.vocab_size()),
            grouped(used()) + " of its ids are used, " + grouped(unused_pieces()) +
                " pieces of text never");
  tokens_.print(out, "tokens a turn");
}

}  // namespace banter::data
