#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "data/input/json_elements.h"
#include "data/input/lines.h"
#include "data/input/sources.h"
#include "tests/data/made_files.h"
#include "tests/support/stop_signal.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

using data::DamagedInput;
using data::InputStream;

/// A stream over a string that gives `step` bytes at a time.
InputStream stream_of(std::string text, std::size_t step = 3) {
  return {
      {"made", "", 0, 0},
      "made",
      [text = std::move(text), at = std::size_t{0}, step](char* buffer, std::size_t size) mutable {
        const auto count = std::min({step, size, text.size() - at});
        text.copy(buffer, count, at);
        at += count;
        return count;
      }};
}

std::vector<std::string> lines_of(const std::string& text, std::size_t max = 1000,
                                  std::size_t step = 3) {
  auto stream = stream_of(text, step);
  data::LineReader lines(stream, max);
  std::vector<std::string> all;
  while (lines.next()) all.push_back(lines.is_too_long() ? "(long)" : std::string(lines.line()));
  return all;
}

using Strings = std::vector<std::string>;

TEST(LineReaderTest, TakesEitherLineEndAndALastLineWithoutOne) {
  EXPECT_EQ(lines_of("a\nb\r\n\nc"), (Strings{"a", "b", "", "c"}));
  EXPECT_EQ(lines_of(""), Strings{});
  EXPECT_EQ(lines_of("\n"), Strings{""});
}

TEST(LineReaderTest, TakesTheByteOrderMarkOff) {
  EXPECT_EQ(lines_of("\xEF\xBB\xBFx\n\xEF\xBB\xBFy"), (Strings{"x", "\xEF\xBB\xBFy"}));
}

TEST(LineReaderTest, PassesOverALongLineAndCountsIt) {
  auto stream = stream_of("aaaa\n" + std::string(200'000, 'b') + "\ncc\n", 1 << 16);
  data::LineReader lines(stream, 4);
  ASSERT_TRUE(lines.next());
  EXPECT_EQ(lines.line(), "aaaa");
  ASSERT_TRUE(lines.next());
  EXPECT_TRUE(lines.is_too_long());
  ASSERT_TRUE(lines.next());
  EXPECT_EQ(lines.line(), "cc");
  EXPECT_EQ(lines.place().line, 3U);
}

TEST(LineReaderTest, WhereTheBytesAreCutMakesNoDifference) {
  const std::string text =
      "\xEF\xBB\xBF"
      "first\r\n\n\r\n12345678\n123456789\n1234567\r\n12345678\r\na\rb\n\nlast";
  const Strings wanted = {"first",   "",       "",     "12345678", "(long)",
                          "1234567", "(long)", "a\rb", "",         "last"};
  for (std::size_t step = 1; step <= text.size(); ++step)
    EXPECT_EQ(lines_of(text, 8, step), wanted) << step;
}

TEST(SplitAtTest, GivesOnePieceMoreThanThereAreMarks) {
  using Pieces = std::vector<std::string_view>;
  EXPECT_EQ(data::split_at('|', "a|b c|"), (Pieces{"a", "b c", ""}));
  EXPECT_EQ(data::split_at('|', "||"), (Pieces{"", "", ""}));
  EXPECT_EQ(data::split_at('|', "a"), Pieces{"a"});
  EXPECT_EQ(data::split_at('|', ""), Pieces{""});
}

Strings elements_of(const std::string& text, std::size_t max = 1000, std::size_t step = 3) {
  auto stream = stream_of(text, step);
  data::JsonElements elements(stream, max);
  Strings all;
  while (elements.next())
    all.push_back(elements.is_cut()        ? "(cut)"
                  : elements.is_too_long() ? "(long)"
                                           : std::string(elements.element()));
  if (elements.is_cut() && (all.empty() || all.back() != "(cut)")) all.emplace_back("(no end)");
  return all;
}

TEST(JsonElementsTest, SplitsArraysAndObjectsAtTheFirstLevel) {
  EXPECT_EQ(elements_of(R"([{"a": [1, 2]}, "x,]", 3 , null])"),
            (Strings{R"({"a": [1, 2]})", R"("x,]")", "3", "null"}));
  EXPECT_EQ(elements_of(R"( {"k\"}" : {"a": "}"}, "l":[ ] } )"),
            (Strings{R"({"k\"}":{"a": "}"}})", R"({"l":[ ]})"}));
  EXPECT_EQ(elements_of("[]"), Strings{});
  EXPECT_EQ(elements_of("{}"), Strings{});
}

TEST(JsonElementsTest, TellsWhereADocumentIsCut) {
  EXPECT_EQ(elements_of(R"([{"a": 1}, {"b")"), (Strings{R"({"a": 1})", "(cut)"}));
  EXPECT_EQ(elements_of(R"([{"a": 1})"), (Strings{R"({"a": 1})", "(no end)"}));
  EXPECT_EQ(elements_of(R"({"a")"), Strings{"(cut)"});
}

TEST(JsonElementsTest, RefusesWhatIsNoJsonBetweenElements) {
  for (const char* text : {"[1,]", "[1 2]", "[1] x", "{1: 2}", R"({"a" 1})", "x", "[,1]"})
    EXPECT_THROW(elements_of(text), DamagedInput) << text;
}

TEST(JsonElementsTest, PassesOverALongElement) {
  EXPECT_EQ(elements_of(R"(["aaaaaaaaaaaaaaaaaaaa", "b"])", 10), (Strings{"(long)", R"("b")"}));
}

TEST(JsonElementsTest, WhereTheBytesAreCutMakesNoDifference) {
  const Strings wanted = {
      R"("\\")", R"("\"]\\\",\\")", R"({"a\\":[{"\"}":"]"},[1,-2]]})", "12", R"("")", "[]", "null"};
  std::string text = " [";
  for (const auto& element : wanted) text += (text == " [" ? " " : "\t,\n") + element;
  text += "\r\n]\n";
  for (std::size_t step = 1; step <= text.size(); ++step)
    EXPECT_EQ(elements_of(text, 1000, step), wanted) << step;
}

TEST(JsonElementsTest, AnElementMayBeAsLongAsTheLimit) {
  for (const std::size_t step : {1, 2, 100}) {
    EXPECT_EQ(elements_of(R"([123456, [1, 23], "456"])", 6, step),
              (Strings{"123456", "(long)", R"("456")"}));
    EXPECT_EQ(elements_of(R"({"a": "b", "c": 12})", 8, step), (Strings{"(long)", R"({"c":12})"}));
  }
}

/// All streams of a path as "name=content", with problems as text.
struct Streams {
  Strings texts, problems;
};

Streams streams_of(const std::filesystem::path& path) {
  Streams found;
  for_each_stream(
      path,
      {[&](const data::Problem& problem) { found.problems.push_back(problem.text()); },
       [](std::uint64_t) {}},
      [&](InputStream& stream) {
        std::string text;
        for (auto chunk = stream.chunk(); !chunk.empty(); chunk = stream.chunk()) {
          text += chunk;
          stream.consume(chunk.size());
        }
        found.texts.push_back(stream.place().member + "=" + text);
      },
      path.string());
  return found;
}

class SourcesTest : public testing::Test {
 protected:
  std::filesystem::path make(const std::string& name, std::string_view bytes) {
    write_file(folder_ / name, bytes);
    return folder_ / name;
  }
  TemporaryFolder folder_;
};

TEST_F(SourcesTest, ContentDecidesAndNotTheName) {
  EXPECT_EQ(streams_of(make("a.txt", gzip("packed"))).texts, Strings{"=packed"});
  EXPECT_EQ(streams_of(make("b.gz", "plain")).texts, Strings{"=plain"});
  EXPECT_EQ(streams_of(make("c.gz", "")).texts, Strings{"="});
  EXPECT_EQ(streams_of(make("d.gz", gzip(""))).texts, Strings{"="});
}

TEST_F(SourcesTest, ReadsEveryMemberOfAnyKindOfArchive) {
  const std::vector<Member> members = {{"x/1", "one"}, {"x/2", "two"}};
  const Strings wanted = {"x/1=one", "x/2=two"};
  EXPECT_EQ(streams_of(make("a", tar(members))).texts, wanted);
  EXPECT_EQ(streams_of(make("b", gzip(tar(members)))).texts, wanted);
  EXPECT_EQ(streams_of(make("c", zip(members))).texts, wanted);
}

TEST_F(SourcesTest, AnArchiveWithoutMembersGivesNothing) {
  EXPECT_TRUE(streams_of(make("a", gzip(std::string(1024, '\0')))).texts.empty());
}

TEST_F(SourcesTest, RefusesLinksDevicesHolesAndNamesThatLeadOutside) {
  const auto found = streams_of(make("a", gzip(tar({{"ok", "1"},
                                                    {"/abs", "2"},
                                                    {"../up", "3"},
                                                    {"in/../../up", "4"},
                                                    {"soft", "ok", Member::Kind::kSymlink},
                                                    {"hard", "ok", Member::Kind::kHardlink},
                                                    {"pipe", "", Member::Kind::kPipe},
                                                    {"hole", "x", Member::Kind::kSparse},
                                                    {"last", "5"}}))));
  EXPECT_EQ(found.texts, (Strings{"ok=1", "last=5"}));
  EXPECT_EQ(found.problems.size(), 7U);
}

TEST_F(SourcesTest, RefusesEncryptedMembers) {
  const auto found = streams_of(make("a", encrypted_zip({{"x/1", "one"}, {"x/2", "two"}})));
  EXPECT_EQ(found.texts, Strings{});
  ASSERT_EQ(found.problems.size(), 2U);
  EXPECT_NE(found.problems[0].find("x/1: an encrypted member is refused"), std::string::npos);
}

TEST_F(SourcesTest, ReadsAllMembersOfAGzipAndTellsWhatIsLeftOver) {
  EXPECT_EQ(streams_of(make("a", gzip("one") + gzip("two"))).texts, Strings{"=onetwo"});
  const auto found = streams_of(make("b", gzip("one") + "junk"));
  EXPECT_EQ(found.texts, Strings{"=one"});
  ASSERT_EQ(found.problems.size(), 1U);
  EXPECT_NE(found.problems[0].find("left over"), std::string::npos);
}

TEST_F(SourcesTest, AGzipCutAnywhereIsDamaged) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += std::to_string(i * i) + " ";
  const auto packed = gzip(text);
  for (std::size_t size = 2; size < packed.size(); size += 7)
    EXPECT_THROW(streams_of(make("a", packed.substr(0, size))), DamagedInput) << size;
}

TEST_F(SourcesTest, AFlippedBitInAGzipIsDamaged) {
  const auto packed = gzip("the text looks whole and is still not to be trusted");
  for (std::size_t at = 10; at < packed.size(); ++at) {
    auto broken = packed;
    broken[at] = static_cast<char>(broken[at] ^ 4);
    EXPECT_THROW(streams_of(make("a", broken)), DamagedInput) << at;
  }
}

TEST_F(SourcesTest, ACutTarNamesTheMember) {
  const auto whole = tar({{"x/1", std::string(100, 'a')}, {"x/2", std::string(5000, 'b')}});
  try {
    streams_of(make("a", gzip(whole.substr(0, 3000))));
    FAIL() << "not refused";
  } catch (const DamagedInput& damage) {
    EXPECT_NE(std::string(damage.what()).find("x/2"), std::string::npos) << damage.what();
  }
}

TEST_F(SourcesTest, ATarCutBetweenItsMembersIsDamaged) {
  const std::string long_name(300, 'n');  // needs a header in front of its header
  const auto whole = tar({{"x/1", "a"}, {"x/2", "b"}, {long_name, "c" + std::string(511, '\0')}});
  const auto end = whole.find_last_not_of('\0') / 512 * 512 + 512;  // of the last member
  for (std::size_t size = 512; size <= end; size += 512)
    for (const auto& bytes : {whole.substr(0, size), gzip(whole.substr(0, size))})
      EXPECT_THROW(streams_of(make("a", bytes)), DamagedInput) << size;
  // One block of zeros is an end mark; two are the rule.
  for (const auto size : {end + 512, end + 1024}) {
    const auto found = streams_of(make("a", whole.substr(0, size)));
    EXPECT_EQ(found.texts.size(), 3U) << size;
    EXPECT_EQ(found.problems, Strings{}) << size;
  }
}

TEST_F(SourcesTest, WhatStandsBehindTheEndOfATarIsTold) {
  const auto whole = tar({{"x/1", "one"}});
  for (const auto& bytes : {whole + "junk", whole + tar({{"x/2", "two"}}),
                            whole.substr(0, 2048) + "junk", std::string(1024, '\0') + "junk"}) {
    const auto found = streams_of(make("a", gzip(bytes)));
    EXPECT_EQ(found.texts.size(), bytes.starts_with('x') ? 1U : 0U);
    ASSERT_EQ(found.problems.size(), 1U) << bytes.size();
    EXPECT_NE(found.problems[0].find("left over behind the end of the tar"), std::string::npos);
  }
  EXPECT_EQ(streams_of(make("a", whole + std::string(20'000, '\0'))).problems, Strings{});
}

TEST_F(SourcesTest, ACutZipIsDamaged) {
  const auto whole = zip({{"x/1", std::string(3000, 'a')}});
  EXPECT_THROW(streams_of(make("a", whole.substr(0, whole.size() - 30))), DamagedInput);
}

TEST_F(SourcesTest, OpensAGzipInAnArchive) {
  const std::vector<Member> members = {{"x/1.gz", gzip("one")}, {"x/2", "two"}, {"x/3", gzip("")}};
  const Strings wanted = {"x/1.gz=one", "x/2=two", "x/3="};
  for (const auto& bytes : {tar(members), gzip(tar(members)), zip(members)})
    EXPECT_EQ(streams_of(make("a", bytes)).texts, wanted);
  const auto found = streams_of(make("b", zip({{"x.gz", gzip("one") + gzip("two") + "junk"}})));
  EXPECT_EQ(found.texts, Strings{"x.gz=onetwo"});
  ASSERT_EQ(found.problems.size(), 1U);
  EXPECT_NE(found.problems[0].find("x.gz: bytes are left over"), std::string::npos);
}

TEST_F(SourcesTest, ADamagedGzipInAnArchiveNamesItsMember) {
  auto flipped = gzip("the text looks whole");
  flipped[flipped.size() - 8] = static_cast<char>(flipped[flipped.size() - 8] ^ 1);
  const auto whole = gzip(std::string(1000, 'a') + "b");
  for (const auto& bad : {flipped, whole.substr(0, whole.size() - 3)}) {
    try {
      streams_of(make("a", zip({{"x.gz", bad}, {"y", "z"}})));
      FAIL() << "not refused";
    } catch (const DamagedInput& damage) {
      EXPECT_NE(std::string(damage.what()).find("a:x.gz: "), std::string::npos) << damage.what();
    }
  }
}

TEST_F(SourcesTest, TheCheckSumOfAGzipIsLookedAtWhateverIsReadOfIt) {
  auto flipped = gzip("the text looks whole");
  flipped[flipped.size() - 8] = static_cast<char>(flipped[flipped.size() - 8] ^ 1);
  for (const auto& path : {make("a", flipped), make("b", zip({{"x.gz", flipped}}))}) {
    const auto pass_over = [&] {
      for_each_stream(
          path, {[](const data::Problem&) {}, [](std::uint64_t) {}}, [](InputStream&) {}, "");
    };
    EXPECT_THROW(pass_over(), DamagedInput) << path;
  }
}

TEST_F(SourcesTest, RefusesAFurtherLayer) {
  EXPECT_THROW(streams_of(make("c", gzip(gzip("x")))), DamagedInput);
  const auto inner = tar({{"deep", "x"}});
  const auto found = streams_of(make("d", tar({{"gz.gz", gzip(gzip("x"))},
                                               {"tar", inner},
                                               {"zip", zip({{"deep", "x"}})},
                                               {"tar.gz", gzip(inner)},
                                               {"zip.gz", gzip(zip({{"deep", "x"}}))},
                                               {"text", "x"}})));
  EXPECT_EQ(found.texts, Strings{"text=x"});
  ASSERT_EQ(found.problems.size(), 5U);
  EXPECT_NE(found.problems[0].find("d:gz.gz: a packed file inside a gzip"), std::string::npos);
  EXPECT_NE(found.problems[1].find("d:tar: an archive inside an archive"), std::string::npos);
}

TEST_F(SourcesTest, ReadsAFolderInTheOrderOfNamesWithoutItsLinks) {
  make("f/b", "2");
  make("f/a/z", "1");
  std::filesystem::create_symlink("b", folder_ / "f/c");
  const auto found = streams_of(folder_ / "f");
  EXPECT_EQ(found.texts, (Strings{"=1", "=2"}));
  EXPECT_EQ(found.problems.size(), 1U);
}

/// Names in a source, in the order of reading.
Strings names_in(const std::filesystem::path& source) {
  Strings names;
  data::for_each_file(
      source, [](const data::Problem&) {},
      [&](const std::filesystem::path&, const std::string& name) { names.push_back(name); });
  return names;
}

TEST_F(SourcesTest, APatternGivesWhatItMatchesInTheOrderOfNames) {
  for (const char* name :
       {"p/b.txt", "p/a.txt", "p/B.txt", "p/c.csv", "p/.hidden.txt", "p/d/e.txt"})
    make(name, name);
  EXPECT_EQ(streams_of(folder_ / "p/*.txt").texts, (Strings{"=p/B.txt", "=p/a.txt", "=p/b.txt"}));
  EXPECT_EQ(names_in(folder_ / "p/*.txt"), (Strings{"p/B.txt", "p/a.txt", "p/b.txt"}));
  EXPECT_EQ(names_in(folder_ / "p/[ab].t?t"), (Strings{"p/a.txt", "p/b.txt"}));
  EXPECT_EQ(names_in(folder_ / "p/*/*.txt"), Strings{"p/d/e.txt"});
}

TEST_F(SourcesTest, FilesOfAPatternHaveDifferentNamesHoweverItIsSpelt) {
  make("q/1/x.tsv", "1");
  make("q/2/x.tsv", "2");
  const Strings wanted = {"q/1/x.tsv", "q/2/x.tsv"};
  EXPECT_EQ(names_in(folder_ / "q/*/x.tsv"), wanted);
  EXPECT_EQ(names_in(folder_ / "q/1/.././*/x.tsv"), wanted);
  EXPECT_EQ(names_in(folder_ / "q/*"), wanted);  // folders are read whole
  std::filesystem::create_symlink("1", folder_ / "q/3");
  const auto found = streams_of(folder_ / "q/*");
  EXPECT_EQ(found.texts, (Strings{"=1", "=2"}));
  ASSERT_EQ(found.problems.size(), 1U);
  EXPECT_NE(found.problems[0].find("q/3: a link or device"), std::string::npos);
}

TEST_F(SourcesTest, AFileOfExactlyThatNameIsNoPattern) {
  make("r/[a]", "itself");
  make("r/a", "matched");
  EXPECT_EQ(streams_of(folder_ / "r/[a]").texts, Strings{"=itself"});
}

TEST_F(SourcesTest, APatternThatMatchesNothingSaysSo) {
  try {
    streams_of(folder_ / "*.none");
    FAIL() << "not refused";
  } catch (const base::FileError& error) {
    EXPECT_NE(std::string(error.what()).find("*.none: no file or folder matches this pattern"),
              std::string::npos);
  }
}

TEST_F(SourcesTest, TheBytesThatAreToldAreThoseOfTheFile) {
  const std::string text(300'000, 'x');
  for (const auto& path :
       {make("plain", text), make("gz", gzip(text) + gzip("more") + std::string(100'000, 'j')),
        make("tar", tar({{"x", text}})), make("tar.gz", gzip(tar({{"x", text}, {"y", text}}))),
        make("zip", zip({{"x", text}})), make("small.zip", zip({{"x", "y"}})), make("empty", "")})
    for (const bool passes_over : {false, true}) {
      std::uint64_t bytes = 0;
      for_each_stream(
          path, {[](const data::Problem&) {}, [&](std::uint64_t more) { bytes += more; }},
          [&](InputStream& stream) {
            if (passes_over) return;
            for (auto chunk = stream.chunk(); !chunk.empty(); chunk = stream.chunk())
              stream.consume(chunk.size());
          },
          "");
      EXPECT_EQ(bytes, std::filesystem::file_size(path)) << path << passes_over;
    }
}

TEST_F(SourcesTest, AStopSignalIsHeardWhateverIsInAFile) {
  const std::string endless(std::size_t{1} << 20, 'x');  // no record, no end of a line
  for (const auto& path :
       {make("a", endless), make("b", gzip(endless)), make("c", zip({{"x", endless}})),
        make("d", gzip(tar({{"x", endless}})))}) {
    std::optional<StopSignal> signal;
    std::uint64_t read_on = 0;
    const auto read = [&] {
      for_each_stream(
          path, {[](const data::Problem&) {}, [](std::uint64_t) {}},
          [&](InputStream& stream) {
            stream.chunk();
            signal.emplace();
            for (auto chunk = stream.chunk(); !chunk.empty(); chunk = stream.chunk()) {
              read_on += chunk.size();
              stream.consume(chunk.size());
            }
          },
          path.string());
    };
    EXPECT_THROW(read(), base::Stopped) << path;
    EXPECT_LE(read_on, std::size_t{1} << 17) << path;
  }
}

TEST_F(SourcesTest, AMissingPathOrADeviceIsAnError) {
  EXPECT_THROW(streams_of(folder_ / "none"), base::FileError);
  EXPECT_THROW(streams_of("/dev/null"), base::FileError);
}

}  // namespace
}  // namespace banter::tests
