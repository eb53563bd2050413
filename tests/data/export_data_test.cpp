#include <algorithm>
#include <csignal>
#include <ostream>
#include <set>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/json.h"
#include "data/commands.h"
#include "data/export/json_lines.h"
#include "data/export/line_output.h"
#include "data/preparation/prepare.h"
#include "data/store/source_formats.h"
#include "tests/data/command_output.h"
#include "tests/data/made_files.h"
#include "tests/support/stop_signal.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

class ExportDataTest : public testing::Test {
 protected:
  /// Makes a store of sources and gives its folder.
  std::string prepared(const std::string& name, const Strings& paths, double valid_share = 0) {
    data::PrepareRequest request;
    request.store = folder_ / name;
    for (const auto& path : paths) request.data.sources.push_back({path, "auto", "auto"});
    request.data.valid_share = valid_share;
    request.data.tokenizer.vocab_size = 320;
    request.quiet = true;
    data::prepare(request);
    return request.store.string();
  }

  std::string made(const std::string& name, std::string_view bytes) {
    write_file(folder_ / name, bytes);
    return (folder_ / name).string();
  }

  static std::string exported(Strings arguments) {
    arguments.emplace_back("--quiet");
    return output_of(data::run_export_data, arguments);
  }

  /// What it ends with, as the type of its error; "" = nothing was wrong.
  template <typename Error>
  static std::string refusal(const Strings& arguments) {
    try {
      exported(arguments);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  TemporaryFolder folder_;
};

std::vector<data::Record> records_of(const data::Split& split) {
  std::vector<data::Record> records;
  for (std::uint64_t i = 0; i < split.dialogues(); ++i) records.emplace_back(split.record(i));
  for (std::uint64_t i = 0; i < split.pairs(); ++i) records.emplace_back(split.pair_record(i));
  return records;
}

std::string line_of(const data::Record& record) {
  return std::visit([](const auto& one) { return data::to_json_line(one); }, record);
}

void expect_equal_splits(const std::string& one, const std::string& other) {
  const auto a = data::Store::open(one);
  const auto b = data::Store::open(other);
  ASSERT_EQ(a.splits().size(), b.splits().size());
  for (const auto& split : a.splits()) {
    const auto wanted = records_of(split);
    const auto found = records_of(b.split(split.name()));
    ASSERT_EQ(found.size(), wanted.size()) << split.name();
    ASSERT_FALSE(wanted.empty());
    for (std::size_t i = 0; i < wanted.size(); ++i)
      EXPECT_TRUE(found[i] == wanted[i]) << line_of(found[i]) << '\n' << line_of(wanted[i]);
  }
  EXPECT_EQ(a.corpus_hash(), b.corpus_hash());
}

/// A small corpus of a format.
struct Made {
  std::string format, file, content;
};

std::ostream& operator<<(std::ostream& out, const Made& made) { return out << made.format; }

std::string heard(const std::string& from, const std::string& words, const std::string& to) {
  return R"(<time id="T1S" value="00:00:)" + from + R"("/>)" + words +
         R"(<time id="T1E" value="00:00:)" + to + R"("/>)";
}

const std::string kFullLine =
    R"({"id": "full \"1\"", "meta": {"k": "v\nw", "": "x"}, "group": "g", "turns": [)"
    R"({"speaker": "Zo\u00eb", "text": " two  spaces \u2581<s> ", "time": "noon"},)"
    R"( {"text": "line\r\nend \ud83d\ude42", "distractors": ["never", " not\tso"]},)"
    R"( {"speaker": "?", "text": "who?"}], "personas": {"Zo\u00eb": ["i row .", "i swim ."],)"
    R"( "?": ["\u4f60\u597d"], "silent": ["i say nothing ."]}})"
    "\n";

std::vector<Made> one_of_each_format() {
  return {
      {"ubuntu_v1", "3/1.tsv",
       "2009-03-01T10:10:00.000Z\tann\t\t\"hi\" there\n2009-03-01T10:11:00.000Z\tbo\tann\ta\tb\n"},
      {"convai2", "talk.txt",
       "1 your persona: i keep bees.\n2 partner's persona: i fly kites.\n"
       "3 hello .\thi , any honey ?\t\tno|hi , any honey ?|hello .|so \"so\"\n4 "
       "yes\tgood\t\tbad|good\n"
       "1 your persona: i fly kites.\n2 __SILENCE__\thello .\n3 hi , any honey ?\tyes\n4 good\n"},
      {"kvpi", "kvpi.txt", "{\"loc\": \"西安\"}[SEP]我 在 西安\t0\t1\tloc 西安\t2 0\t我 在\t2 0\n"},
      {"ubuntu_v2", "c.csv",
       "Context,Ground Truth Utterance,Distractor_0,Distractor_1\n"
       "a __eou__ __eot__ b __eou__ __eot__,\"c, \"\"d\"\" __eou__\",e __eou__,f __eou__\n"},
      {"opensubtitles", "en/1968/9/film.xml",
       R"(<?xml version="1.0"?><document id="7"><s id="1">)" +
           heard("01,000", "Is it &lt;late&gt;?", "02,000") + R"(</s><s id="2">)" +
           heard("03,000", "No.", "04,000") + R"(</s><s id="3">)" +
           heard("30,000", "Morning.", "31,000") + R"(</s><s id="4">)" +
           heard("31,500", "Is it?", "32,000") + "</s></document>\n"},
      {"irc", "logs/day.txt", "[23:58] <ann> is it <on> ?\n[23:59] <bo|x> ann:  no\n"},
      {"chitchat", "chitchat.json",
       R"({"c-1": {"messages": [[{"text": "Hi", "timestamp": "t1", "sender": "u"},)"
       R"( {"text": "You?", "sender": "u"}], [{"text": "Fine", "timestamp": "t3", "sender": "v"}]],)"
       R"( "ratings": {"witty": 5}, "start": "t0", "prompt": "Say hi"}})"},
      {"personal_dialog", "personal.json",
       R"({"dialog": [["水 开 了"], ["来 喝 茶  吧"]], "profile": [{"tag": ["茶;登山"],)"
       R"( "loc": "北京 东城区", "gender": "female"}, {"tag": [""], "loc": "", "gender": "male"}],)"
       R"( "uid": [0, 1]})"
       "\n"},
      {"mnli", "mnli.jsonl",
       R"({"gold_label": "entailment", "sentence1": "the mill burnt \"down\" .", "sentence2":)"
       R"( "there was a fire .", "pairID": "7e", "promptID": "7", "genre": "letters"})"
       "\n"},
      {"dialogue_nli", "nli.jsonl",
       R"([{"sentence1": "we sail .", "sentence2": "we have a boat .", "label": "positive",)"
       R"( "id": "t_0"}, {"sentence1": "we sail .", "sentence2": "no boat .", "label":)"
       R"( "negative", "id": "t_1"}])"},
      {"pairs", "pairs.jsonl",
       R"({"premise": " two  spaces ", "hypothesis": "caf\u00e9\n\u2581", "label": "contradiction",)"
       R"( "id": "p", "source": "hand", "group": "talk 7"})"
       "\n"
       R"({"premise": "a", "hypothesis": "b", "label": "neutral"})"
       "\n"},
      {"jsonl", "own.jsonl", kFullLine + json_line("plain", {"hello", "hi"})},
      {"eou_text", "eou.txt", "how are you ? __eou__ fine . __eou__ good __eou__\n"},
      {"tsv", "d.tsv", "is it on ?\tit is .\tthanks\n a \"b\t\"c\"\n"},
      {"subtitle_lines", "lines", "Is it late?\n- No.  So?\n\n(bell)\nWait\n"},
  };
}

class ExportEachFormatTest : public ExportDataTest, public testing::WithParamInterface<Made> {};

TEST_P(ExportEachFormatTest, IsPreparedAgainToEqualRecords) {
  const auto& [format, file, content] = GetParam();
  const auto corpus = made(file, content);
  const auto store = prepared("store", {corpus});
  const auto opened = data::Store::open(store);
  ASSERT_EQ(opened.format(), format);
  const auto of_pairs = opened.splits().front().pairs() > 0;
  EXPECT_EQ(data::dialogue_formats_of(opened), of_pairs ? Strings{} : Strings{format});
  const auto out = (folder_ / "out.jsonl").string();
  EXPECT_EQ(exported({store, "--output", out}), "");
  EXPECT_EQ(exported({store}), read_whole(out));

  const auto seen = inspect_json(out);
  EXPECT_EQ(base::integer_field(seen, "records_lost", "inspect"), 0);
  expect_equal_splits(store, prepared("again", {out}));
}

TEST_P(ExportEachFormatTest, ACorpusGivesWhatItsStoreHolds) {
  const auto corpus = made(GetParam().file, GetParam().content);
  const auto lines = exported({corpus});
  EXPECT_NE(lines, "");
  EXPECT_EQ(lines, exported({prepared("store", {corpus})}));
  EXPECT_EQ(lines, exported({corpus, "--format", GetParam().format}));
}

INSTANTIATE_TEST_SUITE_P(Formats, ExportEachFormatTest, testing::ValuesIn(one_of_each_format()),
                         [](const auto& row) { return row.param.format; });

TEST(ExportFormatsTest, EveryFormatIsTried) {
  std::set<std::string_view> tried;
  std::set<std::string_view> known;
  const auto all = one_of_each_format();
  for (const auto& made : all) tried.insert(made.format);
  for (const auto& format : data::formats()) known.insert(format.name);
  EXPECT_EQ(tried, known);
}

TEST_F(ExportDataTest, BothSidesOfATalkStayInOneSplit) {
  std::string talks;
  for (int i = 0; i < 40; ++i) {
    const auto n = std::to_string(i);
    talks += "1 hello " + n + "\thi\n2 room " + n + " ?\tyes\n";
    talks += "1 __SILENCE__\thello " + n + "\n2 hi\troom " + n + " ?\n3 yes\n";
  }
  const auto store = prepared("store", {made("talks.txt", talks)}, 0.5);
  ASSERT_GT(data::Store::open(store).split("valid").dialogues(), 10U);
  const auto again = prepared("again", {made("out.jsonl", exported({store}))}, 0.5);
  const auto ids = [](const std::string& path, const char* split) {
    std::set<std::string> all;
    for (const auto& record : records_of(data::Store::open(path).split(split)))
      all.insert(std::get<data::Dialogue>(record).id);
    return all;
  };
  EXPECT_EQ(ids(store, "valid"), ids(again, "valid"));
  EXPECT_EQ(ids(store, "train"), ids(again, "train"));
}

TEST_F(ExportDataTest, ASplitIsWrittenAlone) {
  std::string lines;
  for (int i = 0; i < 30; ++i) lines += json_line("d" + std::to_string(i), {"hello", "hi"});
  const auto store = prepared("store", {made("c.jsonl", lines)}, 0.3);
  const auto train = exported({store, "--split", "train"});
  const auto valid = exported({store, "--split", "valid"});
  EXPECT_FALSE(train.empty() || valid.empty());
  EXPECT_EQ(exported({store}), train + valid);
  EXPECT_NE(refusal<base::DataError>({store, "--split", "test"}).find("train valid"),
            std::string::npos);
  EXPECT_NE(refusal<base::UsageError>({(folder_ / "c.jsonl").string(), "--split", "train"})
                .find("--split is of stores"),
            std::string::npos);
}

constexpr const char* kPairLine =
    R"({"id":"p","premise":"a","hypothesis":"b","label":"neutral","source":"","group":""})"
    "\n";
constexpr const char* kDialogueLine =
    R"({"id":"d","turns":[{"speaker":"A","text":"hello"},{"speaker":"B","text":"hi"}]})"
    "\n";

TEST_F(ExportDataTest, DialoguesAndPairsAreNotMixedUnlessAsked) {
  const auto dialogues = made("both/a.jsonl", kDialogueLine);
  const auto pairs = made("both/b.jsonl", kPairLine);
  const auto folder = (folder_ / "both").string();
  const auto store = prepared("store", {dialogues, pairs});
  for (const Strings& paths : {Strings{store}, Strings{folder}, Strings{pairs, dialogues}}) {
    const auto with = [&](const Strings& more) {
      auto all = paths;
      all.insert(all.end(), more.begin(), more.end());
      return all;
    };
    EXPECT_NE(refusal<base::UsageError>(paths).find("say --to dialogues or --to pairs"),
              std::string::npos);
    EXPECT_EQ(exported(with({"--to", "dialogues"})), kDialogueLine);
    EXPECT_EQ(exported(with({"--to", "pairs"})), kPairLine);
    EXPECT_EQ(exported(with({"--to", "all"})).size(),
              std::string(kPairLine).size() + std::string(kDialogueLine).size());
    const auto out = (folder_ / "out/x.jsonl").string();
    fs::create_directory(folder_ / "out");
    EXPECT_EQ(exported(with({"--output", out})), "");
    EXPECT_EQ(read_whole(out), kDialogueLine);
    EXPECT_EQ(read_whole(folder_ / "out/x.pairs.jsonl"), kPairLine);
    exported(with({"--output", out, "--to", "all"}));
    EXPECT_EQ(read_whole(out).size(),
              std::string(kPairLine).size() + std::string(kDialogueLine).size());
    fs::remove_all(folder_ / "out");
  }
  const auto out = (folder_ / "only.jsonl").string();
  exported({pairs, "--output", out});
  EXPECT_EQ(read_whole(out), kPairLine);
  EXPECT_FALSE(fs::exists(folder_ / "only.pairs.jsonl"));
  EXPECT_EQ(data::file_of_pairs("a.b/talk.x.jsonl"), "a.b/talk.x.pairs.jsonl");
  EXPECT_EQ(data::file_of_pairs("talk"), "talk.pairs");
}

TEST_F(ExportDataTest, AnIdThatStandsTwiceGetsTheNumberOfItsLine) {
  const auto one = made("f/1.jsonl", json_line("x", {"one", "hi"}) + json_line("x+3", {"a", "b"}));
  const auto two = made("f/2.jsonl", json_line("x", {"two", "hi"}) + json_line("y", {"c", "d"}));
  testing::internal::CaptureStderr();
  const auto lines = exported({one, two});
  EXPECT_NE(testing::internal::GetCapturedStderr().find("1 ids stood twice"), std::string::npos);
  const auto reading = read_corpus(made("out.jsonl", lines));
  ASSERT_EQ(reading.dialogues.size(), 4U);
  EXPECT_EQ(reading.lost, 0U);
  EXPECT_EQ(reading.dialogues[0].id, "x");
  EXPECT_EQ(reading.dialogues[2].id, "x+4") << "x+3 is taken";
  EXPECT_EQ(reading.dialogues[2].turns[0].text, "two");
  EXPECT_EQ(reading.dialogues[3].id, "y");
}

TEST_F(ExportDataTest, LinesAreNumberedInTheirKind) {
  const auto pairs = made("p.jsonl", kPairLine);
  const auto talk = made("c.jsonl", json_line("x", {"one", "hi"}));
  const auto lines = exported({pairs, talk, talk, "--to", "all"});
  EXPECT_NE(lines.find(R"({"id":"x+2")"), std::string::npos) << lines;
}

TEST_F(ExportDataTest, ARankingHasTheTrueReplyAmongTheOthersAtAPlaceThatItsIdDraws) {
  const data::Dialogue dialogue{
      "x", "", {}, {{"B", {"i row ."}}}, {{"A", "hi", "noon"}, {"B", "ho", "", {"no", "so"}}}};
  const auto corpus = made("c.jsonl", data::to_json_line(dialogue) + "\n");
  const auto line = exported({corpus, "--to", "rankings"});
  EXPECT_EQ(line, data::to_ranking_line(dialogue, 1) + "\n");
  const auto parsed = base::parse_json(line, "ranking");
  const auto& ranking = parsed.as_object();
  const auto answer = static_cast<std::size_t>(ranking.at("answer").to_number<std::int64_t>());
  EXPECT_EQ(ranking.at("candidates").as_array().at(answer), "ho");
  EXPECT_EQ(ranking.at("candidates").as_array().size(), 3U);
  auto start = std::string(R"({"id":"x","context":[{"speaker":"A","text":"hi"}],)") +
               R"("personas":{"B":["i row ."]},"reply":{"speaker":"B","text":"ho"},)";
  EXPECT_TRUE(line.starts_with(start)) << line;

  std::vector<int> places(3);
  for (int i = 0; i < 300; ++i) {
    auto other = dialogue;
    other.id = std::to_string(i);
    const auto text = data::to_ranking_line(other, 1);
    places.at(static_cast<std::size_t>(text.at(text.size() - 2) - '0'))++;
  }
  for (const int count : places) EXPECT_NEAR(count, 100, 40);
  EXPECT_EQ(exported({made("none.jsonl", kDialogueLine), "--to", "rankings"}), "");
}

TEST_F(ExportDataTest, WhatCannotBeIsRefusedWithAReason) {
  const auto corpus = made("f/c.jsonl", kDialogueLine);
  EXPECT_NE(refusal<base::UsageError>({corpus, "--to", "nothing"}), "");
  EXPECT_NE(refusal<base::UsageError>({corpus, "--format", "nothing"}), "");
  EXPECT_NE(refusal<base::UsageError>({}), "");
  EXPECT_NE(refusal<base::UsageError>({"-", "-"}).find("- is given twice"), std::string::npos);
  EXPECT_NE(refusal<base::FileError>({(folder_ / "missing").string()}), "");
  EXPECT_NE(refusal<base::FileError>({corpus, "--output", folder_.path().string()})
                .find("is no plain file"),
            std::string::npos);
  const auto inside = (folder_ / "f/out.jsonl").string();
  EXPECT_NE(refusal<base::UsageError>({(folder_ / "f").string(), "--output", inside})
                .find("out.jsonl is read as"),
            std::string::npos);
  const auto store = prepared("store", {corpus});
  EXPECT_NE(refusal<base::UsageError>({store, "--output", store + "/out.jsonl"}), "");
  EXPECT_EQ(refusal<base::UsageError>({corpus, "--output", inside}), "");
  EXPECT_EQ(read_whole(inside), kDialogueLine);
}

TEST_F(ExportDataTest, TheFileOfThePairsIsNoOtherThingEither) {
  const auto corpus = made("c.jsonl", kDialogueLine);
  const auto out = (folder_ / "x.jsonl").string();
  fs::create_directory(folder_ / "x.pairs.jsonl");
  EXPECT_NE(refusal<base::FileError>({corpus, "--output", out}).find("x.pairs.jsonl: is no plain"),
            std::string::npos);
  EXPECT_FALSE(fs::exists(out));
  EXPECT_EQ(exported({corpus, "--to", "dialogues", "--output", out}), "") << "there are no pairs";
}

TEST_F(ExportDataTest, WhatIsReadIsNotWrittenOver) {
  const auto corpus = made("c.jsonl", kDialogueLine);
  const auto pairs = made("c.pairs.jsonl", kPairLine);
  EXPECT_NE(refusal<base::UsageError>({corpus, "--output", corpus}), "");
  EXPECT_NE(refusal<base::UsageError>({pairs, "--output", corpus}).find("c.pairs.jsonl is read"),
            std::string::npos);
  EXPECT_EQ(read_whole(corpus), kDialogueLine);
  EXPECT_EQ(read_whole(pairs), kPairLine);
}

TEST_F(ExportDataTest, AFileAppearsWhenItIsWhole) {
  const auto out = made("out/x.jsonl", "what was there");
  const auto cut = made("cut.gz", gzip(json_line("a", {"hello", "hi"})).substr(0, 40));
  EXPECT_NE(refusal<base::DataError>({cut, "--output", out}), "");
  const auto store = prepared("store", {made("c.jsonl", kDialogueLine)});
  auto bytes = read_whole(fs::path(store) / "train/tokens.bin");
  bytes[0] ^= 1;
  write_file(fs::path(store) / "train/tokens.bin", bytes);
  EXPECT_NE(refusal<base::DataError>({store, "--output", out}), "") << "stores are verified";
  {
    const StopSignal signal;
    EXPECT_THROW(exported({(folder_ / "c.jsonl").string(), "--output", out}), base::Stopped);
  }
  EXPECT_EQ(read_whole(out), "what was there");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "out"), {}), 1);
  exported({made("empty", "[]"), "--output", out});
  EXPECT_EQ(read_whole(out), "");
}

TEST_F(ExportDataTest, AFaultIsToldAndLosesItsRecordAlone) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(exported({made("c.jsonl", std::string(kDialogueLine) + "broken\n")}), kDialogueLine);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("is not JSON"), std::string::npos);
}

TEST_F(ExportDataTest, ALineThatReadersDoNotTakeByDefaultIsTold) {
  const auto corpus = made("c.tsv", "a\t" + std::string((1 << 20) - 20, '"') + "\n");
  testing::internal::CaptureStderr();
  exported({corpus});
  EXPECT_NE(testing::internal::GetCapturedStderr().find("1 lines are longer than"),
            std::string::npos);
}

TEST_F(ExportDataTest, AReaderThatHasEnoughEndsItWithoutAFault) {
  std::string lines;
  for (int i = 0; i < 3000; ++i) lines += json_line(std::to_string(i), {"hello", "hi"});
  const auto corpus = made("c.jsonl", lines);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const int saved = ::dup(STDOUT_FILENO);
  const auto before = std::signal(SIGPIPE, SIG_IGN);  // as main does
  ::dup2(ends[1], STDOUT_FILENO);
  ::close(ends[0]);
  ::close(ends[1]);
  int code = -1;
  std::string error;
  try {
    code = data::run_export_data({corpus, "--quiet"});
  } catch (const base::Error& failed) {  // told when the test's own output is there again
    error = failed.what();
  }
  ::dup2(saved, STDOUT_FILENO);
  ::close(saved);
  std::signal(SIGPIPE, before);
  EXPECT_EQ(code, 0) << error;
}

}  // namespace
}  // namespace banter::tests
