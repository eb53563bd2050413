#include "data/transforms/turn_changes.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/random.h"

namespace banter::data {
namespace {

/// Fisher and Yates' shuffle with draws that are functions of the key.
template <typename T>
void shuffle(std::vector<T>& things, std::uint64_t key) {
  for (std::size_t i = things.size(); i > 1; --i)
    std::swap(things[i - 1], things[base::join_keys(key, i) % i]);
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// The text cut into white space and words by turns, white space first (it may be "").
struct Pieces {
  std::vector<std::string_view> spaces, words;  ///< one space more than words

  explicit Pieces(std::string_view text) {
    const auto take = [&](auto is_of_it) {
      const auto end = std::ranges::find_if_not(text, is_of_it);
      const auto piece = text.substr(0, static_cast<std::size_t>(end - text.begin()));
      text.remove_prefix(piece.size());
      return piece;
    };
    spaces.push_back(take(is_space));
    while (!text.empty()) {
      words.push_back(take([](char c) { return !is_space(c); }));
      spaces.push_back(take(is_space));
    }
  }
};

std::string with_shuffled_words(std::string_view text, std::uint64_t key) {
  Pieces pieces(text);
  shuffle(pieces.words, key);
  std::string shuffled(pieces.spaces.front());
  shuffled.reserve(text.size());
  for (std::size_t i = 0; i < pieces.words.size(); ++i)
    shuffled.append(pieces.words[i]).append(pieces.spaces[i + 1]);
  return shuffled;
}

Turns without_first(Turns context, std::size_t count) {
  context.erase(context.begin(), context.begin() + static_cast<std::ptrdiff_t>(count));
  return context;
}

}  // namespace

Turns shuffle_turns(Turns context, std::uint64_t key) {
  shuffle(context, key);
  return context;
}

Turns reverse_turns(Turns context) {
  std::ranges::reverse(context);
  return context;
}

Turns drop_first_half(Turns context) {
  const auto half = context.size() / 2;
  return without_first(std::move(context), half);
}

Turns drop_last_turn(Turns context) {
  if (!context.empty()) context.pop_back();
  return context;
}

Turns keep_last_turn(Turns context) {
  const auto before = context.empty() ? 0 : context.size() - 1;
  return without_first(std::move(context), before);
}

Turns drop_turns(Turns context, double share, std::uint64_t key) {
  Turns kept;
  for (std::size_t i = 0; i < context.size(); ++i)
    if (base::to_unit(base::join_keys(key, i)) >= share) kept.push_back(std::move(context[i]));
  if (kept.empty() && !context.empty()) kept.push_back(std::move(context.back()));
  return kept;
}

Turns shuffle_words(Turns context, std::uint64_t key) {
  for (std::size_t i = 0; i < context.size(); ++i)
    context[i].text = with_shuffled_words(context[i].text, base::join_keys(key, i));
  return context;
}

}  // namespace banter::data
