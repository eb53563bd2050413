#include "serve/protocol/server_frame.h"

#include <cmath>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/utf8.h"
#include "serve/protocol/client_frame.h"
#include "tests/serve/protocol/sample_frames.h"

namespace banter::tests {
namespace {

using namespace serve;
namespace json = boost::json;

json::object written(const ServerFrame& frame, std::int64_t seq = 1) {
  return base::parse_json(server_frame_text(frame, seq), "frame").as_object();
}

std::string number(double value) {
  JsonWriter writer;
  writer.value(value);
  return writer.take();
}

TEST(ServerFrameTest, EveryFrameHasItsTypeAndSeqFirst) {
  const auto frames = server_frames();
  ASSERT_EQ(frames.size(), std::variant_size_v<ServerFrame>);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(frames[i].index(), i);
    const auto type = std::visit([](const auto& frame) { return frame.kType; }, frames[i]);
    const auto head = "{\"type\":\"" + std::string(type) + "\",\"seq\":12,";
    EXPECT_EQ(server_frame_text(frames[i], 12).substr(0, head.size()), head);
  }
}

TEST(ServerFrameTest, ADeltaIsThisText) {
  EXPECT_EQ(server_frame_text(Delta{.id = "m-1", .turn = 3, .text = "a \"b\"\n"}, 7),
            R"({"type":"delta","seq":7,"id":"m-1","turn":3,"text":"a \"b\"\n"})");
  const Delta delta{.id = "x", .turn = 1, .text = "é", .tokens = std::vector<TokenWeights>{}};
  EXPECT_EQ(server_frame_text(delta, 8), server_frame_text(ServerFrame(delta), 8));
}

TEST(ServerFrameTest, AnyBytesBecomeValidJson) {
  for (int first = 0; first < 256; ++first) {
    for (const int second : {0x00, 0x22, 0x5C, 0x80, 0xA0, 0xBF, 0xE2, 0xFF}) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second), 'z'};
      const auto frame = server_frame_text(Delta{.id = text, .text = text}, 1);
      ASSERT_FALSE(base::first_bad_utf8(frame));
      const auto read = std::string(written(Delta{.text = text}).at("text").as_string());
      if (!base::first_bad_utf8(text)) {
        EXPECT_EQ(read, text);
      } else {
        EXPECT_NE(read.find("\xEF\xBF\xBD"), std::string::npos);
      }
      EXPECT_TRUE(read.ends_with('z'));
    }
  }
}

TEST(ServerFrameTest, ACharacterThatIsCutBecomesReplacements) {
  EXPECT_EQ(written(Delta{.text = "ok \xF0\x9F\x91"}).at("text").as_string(),
            "ok \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(ServerFrameTest, NumbersReadBackEqual) {
  EXPECT_EQ(number(0.1), "0.1");
  EXPECT_EQ(number(5), "5");
  EXPECT_EQ(number(-0.0), "0");
  EXPECT_EQ(number(1764161722000.0), "1764161722000");
  for (const double value : {1e-300, 1.0 / 3, -2.5e17, 9007199254740993.0, 1e308, 5e-324,
                             std::numeric_limits<double>::max()}) {
    EXPECT_EQ(base::parse_json(number(value), "number").to_number<double>(), value);
  }
}

TEST(ServerFrameTest, NumbersThatAreNotFiniteAreNull) {
  constexpr auto kNaN = std::numeric_limits<double>::quiet_NaN();
  constexpr auto kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(number(kNaN), "null");
  const auto done = written(
      Done{.score = -kInfinity, .others = std::vector{OtherReply{.text = "x", .score = kNaN}}});
  EXPECT_TRUE(done.at("score").is_null());
  EXPECT_TRUE(done.at("others").at(0).at("score").is_null());
  const SourceWeight source{.weight = std::numeric_limits<float>::quiet_NaN()};
  const auto attention = written(Attention{.weights = {.weights = {source}}});
  EXPECT_TRUE(attention.at("weights").at(0).at("w").is_null());
}

TEST(ServerFrameTest, FieldsWithoutAValueAreLeftOut) {
  const auto delta = written(Delta{});
  EXPECT_FALSE(delta.contains("tokens"));
  const auto done = written(Done{});
  for (const char* name : {"score", "others", "consistency"}) EXPECT_FALSE(done.contains(name));
  EXPECT_FALSE(done.at("ms").as_object().contains("first"));
  const auto error = written(ErrorFrame{});
  for (const char* name : {"field", "id", "retry_after_ms"}) EXPECT_FALSE(error.contains(name));
  EXPECT_EQ(written(SessionUpdated{}).at("persona"), (json::value{{"facts", json::array()}}));
}

TEST(ServerFrameTest, TimesAreInMilliseconds) {
  using namespace std::chrono_literals;
  const auto ms = written(Done{.ms = {.queue = 5us, .first = 12ms, .total = 2s}}).at("ms");
  EXPECT_EQ(ms.at("queue").to_number<double>(), 0.005);
  EXPECT_EQ(ms.at("first").to_number<double>(), 12);
  EXPECT_EQ(ms.at("total").to_number<double>(), 2000);
  EXPECT_EQ(written(ErrorFrame{.retry_after = 1500ms}).at("retry_after_ms").as_int64(), 1500);
  EXPECT_EQ(written(Draining{.deadline = 30s}).at("deadline_ms").as_int64(), 30000);
}

TEST(ServerFrameTest, ARefusalBecomesAnErrorFrame) {
  try {
    read_client_frame(R"({"type":"message","id":"m-1","text":""})");
    FAIL();
  } catch (const RequestError& error) {
    const auto frame = written(ErrorFrame::of(error), 4);
    EXPECT_EQ(frame.at("code").as_string(), "bad_request");
    EXPECT_EQ(frame.at("field").as_string(), "text");
    EXPECT_EQ(frame.at("id").as_string(), "m-1");
    EXPECT_FALSE(frame.at("fatal").as_bool());
  }
  const auto plain = written(ErrorFrame::of(RequestError(ErrorCode::kBadJson, "no JSON")));
  EXPECT_FALSE(plain.contains("field") || plain.contains("id"));
}

TEST(ServerFrameTest, ReadyTellsEveryFieldOfDecodeWithDefaultAndRange) {
  const auto decode = written(Ready{}).at("decode").as_object();
  EXPECT_EQ(decode.at("strategy"),
            (json::value{{"default", "greedy"},
                         {"choices", {"greedy", "beam", "diverse_beam", "sample"}}}));
  EXPECT_EQ(decode.at("top_p"), (json::value{{"default", 1}, {"above", 0}, {"max", 1}}));
  EXPECT_EQ(decode.at("n"), (json::value{{"default", 1}, {"min", 1}, {"max", 8}}));
  EXPECT_TRUE(decode.at("seed").at("default").is_null());
  EXPECT_EQ(decode.at("block"),
            (json::value{{"default", json::array()}, {"max_texts", 16}, {"max_chars", 200}}));
}

TEST(ServerFrameTest, AttentionAndConsistencyComeBackFromAnArchive) {
  AttentionWeights attention{.basis = AttentionLevel::kTokens};
  attention.weights = {
      {.number = 3, .at = 12, .token = std::string("a\0\"", 3), .weight = 0.1F},
      {.kind = SourceWeight::Kind::kFact, .number = 0, .token = "", .weight = 1e-9F}};
  EXPECT_EQ(read_attention(attention_text(attention)), attention);
  attention.static_weights = std::vector<SourceWeight>{};
  EXPECT_EQ(read_attention(attention_text(attention)), attention);
  attention.turns = {{.number = 3, .weight = 0.75F}};
  EXPECT_EQ(read_attention(attention_text(attention)), attention);
  attention.static_turns = {{.kind = SourceWeight::Kind::kFact, .number = 1, .weight = 0.5F}};
  EXPECT_EQ(read_attention(attention_text(attention)), attention);
  const std::vector<FactVerdict> verdicts = {{.fact = 2, .label = Verdict::kContradicts, .p = 0.1}};
  EXPECT_EQ(read_consistency(consistency_text(verdicts)), verdicts);
  for (const char* bad :
       {"", "5", "{}", R"({"basis":"x","weights":[]})", R"({"basis":"turns","weights":[{"w":1}]})",
        R"({"basis":"tokens","weights":[],"turns":5})",
        R"({"basis":"tokens","weights":[{"turn":0,"at":-1,"w":1}]})"}) {
    EXPECT_THROW(read_attention(bad), RequestError) << bad;
    EXPECT_THROW(read_consistency(bad), RequestError) << bad;
  }
}

}  // namespace
}  // namespace banter::tests
