#include "data/cleaning/subtitle_marks.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "base/utf8.h"

namespace banter::tests {
namespace {

const std::string kNote = "\xE2\x99\xAA";

/// What a change leaves; it must say whether that is another text.
std::string after(bool (*change)(std::string&), const std::string& text) {
  auto changed = text;
  const bool is_told = change(changed);
  EXPECT_EQ(is_told, changed != text) << text;
  return changed;
}

using Cases = std::vector<std::pair<std::string, std::string>>;  // text, what is left

TEST(SubtitleMarksTest, CaptionsGoWithOneOfTheSpacesAroundThem) {
  for (const auto& [text, left] : Cases{{"[Laughs] Yes.", "Yes."},
                                        {"Yes. (sighs)", "Yes."},
                                        {"Oh, [door opens] you.", "Oh, you."},
                                        {"a[x]b", "ab"},
                                        {"[a] [b] (c) d", "d"},
                                        {"[a (b) c] d", "d"},
                                        {"(a [b) c] d", "c] d"},
                                        {"(a ]) b", "b"},
                                        {"[only]", ""},
                                        {"open [ it", "open [ it"},
                                        {"close ) it", "close ) it"},
                                        {"] [", "] ["},
                                        {":( and [x] :(", ":( and :("},
                                        {" as  it is ", " as  it is "}})
    EXPECT_EQ(after(&data::drop_captions, text), left) << text;
}

TEST(SubtitleMarksTest, ManyBracketsTakeLinearTime) {
  constexpr std::size_t kMany = 1 << 20;
  EXPECT_EQ(after(&data::drop_captions, std::string(kMany, '(') + std::string(kMany, ')')), "");
  const auto stays = std::string(kMany, '(') + std::string(kMany, ']');
  EXPECT_TRUE(after(&data::drop_captions, stays) == stays);
}

TEST(SubtitleMarksTest, DashesAtTheBeginningGo) {
  for (const auto& [text, left] : Cases{{"- Yes.", "Yes."},
                                        {"-Yes.", "Yes."},
                                        {" -- \xE2\x80\x94\xE2\x80\x93 yes", "yes"},
                                        {"-", ""},
                                        {"-5 degrees", "-5 degrees"},
                                        {"- 5 men", "5 men"},
                                        {"well - no", "well - no"},
                                        {" no dash", " no dash"}})
    EXPECT_EQ(after(&data::drop_dashes, text), left) << text;
}

TEST(SubtitleMarksTest, NamesInCapitalsGo) {
  for (const auto& [text, left] :
       Cases{{"MAN: Yes.", "Yes."},
             {"MRS. O'HARA #2:  Yes.", "Yes."},
             {"\xC3\x89LISE: Oui.", "Oui."},
             {"KIM:", ""},
             {"MAN: BOB: Yes.", "BOB: Yes."},
             {"Man: yes", "Man: yes"},
             {"A: yes", "A: yes"},
             {"10:30 it is", "10:30 it is"},
             {"HTTP://X", "HTTP://X"},
             {"I said MAN: yes", "I said MAN: yes"},
             {std::string(41, 'A') + ": x", std::string(41, 'A') + ": x"}})
    EXPECT_EQ(after(&data::drop_name, text), left) << text;
}

TEST(SubtitleMarksTest, SungLinesGoWholeAndNotesFromOthers) {
  for (const auto& [text, left] : Cases{{kNote + " La la " + kNote, ""},
                                        {kNote + " La la", ""},
                                        {"\xE2\x99\xAB", ""},
                                        {"- " + kNote + " La", ""},
                                        {"# La la #", ""},
                                        {"#La la# ", ""},
                                        {"# La", ""},
                                        {"#", ""},
                                        {"#1 fan", "#1 fan"},
                                        {"see #ubuntu", "see #ubuntu"},
                                        {"Turn " + kNote + " it up " + kNote, "Turn it up"},
                                        {" as  it is ", " as  it is "}})
    EXPECT_EQ(after(&data::drop_music, text), left) << text;
}

/// Texts of the characters that the rules look at, and others.
std::string drawn_text(std::uint64_t key) {
  static const std::vector<std::string> kPieces = {"[",           "]",        "(",
                                                   ")",           "-",        "\xE2\x80\x94",
                                                   "#",           kNote,      "\xE2\x99\xA9",
                                                   " ",           "\t",       ":",
                                                   "AB",          "\xC3\x89", "x",
                                                   "7",           ".",        "\xE4\xB8\xAD",
                                                   "\xE2\x99\xA5"};
  std::string text;
  for (std::uint64_t i = 0; i < key % 24; ++i)
    text += kPieces[base::join_keys(key, i) % kPieces.size()];
  return text;
}

TEST(SubtitleMarksTest, WhateverTheTextOnlyWholeCharactersGo) {
  for (std::uint64_t key = 0; key < 20'000; ++key) {
    const auto text = drawn_text(key);
    for (const auto change :
         {&data::drop_captions, &data::drop_dashes, &data::drop_name, &data::drop_music}) {
      const auto left = after(change, text);
      EXPECT_FALSE(base::first_bad_utf8(left).has_value()) << text;
      auto at = text.begin();  // what is left stands in the text, in its order
      const bool is_part = std::ranges::all_of(left, [&](char c) {
        at = std::find(at, text.end(), c);
        return at != text.end() && at++ != text.end();
      });
      EXPECT_TRUE(is_part) << text << " -> " << left;
    }
    const auto left = after(&data::drop_captions, text);
    EXPECT_EQ(after(&data::drop_captions, left), left) << text;
  }
}

}  // namespace
}  // namespace banter::tests
