// What `inspect` says of real corpora, compared with figures that were counted independently.
#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/data/command_output.h"
#include "tests/support/corpora.h"

namespace banter::tests {
namespace {

constexpr int kNone = -1;  // "?" cannot be joined

struct Personas {
  int dialogues, facts, characters, distinct_facts, distinct_personas;
};

struct Published {
  const char* file;
  int dialogues, turns, joined, words, characters, bytes;
  int fewest, most;
  const char* most_id;
  int longest;
  const char* longest_id;
  int longest_turn, speakers, copies, normalised_copies, distinct_turns;
  int non_ascii_characters, non_ascii_turns;
  Personas personas;
};

std::ostream& operator<<(std::ostream& out, const Published& row) { return out << row.file; }

std::vector<Published> published() {
  return {
      {"ubuntu/train",
       11088,
       108378,
       75870,
       1062925,
       5749700,
       5750111,
       3,
       459,
       "2014-01-08.train-c:1",
       460,
       "2015-06-12.train-b:743",
       10,
       8253,
       0,
       0,
       99285,
       364,
       85,
       {0, 0, 0, 0, 0}},
      {"ubuntu/valid",
       743,
       6491,
       4667,
       61013,
       331391,
       331427,
       3,
       99,
       "2005-06-27_12:862",
       456,
       "2016-12-19_20:524",
       11,
       650,
       0,
       0,
       6167,
       30,
       9,
       {0, 0, 0, 0, 0}},
      {"ubuntu_multiparty/train",
       4630,
       53640,
       39636,
       539003,
       3065972,
       3066504,
       2,
       168,
       "2014-01-08.train-c:996",
       461,
       "2011-08-22.train-c:1132",
       4,
       4846,
       15,
       17,
       50574,
       478,
       57,
       {0, 0, 0, 0, 0}},
      {"ubuntu_multiparty/valid",
       187,
       2133,
       1593,
       20951,
       119400,
       119435,
       2,
       68,
       "2011-05-29_19:1047",
       399,
       "2008-12-11_11:1169",
       1,
       276,
       0,
       0,
       2072,
       33,
       9,
       {0, 0, 0, 0, 0}},
      {"opensubtitles/train",
       10373,
       42599,
       kNone,
       392378,
       2069279,
       2069652,
       4,
       9,
       "os18:03397",
       388,
       "os18:10948",
       4,
       1,
       24,
       29,
       40618,
       247,
       176,
       {0, 0, 0, 0, 0}},
      {"opensubtitles/train_extra",
       3400,
       13600,
       kNone,
       116065,
       498395,
       498502,
       4,
       4,
       "voita:deixis_dev:1",
       236,
       "voita:lex_cohesion_test:2807",
       1,
       1,
       0,
       1,
       12175,
       89,
       27,
       {0, 0, 0, 0, 0}},
      {"opensubtitles/valid",
       1296,
       5322,
       kNone,
       48353,
       254728,
       254768,
       4,
       9,
       "os18:07717",
       325,
       "os18:03754",
       1,
       1,
       3,
       5,
       5199,
       27,
       23,
       {0, 0, 0, 0, 0}},
      {"dailydialog/train",
       10808,
       84679,
       84679,
       1150808,
       5076759,
       5077329,
       2,
       35,
       "dailydialog:train:6319",
       1412,
       "dailydialog:train:5127",
       2,
       2,
       548,
       852,
       70401,
       299,
       203,
       {0, 0, 0, 0, 0}},
      {"dailydialog/valid",
       989,
       7965,
       7965,
       107169,
       475833,
       475883,
       2,
       31,
       "dailydialog:valid:647",
       791,
       "dailydialog:valid:884",
       3,
       2,
       5,
       7,
       7545,
       28,
       17,
       {0, 0, 0, 0, 0}},
      {"persona/train_personachat",
       968,
       15024,
       15024,
       177096,
       754388,
       754388,
       14,
       34,
       "personachat:test:680",
       116,
       "personachat:test:313",
       7,
       2,
       0,
       0,
       14623,
       0,
       0,
       {968, 8713, 258831, 492, 1868}},
      {"persona/train_convai2",
       500,
       7768,
       7768,
       99144,
       430533,
       430533,
       14,
       24,
       "convai2:valid:309",
       113,
       "convai2:valid:258",
       14,
       2,
       0,
       0,
       7664,
       0,
       0,
       {500, 4486, 143900, 667, 994}},
      {"persona/train_msc",
       1500,
       17691,
       17691,
       425077,
       2157409,
       2157757,
       8,
       12,
       "msc:valid_0:s2",
       699,
       "msc:valid_367:s2",
       12,
       2,
       0,
       0,
       17687,
       177,
       131,
       {1500, 13556, 624585, 6880, 2975}},
      {"persona/valid",
       500,
       7834,
       7834,
       83580,
       358665,
       358666,
       14,
       26,
       "convai2:valid:226",
       103,
       "convai2:valid:884",
       7,
       2,
       0,
       0,
       7610,
       1,
       1,
       {500, 4492, 141050, 672, 995}},
  };
}

class InspectCorporaTest : public testing::TestWithParam<Published> {};

TEST_P(InspectCorporaTest, FiguresAreThePublishedOnes) {
  const auto& row = GetParam();
  const std::string file = std::string(row.file) + ".jsonl.gz";
  if (const auto why = missing_corpus(file); !why.empty()) GTEST_SKIP() << why;
  const auto o = inspect_json(corpora() / file);
  EXPECT_EQ(o.at("records_lost"), 0);
  EXPECT_TRUE(o.at("problems").as_array().empty());
  EXPECT_EQ(o.at("dialogues"), row.dialogues);
  EXPECT_EQ(o.at("turns"), row.turns);
  EXPECT_EQ(o.at("joined_turns"),
            row.joined == kNone ? base::json::value() : base::json::value(row.joined));
  EXPECT_EQ(o.at("words"), row.words);
  EXPECT_EQ(o.at("characters"), row.characters);
  EXPECT_EQ(o.at("bytes"), row.bytes);
  EXPECT_EQ(o.at("empty_turns"), 0);
  EXPECT_EQ(o.at("fewest_turns").at("value"), row.fewest);
  EXPECT_EQ(o.at("most_turns").at("value"), row.most);
  EXPECT_EQ(o.at("most_turns").at("id"), row.most_id);
  EXPECT_EQ(o.at("longest_turn").at("value"), row.longest);
  EXPECT_EQ(o.at("longest_turn").at("id"), row.longest_id);
  EXPECT_EQ(o.at("longest_turn").at("turn"), row.longest_turn);
  EXPECT_EQ(o.at("speakers"), row.speakers);
  EXPECT_EQ(o.at("copies"), row.copies);
  EXPECT_EQ(o.at("normalised_copies"), row.normalised_copies);
  EXPECT_EQ(o.at("distinct_turns"), row.distinct_turns);
  EXPECT_EQ(o.at("non_ascii_characters"), row.non_ascii_characters);
  EXPECT_EQ(o.at("non_ascii_turns"), row.non_ascii_turns);
  const auto& personas = o.at("personas").as_object();
  EXPECT_EQ(personas.at("dialogues"), row.personas.dialogues);
  EXPECT_EQ(personas.at("facts"), row.personas.facts);
  EXPECT_EQ(personas.at("characters"), row.personas.characters);
  EXPECT_EQ(personas.at("distinct_facts"), row.personas.distinct_facts);
  EXPECT_EQ(personas.at("distinct_personas"), row.personas.distinct_personas);
}

INSTANTIATE_TEST_SUITE_P(Files, InspectCorporaTest, testing::ValuesIn(published()));

TEST(InspectCorporaNativeTest, TheArchiveOfUbuntuHasTheFiguresOfItsJsonLines) {
  for (const auto& [archive, lines] :
       {std::pair{"dialogs_train", "train"}, {"dialogs_valid", "valid"}}) {
    const auto native = "native/ubuntu_v1/" + std::string(archive) + ".tar.gz";
    const auto jsonl = "ubuntu/" + std::string(lines) + ".jsonl.gz";
    for (const auto& file : {native, jsonl})
      if (const auto why = missing_corpus(file); !why.empty()) GTEST_SKIP() << why;
    const auto all = inspect_all({corpora() / jsonl, corpora() / native});
    ASSERT_EQ(all.size(), 3U);
    for (const char* key : {"dialogues", "turns", "joined_turns", "words", "characters", "bytes",
                            "distinct_turns", "repeated_turns", "copies", "normalised_copies",
                            "non_ascii_characters", "non_ascii_turns", "scripts"})
      EXPECT_EQ(all[1].at(key), all[0].at(key)) << key;
    const auto& shared = all[2].at("dialogues").as_object();
    EXPECT_EQ(shared.at("shared"), shared.at("all"));
    EXPECT_EQ(all[2].at("near_duplicates").at("same_shingles"), all[0].at("dialogues"));
    EXPECT_EQ(all[2].at("ids").at("shared"), 0);
  }
}

TEST(InspectCorporaScriptsTest, UbuntuIsLatinWithSomeCyrillicAndHan) {
  if (const auto why = missing_corpus("ubuntu/train.jsonl.gz"); !why.empty()) GTEST_SKIP() << why;
  const auto o = inspect_json(corpora() / "ubuntu/train.jsonl.gz");
  std::vector<std::string> scripts;
  for (const auto& row : o.at("scripts").as_array())
    scripts.emplace_back(row.at("script").as_string());
  EXPECT_EQ(scripts, (std::vector<std::string>{"Latin", "Cyrillic", "Han"}));
  EXPECT_EQ(o.at("speakers_a_dialogue").at(0).at("count"), 11088 - 30);
}

TEST(InspectCorporaSpeakersTest, EachNumberOfSpeakersIsCountedByItself) {
  if (const auto why = missing_corpus("ubuntu_multiparty/train.jsonl.gz"); !why.empty())
    GTEST_SKIP() << why;
  const auto o = inspect_json(corpora() / "ubuntu_multiparty/train.jsonl.gz");
  std::vector<std::int64_t> counts;  // of 2, 3, ... speakers
  for (const auto& row : o.at("speakers_a_dialogue").as_array())
    counts.push_back(row.at("count").to_number<std::int64_t>());
  EXPECT_EQ(counts,
            (std::vector<std::int64_t>{2250, 1177, 575, 303, 163, 75, 39, 29, 10, 6, 2, 1}));
}

}  // namespace
}  // namespace banter::tests
