#include "data/formats/runs/opensubtitles.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "data/input/xml.h"
#include "tests/data/reading_test.h"
#include "tests/support/corpora.h"

namespace banter::tests {
namespace {

using Strings = std::vector<std::string>;

/// The body of a sentence: what was said from one second to another.
std::string said(const std::string& from, const std::string& words, const std::string& to) {
  return "<time id=\"T1S\" value=\"00:00:" + from + "\" />\n    " + words +
         "\n    <time id=\"T1E\" value=\"00:00:" + to + "\" />\n  ";
}

/// A document, a sentence a line of the list.
std::string film(const Strings& sentences,
                 const std::string& before = "<?xml version=\"1.0\"?>\n") {
  std::string text = before + "<document id=\"7\">\n";
  int number = 0;
  for (const auto& sentence : sentences)
    text += "  <s id=\"" + std::to_string(++number) + "\">\n    " + sentence + "</s>\n";
  return text + "  <meta><note>no speech</note></meta>\n</document>\n";
}

class OpenSubtitlesTest : public ReadingTest {
 protected:
  OpenSubtitlesTest() : ReadingTest("films/film.xml") {}
};

/// The texts of all dialogues, "|" between turns.
Strings texts_of(const Reading& reading) {
  Strings texts;
  for (const auto& dialogue : reading.dialogues) {
    std::string text;
    for (const auto& turn : dialogue.turns) text += (text.empty() ? "" : "|") + turn.text;
    texts.push_back(text);
  }
  return texts;
}

const Strings kTwo = {said("01,000", "Is it late?", "02,000"), said("03,000", "No.", "04,000")};

TEST_F(OpenSubtitlesTest, ASentenceIsATurnOfNobodyKnownAtItsStart) {
  const auto reading = read(film(kTwo));
  EXPECT_EQ(reading.format, "opensubtitles");
  EXPECT_EQ(reading.problems, Strings{});
  ASSERT_EQ(texts_of(reading), Strings{"Is it late?|No."});
  const auto& dialogue = reading.dialogues[0];
  EXPECT_EQ(dialogue.id, "films/film:0");
  EXPECT_EQ(dialogue.group, "films/film");
  EXPECT_EQ(dialogue.turns[0].speaker, "?");
  EXPECT_EQ(dialogue.turns[1].speaker, "?");
  EXPECT_EQ(dialogue.turns[0].time, "00:00:01,000");
  EXPECT_EQ(dialogue.turns[1].time, "00:00:03,000");
}

TEST_F(OpenSubtitlesTest, WordsAndLinesAreJoinedByOneSpaceAndMarkupByNone) {
  const auto reading = read(film(
      {said("01,000", "<w id=\"1\">It</w><w id=\"2\">'s</w>\n <w id=\"3\"> late </w>", "02,000"),
       said("03,000", "  so <i>ve</i>ry\n\t late<!-- not --> <b> . </b>", "04,000")}));
  EXPECT_EQ(texts_of(reading), Strings{"It 's late|so very late ."});
}

TEST_F(OpenSubtitlesTest, OnlyXmlsOwnEntitiesAreDecoded) {
  const auto reading =
      read(film({said("01,000", "a&lt;b &amp; &#233;&#xE9; <![CDATA[<w>&amp;]]>", "02,000"),
                 said("03,000", "x&nbsp;y", "04,000")}));
  EXPECT_EQ(texts_of(reading), Strings{"a<b & \xC3\xA9\xC3\xA9 <w>&amp;|x&nbsp;y"});
  EXPECT_TRUE(tells(reading, "film.xml:10: an entity is kept as written"));
}

TEST_F(OpenSubtitlesTest, ADeclaredEntityIsNeverExpandedOrOpened) {
  write_file(folder_ / "films/other", "secret");
  const std::string before =
      "<!DOCTYPE document [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">\n"
      "<!ENTITY x SYSTEM \"other\"><!ENTITY % p SYSTEM \"other\">%p;]>";
  const auto reading = read(
      film({said("01,000", "&a; &b;", "02,000"), said("03,000", "&x; &none;", "04,000")}, before));
  EXPECT_EQ(texts_of(reading), Strings{"&a; &b;|&x; &none;"});
}

TEST_F(OpenSubtitlesTest, AnEntityInAnAttributeLosesTheFilm) {
  std::string grown = "<!ENTITY e0 \"0123456789\">";
  for (int i = 1; i < 9; ++i) {
    const auto last = "&e" + std::to_string(i - 1) + ";";
    grown += "<!ENTITY e" + std::to_string(i) + " \"" + last + last + last + last + last + "\">";
  }
  for (const char* name : {"e0", "e8", "none"}) {
    const auto tag = "<w id=\"&" + std::string(name) + ";\">x</w>";
    const auto reading = read(
        film({said("01,000", tag, "02,000"), kTwo[1]}, "<!DOCTYPE document [" + grown + "]>\n"));
    EXPECT_TRUE(reading.dialogues.empty()) << name;
    EXPECT_EQ(reading.lost, 1U) << name;
  }
  EXPECT_EQ(read(film({said("01,000", "<w id=\"a&lt;&#38;b\">x</w>", "02,000"), kTwo[1]}))
                .dialogues.size(),
            1U);
}

TEST_F(OpenSubtitlesTest, APauseEndsADialogueAndOneAsLongAsTheLimitDoesNot) {
  const Strings sentences = {said("01,000", "a", "02,000"), said("04,000", "b", "05,000"),
                             said("07,001", "c", "08,000"), said("09,000", "d", "10,000")};
  EXPECT_EQ(texts_of(read(film(sentences))), (Strings{"a|b", "c|d"}));
  EXPECT_EQ(texts_of(read(film(sentences), {.max_pause = 2.5})), Strings{"a|b|c|d"});
  EXPECT_EQ(read(film(sentences), {.max_pause = 1.5}).dialogues.size(), 1U);
  const auto reading = read(film(sentences));
  EXPECT_EQ(reading.dialogues[1].id, "films/film:1");
}

TEST_F(OpenSubtitlesTest, SentencesShareBlocksAndSpanThem) {
  const std::string start = R"(<time id="T1S" value="00:00:01,000"/>)";
  const std::string end = R"(<time id="T1E" value="00:00:02,000"/>)";
  const std::string later = R"(<time id="T2S" value="00:00:30,000"/>)";
  const std::string last = R"(<time id="T2E" value="00:00:31,000"/>)";
  const auto shared = read(film({start + "a ", "b " + end, later + "c", "d" + last}));
  EXPECT_EQ(texts_of(shared), (Strings{"a|b", "c|d"}));
  EXPECT_EQ(shared.dialogues[0].turns[1].time, "");
  // A silence inside a sentence cuts neither it nor what follows.
  EXPECT_EQ(texts_of(read(film(
                {start + "a", "b" + end + later + "b" + last, said("32,000", "c", "33,000")}))),
            Strings{"a|b b|c"});
  const auto spanning = read(film({start + "a" + end + later + "a" + last, "b" + later + "b"}));
  EXPECT_EQ(spanning.dialogues.at(0).turns[0].time, "00:00:01,000");
  EXPECT_EQ(spanning.dialogues.at(0).turns[1].time, "");
  // The start of the next block may stand before the end of the sentence.
  EXPECT_EQ(texts_of(read(film({start + "a", "b" + end + later, "c", "d" + last}))),
            (Strings{"a|b", "c|d"}));
}

TEST_F(OpenSubtitlesTest, AnUnknownGapIsNone) {
  const auto reading = read(film({said("01,000", "a", "2 s"), said("30,000", "b", "31,000"),
                                  said("half", "c", "50,000"), said("51,000", "d", "52,000")}));
  EXPECT_EQ(texts_of(reading), Strings{"a|b|c|d"});
  EXPECT_TRUE(tells(reading, "film.xml:6: a time cannot be read"));
  EXPECT_EQ(reading.dialogues[0].turns[2].time, "00:00:half");
}

TEST_F(OpenSubtitlesTest, BehindABlockWithoutAnEndTheGapIsUnknown) {
  const std::string endless = R"(<time id="T2S" value="00:00:03,000"/>b)";
  EXPECT_EQ(texts_of(read(film({said("01,000", "a", "02,000"), endless,
                                said("30,000", "c", "31,000"), said("32,000", "d", "33,000")}))),
            Strings{"a|b|c|d"});
}

TEST_F(OpenSubtitlesTest, ATimeIsReadStrictly) {
  for (const char* bad : {"1", "00:00", "00:00:30", "00:00:30,00", "00:60:30,000", "00:00:60,000",
                          "0000:00:30,000", ":00:30,000", "00:00:3x,000", "-1:00:30,000", ""}) {
    const auto start = "<time id=\"T2S\" value=\"" + std::string(bad) + "\"/>";
    EXPECT_TRUE(tells(read(film({kTwo[0], start + "b"})), "cannot be read")) << bad;
  }
  for (const char* good : {"00:00:30,000", "0:00:30.000", "100:00:30,000"}) {
    const auto start = "<time id=\"T2S\" value=\"" + std::string(good) + "\"/>";
    EXPECT_EQ(read(film({kTwo[0], kTwo[1], start + "b", "c"})).dialogues.size(), 2U) << good;
  }
}

TEST_F(OpenSubtitlesTest, WhatIsWrongWithTheWholeFilmLosesIt) {
  const auto good = film(kTwo);
  const auto with = [&](const std::string& words) {
    return film({kTwo[0], said("03,000", words, "04,000")});
  };
  const std::vector<std::pair<std::string, std::string>> bad = {
      {with("caf\xE9"), "film.xml:10: is not well-formed XML"},
      {with(std::string("a\0b", 3)), "film.xml:10: is not well-formed XML"},
      {with("<i>a"), "film.xml:10: is not well-formed XML (an element that begins here"},
      {with("<s>a</s>"), "film.xml:8: a sentence is not closed before the next (sentence 2"},
      {film({kTwo[1], kTwo[0]}), "film.xml:9: times run backwards"},
      {"<?xml version=\"1.0\" encoding=\"x-none\"?>" + good.substr(21), "in this encoding"},
      {good + "<document/>", "is not well-formed XML"},
      {with("<!--" + std::string(1 << 20, 'x') + "-->"), "a tag or comment is longer than"},
      {with("<i a=\"" + std::string(1 << 20, 'x') + "\"/>"), "a tag or comment is longer than"},
      {"<document><!--" + std::string(3 << 20, 'x'), "a tag or comment is longer than"},
      {with(std::string(17 << 20, ' ')),
       "a document is longer than data.max_line_bytes allows (at most " +
           std::to_string(data::kFilmRecords << 20) + " bytes)"},
  };
  for (const auto& [text, rule] : bad) {
    const auto reading = read(text);
    EXPECT_EQ(reading.damage, "") << rule;
    EXPECT_TRUE(reading.dialogues.empty()) << rule;
    EXPECT_EQ(reading.lost, 1U) << rule;
    ASSERT_EQ(reading.problems.size(), 1U) << rule;
    EXPECT_NE(reading.problems[0].find(rule), std::string::npos) << reading.problems[0];
  }
}

TEST_F(OpenSubtitlesTest, DepthIsBounded) {
  const auto nested = [&](int depth) {
    std::string open, close;
    for (int i = 0; i < depth; ++i) open += "<i>", close += "</i>";
    return read(film({kTwo[0], said("03,000", open + "x" + close, "04,000")}), {.max_depth = 50});
  };
  EXPECT_EQ(texts_of(nested(48)), Strings{"Is it late?|x"});
  EXPECT_EQ(nested(49).lost, 1U);
  EXPECT_TRUE(tells(nested(100'000), "nested deeper"));
}

TEST_F(OpenSubtitlesTest, WhatIsHeldOfAFilmIsBounded) {
  Strings many(2000, "x");
  const data::ReadLimits small{.max_line_bytes = 8192, .max_turns = 100};
  const auto reading = read(film(many), small);
  EXPECT_EQ(reading.lost, 1U);
  EXPECT_TRUE(tells(reading, "a film is longer than data.max_line_bytes allows (sentence "));
  EXPECT_TRUE(tells(reading, ": at most " + std::to_string(data::kFilmRecords * 8192) + " bytes)"));
  many.resize(250);
  EXPECT_EQ(read(film(many), small).dialogues.size(), 3U);
}

TEST_F(OpenSubtitlesTest, ALongFilmWithoutPausesIsCutAndToldOnce) {
  const auto reading = read(film(Strings(10, "x")), {.max_turns = 4});
  EXPECT_EQ(texts_of(reading), (Strings{"x|x|x|x", "x|x|x|x", "x|x"}));
  EXPECT_TRUE(tells(reading, "without times no pause can be seen"));
  const auto cuts = std::ranges::count_if(reading.problems, [](const auto& problem) {
    return problem.find("goes on as another dialogue") != std::string::npos;
  });
  EXPECT_EQ(cuts, 1);
}

TEST_F(OpenSubtitlesTest, ASentenceThatIsTooLongEndsTheRunBeforeIt) {
  const Strings sentences = {"a", "b", std::string(300, 'x'), "c", "d"};
  const auto reading = read(film(sentences), {.max_line_bytes = 200});
  EXPECT_EQ(texts_of(reading), (Strings{"a|b", "c|d"}));
  EXPECT_EQ(reading.lost, 1U);
  EXPECT_TRUE(
      tells(reading, "film.xml:7: a sentence is longer than data.max_line_bytes (sentence 3"));
}

TEST_F(OpenSubtitlesTest, SilenceAndOddNumbersAreTold) {
  auto text = film({"a", " \n ", "b"});
  EXPECT_EQ(texts_of(read(text)), Strings{"a|b"});
  EXPECT_TRUE(tells(read(text), "film.xml:5: a sentence without words is passed over (sentence 2"));
  text.replace(text.find("id=\"3\""), 6, "id=\"2\"");
  EXPECT_TRUE(tells(read(text), "sentence numbers do not rise"));
  EXPECT_TRUE(tells(read("<document/>"), "a document without sentences"));
}

TEST_F(OpenSubtitlesTest, ACutOrForeignDocumentIsDamageAloneAndALossInAnArchive) {
  const auto good = film(kTwo);
  for (const std::string& bad : {good.substr(0, good.size() / 2), good.substr(0, good.size() - 13),
                                 std::string("<?xml version=\"1.0\"?>\n<rss><s>a</s></rss>")}) {
    EXPECT_NE(read(bad).damage, "") << bad;
    EXPECT_TRUE(read(bad).dialogues.empty());
    write_file(folder_ / "two.zip", zip({{"1.xml", bad}, {"2.xml", good}}));
    const auto reading = read_corpus(folder_ / "two.zip");
    EXPECT_EQ(reading.damage, "");
    EXPECT_EQ(reading.dialogues.size(), 1U);
    EXPECT_EQ(reading.lost + reading.passed_over, 1U);
  }
}

TEST_F(OpenSubtitlesTest, FilmsOfASourceAreToldApartAndCopiesCounted) {
  const auto good = film(kTwo);
  const std::vector<Member> members = {{"raw/en/1990/1/1.xml", good},
                                       {"raw/en/1990/1/2.xml.gz", gzip(good)},
                                       {"raw/en/1991/1/1.xml", film({"c", "d"})}};
  write_file(folder_ / "en.zip", zip(members));
  for (const auto& member : members) write_file(folder_ / "f" / member.name, member.content);
  for (const char* source : {"en.zip", "f", "f/raw/en/*/*/*"}) {
    const auto reading = read_corpus(folder_ / source);
    ASSERT_EQ(reading.dialogues.size(), 3U) << source;
    EXPECT_TRUE(reading.dialogues[0].id.ends_with("en/1990/1/1:0")) << reading.dialogues[0].id;
    EXPECT_TRUE(reading.dialogues[1].id.ends_with("en/1990/1/2:0"));
    EXPECT_TRUE(reading.dialogues[2].id.ends_with("en/1991/1/1:0"));
    EXPECT_EQ(reading.dialogues[0].group, reading.dialogues[1].group);
    EXPECT_NE(reading.dialogues[0].group, reading.dialogues[2].group);
    EXPECT_EQ(reading.lost, 0U);
    EXPECT_TRUE(tells(reading, "count "));
    EXPECT_TRUE(tells(reading, "a dialogue is a copy of an earlier one"));
  }
}

TEST_F(OpenSubtitlesTest, OtherXmlIsPassedOverInAFolder) {
  write_file(folder_ / "f/1.xml", film(kTwo));
  write_file(folder_ / "f/2.xml", "<?xml version=\"1.0\"?><rss/>");
  const auto reading = read_corpus(folder_ / "f");
  EXPECT_EQ(reading.dialogues.size(), 1U);
  EXPECT_EQ(reading.passed_over, 1U);
}

TEST(XmlRootTest, IsFoundBehindWhatMayStandBeforeIt) {
  EXPECT_EQ(data::xml_root("<document id=\"1\">"), "document");
  EXPECT_EQ(
      data::xml_root("<?xml version=\"1.0\"?>\n<!-- <a> -->\n<!DOCTYPE b [<!ENTITY c \"<d>\">]>"
                     "<e/>"),
      "e");
  for (const char* none : {"", "<", "<document", "text", "{}", "<!-- <document>", " <?xml?><a>"})
    EXPECT_EQ(data::xml_root(none), "") << none;
}

/// Dialogues by the document's id and their number in it.
std::map<std::string, std::string> by_film(const Reading& reading) {
  std::map<std::string, std::string> films;
  const auto texts = texts_of(reading);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto& id = reading.dialogues[i].id;
    films[id.substr(id.rfind('/') + 1)] = texts[i];  // npos + 1 is 0
  }
  return films;
}

class SampleTest : public testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(SampleTest, GivesExactlyTheDialoguesThatWereMadeIntoIt) {
  const std::string sample = "native/opensubtitles_xml/";
  const auto& [source, wanted] = GetParam();
  if (const auto why = missing_corpus(sample + wanted); !why.empty()) GTEST_SKIP() << why;
  const auto reading = read_corpus(corpora() / (sample + source));
  EXPECT_EQ(reading.problems, Strings{});
  EXPECT_EQ(reading.dialogues.size(), 40U);
  EXPECT_EQ(by_film(reading), by_film(read_corpus(corpora() / (sample + wanted))));
}

INSTANTIATE_TEST_SUITE_P(OpenSubtitles, SampleTest,
                         testing::Values(std::pair{"raw", "expected_raw.jsonl.gz"},
                                         std::pair{"xml", "expected_tokenised.jsonl.gz"},
                                         std::pair{"en.zip", "expected_tokenised.jsonl.gz"},
                                         std::pair{"raw/en/*/*/*.xml.gz",
                                                   "expected_raw.jsonl.gz"}));

}  // namespace
}  // namespace banter::tests
