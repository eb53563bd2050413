#include "train/metrics/texts/words_13a.h"

#include "train/metrics/texts/characters.h"

namespace banter::train {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_stop(char c) { return c == '.' || c == ','; }

/// ASCII punctuation but the apostrophe, the comma, the hyphen and the point; and the space.
bool stands_alone(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
         (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

std::string_view without_white_space_behind(std::string_view text) {
  std::size_t size = 0;
  for (auto rest = text; !rest.empty();)
    if (!is_white_space(take_character(rest))) size = text.size() - rest.size();
  return text.substr(0, size);
}

/// Each pair of neighbours that `fits`, from left to right without overlap, written by `write`.
/// Bytes do for characters: what is looked for is ASCII, and its neighbour is only "no digit".
template <typename Fits, typename Write>
std::string with_pairs(std::string_view text, const Fits& fits, const Write& write) {
  std::string out;
  out.reserve(text.size() + text.size() / 2);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i + 1 < text.size() && fits(text[i], text[i + 1])) {
      write(out, text[i], text[i + 1]);
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string unescaped(std::string_view raw) {
  std::string text(without_white_space_behind(raw));
  replace_all(text, "<skipped>", "");
  replace_all(text, "-\n", "");
  replace_all(text, "\n", " ");
  if (text.find('&') != std::string::npos) {
    replace_all(text, "&quot;", "\"");
    replace_all(text, "&amp;", "&");
    replace_all(text, "&lt;", "<");
    replace_all(text, "&gt;", ">");
  }
  return text;
}

std::string with_punctuation_apart(std::string_view text) {
  std::string out;
  out.reserve(2 * text.size());
  for (const char c : text) {
    if (stands_alone(c))
      out.append({' ', c, ' '});
    else
      out += c;
  }
  return out;
}

}  // namespace

std::vector<std::string> words_13a(std::string_view raw) {
  const auto behind = [](std::string& out, char a, char b) { out.append({a, ' ', b, ' '}); };
  auto text = with_punctuation_apart(" " + unescaped(raw) + " ");
  text = with_pairs(
      text, [](char a, char b) { return !is_digit(a) && is_stop(b); }, behind);
  text = with_pairs(
      text, [](char a, char b) { return is_stop(a) && !is_digit(b); },
      [](std::string& out, char a, char b) {
        out.append({' ', a, ' ', b});
      });
  text = with_pairs(
      text, [](char a, char b) { return is_digit(a) && b == '-'; }, behind);
  std::vector<std::string> words;
  for_each_piece(text, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

}  // namespace banter::train
