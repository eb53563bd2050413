#include "serve/protocol/client_frame.h"

#include <string>

#include <gtest/gtest.h>

#include "serve/protocol/request_error.h"
#include "tests/serve/protocol/sample_frames.h"

namespace banter::tests {
namespace {

using namespace serve;

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

/// The refusal of a frame, as "code field id", or "" when it is taken.
std::string refusal(std::string_view text, const FrameLimits& limits = {}) {
  try {
    read_client_frame(text, limits);
  } catch (const RequestError& error) {
    EXPECT_EQ(std::string(error.what()).find_first_of("\n\r\t"), std::string::npos);
    const auto part = [](const std::string& word) { return word.empty() ? "" : " " + word; };
    return std::string(name_of(error.code)) + part(error.field) + part(error.id);
  }
  return "";
}

std::string sentence(std::string_view text) {
  try {
    read_client_frame(text);
  } catch (const RequestError& error) {
    return error.what();
  }
  return "";
}

template <typename Frame>
Frame read(std::string_view text) {
  return std::get<Frame>(read_client_frame(text));
}

TEST(ClientFrameTest, EveryFrameReadsBackAsItWasWritten) {
  const auto frames = client_frames();
  ASSERT_EQ(frames.size(), std::variant_size_v<ClientFrame>);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(frames[i].index(), i);
    const auto text = client_frame_text(frames[i]);
    EXPECT_EQ(read_client_frame(text), frames[i]) << text;
  }
}

TEST(ClientFrameTest, WhatIsNoJsonIsRefused) {
  const auto key_twice = R"({"type":"message","id":"a","text":"x","text":"y"})";
  for (const std::string& bad :
       {std::string(""), std::string("{"), std::string("nul"), std::string(R"({"type":"reset"} x)"),
        std::string(R"({"type":"reset",})"), repeated("[", 3000), repeated("{\"a\":", 3000),
        std::string(key_twice), std::string(R"({"type":"ping","t":1e999})"),
        std::string(R"({"type":"ping","t":-1e999})"), std::string(R"({"type":"ping","t":NaN})"),
        std::string(R"({"type":"message","id":"a","text":"\ud800"})"),
        std::string("{\"type\":\"message\",\"id\":\"a\",\"text\":\"\xED\xA0\x80\"}"),
        std::string("{\"type\":\"message\",\"id\":\"a\",\"text\":\"\xC0\xAF\"}"),
        std::string("\xEF\xBB\xBF{\"type\":\"reset\"}"),
        std::string("{\"type\":\"message\",\"id\":\"a\",\"text\":\"\x01\"}")}) {
    EXPECT_EQ(refusal(bad), "bad_json") << bad.substr(0, 60);
  }
}

TEST(ClientFrameTest, AFrameIsAnObjectWithAType) {
  for (const char* bad : {"null", "[]", "17", "\"hello\""}) EXPECT_EQ(refusal(bad), "bad_request");
  EXPECT_EQ(refusal("{}"), "bad_request type");
  EXPECT_EQ(refusal(R"({"type":null})"), "bad_request type");
  EXPECT_EQ(refusal(R"({"type":["reset"]})"), "bad_request type");
  EXPECT_EQ(refusal(R"({"type":"shout"})"), "unknown_type type");
  EXPECT_EQ(refusal(R"({"type":"Reset"})"), "unknown_type type");
  EXPECT_NE(sentence(R"({"type":"shout"})").find(" session.update message "), std::string::npos);
}

TEST(ClientFrameTest, NestsSixteenDeepAndNoDeeper) {
  const auto nested = [](std::size_t lists) {  // in the frame's own object
    return R"({"type":"reset","unknown":)" + repeated("[", lists) + repeated("]", lists) + "}";
  };
  EXPECT_EQ(refusal(nested(15)), "");
  EXPECT_EQ(refusal(nested(16)), "bad_json");
}

TEST(ClientFrameTest, SixtyFourKibibytesAreTheMost) {
  const std::string head = R"({"type":"message","id":"a","text":")", tail = "\"}";
  const auto frame = [&](std::size_t bytes) {
    return head + std::string(bytes - head.size() - tail.size(), 'a') + tail;
  };
  EXPECT_EQ(refusal(frame(65'536)), "");
  EXPECT_EQ(refusal(frame(65'537)), "too_long");
  EXPECT_EQ(read<Message>(frame(60'000)).text.size(), 60'000 - head.size() - tail.size());
}

TEST(ClientFrameTest, UnknownFieldsAreIgnored) {
  EXPECT_EQ(read_client_frame(R"({"type":"reset","colour":"red","seq":[1,{"x":null}]})"),
            ClientFrame(Reset{}));
  EXPECT_EQ(read<Message>(R"({"type":"message","id":"a","text":"x","decode":{"colour":1}})").decode,
            DecodeChange{});
}

TEST(ClientFrameTest, NullStandsForAnAbsentField) {
  EXPECT_EQ(read<Hello>(R"({"type":"hello","token":null,"client":null,"resume":null})"), Hello{});
  EXPECT_EQ(read<Cancel>(R"({"type":"cancel","id":null})"), Cancel{});
  EXPECT_EQ(read<HistoryRequest>(R"({"type":"history","limit":null})"), HistoryRequest{});
  EXPECT_EQ(refusal(R"({"type":"message","id":"a","text":null})"), "bad_request text a");
}

TEST(ClientFrameTest, AnIdIsOneToSixtyFourPrintableAsciiCharacters) {
  const auto with_id = [](const std::string& id) {
    return R"({"type":"message","text":"x","id":)" + id + "}";
  };
  EXPECT_EQ(refusal(with_id('"' + std::string(64, '~') + '"')), "");
  for (const std::string& bad :
       {std::string("\"\""), '"' + std::string(65, 'a') + '"', std::string("7"),
        std::string("\"é\""), std::string(R"("a\nb")"), std::string(R"("a\u0000b")"),
        std::string(R"("\u007f")"), std::string("[\"a\"]")}) {
    EXPECT_EQ(refusal(with_id(bad)), "bad_request id") << bad;
  }
  EXPECT_EQ(refusal(R"({"type":"message","text":"x"})"), "bad_request id");
}

TEST(ClientFrameTest, AnErrorCarriesTheFramesIdWhereItIsSound) {
  EXPECT_EQ(refusal(R"({"type":"shout","id":"m-9"})"), "unknown_type type m-9");
  EXPECT_EQ(refusal(R"({"type":"message","id":"m-9","text":5})"), "bad_request text m-9");
  EXPECT_EQ(refusal(R"({"type":"message","id":"<\n>","text":5})"), "bad_request id");
}

TEST(ClientFrameTest, AMessageHasAText) {
  const auto with_text = [](const std::string& text) {
    return R"({"type":"message","id":"a","text":")" + text + "\"}";
  };
  for (const char* bad : {"", " ", " \\t\\r\\n ", "a\\u0000b", "\\u0000"})
    EXPECT_EQ(refusal(with_text(bad)), "bad_request text a") << bad;
  for (const char* good :
       {"</s>", "<s> [DONE]", "👋", "مرحبا", "a\xE2\x80\x8B", "\xE2\x80\x8B", "\\ud83d\\udc4b",
        "'; DROP TABLE turn; --", "\\u001b[31m", "../../etc"}) {
    EXPECT_EQ(refusal(with_text(good)), "") << good;
  }
  EXPECT_EQ(read<Message>(with_text("\\ud83d\\udc4b</s>")).text, "👋</s>");
}

TEST(ClientFrameTest, LongTextsAreCountedInCodePoints) {
  FrameLimits limits;
  limits.max_text_chars = 3;
  limits.max_facts = 2;
  limits.max_fact_chars = 2;
  EXPECT_EQ(refusal(R"({"type":"message","id":"a","text":"日本語"})", limits), "");
  EXPECT_EQ(refusal(R"({"type":"message","id":"a","text":"日本語!"})", limits), "too_long text a");
  const auto with_facts = [&](const std::string& facts) {
    return refusal(R"({"type":"session.update","persona":{"facts":)" + facts + "}}", limits);
  };
  EXPECT_EQ(with_facts(R"(["ab","é!"])"), "");
  EXPECT_EQ(with_facts(R"(["abc"])"), "too_long persona.facts");
  EXPECT_EQ(with_facts(R"(["a","b","c"])"), "too_long persona.facts");
}

TEST(ClientFrameTest, APersonaIsAnIdOrFacts) {
  const auto with = [](const std::string& persona) {
    return R"({"type":"session.update","persona":)" + persona + "}";
  };
  EXPECT_EQ(read<SessionUpdate>(with(R"({"id":"p1"})")).persona, (Persona{.id = "p1"}));
  EXPECT_EQ(read<SessionUpdate>(with(R"({"facts":[]})")).persona, Persona{});
  EXPECT_EQ(read<SessionUpdate>(with("null")).persona, std::nullopt);
  EXPECT_EQ(refusal(with("{}")), "bad_request persona");
  EXPECT_EQ(refusal(with(R"({"id":"p1","facts":["a"]})")), "bad_request persona");
  EXPECT_EQ(refusal(with(R"("p1")")), "bad_request persona");
  EXPECT_EQ(refusal(with(R"({"id":""})")), "bad_request persona.id");
  EXPECT_EQ(refusal(with(R"({"facts":"a"})")), "bad_request persona.facts");
  for (const char* bad : {"[1]", "[\"\"]", "[\" \"]", "[null]", "[\"a\\u0000\"]"})
    EXPECT_EQ(refusal(with(std::string(R"({"facts":)") + bad + "}")), "bad_request persona.facts");
}

TEST(ClientFrameTest, WrongFieldsAreNamed) {
  EXPECT_EQ(refusal(R"({"type":"hello","token":5})"), "bad_request token");
  EXPECT_EQ(refusal(R"({"type":"hello","client":{}})"), "bad_request client");
  EXPECT_EQ(refusal(R"({"type":"hello","resume":[]})"), "bad_request resume");
  EXPECT_EQ(refusal(R"({"type":"hello","resume":{"session":"s"}})"),
            "bad_request resume.resume_token");
  const std::string resume = R"({"type":"hello","resume":{"session":"s","resume_token":"t",)";
  EXPECT_EQ(refusal(resume + R"("epoch":0,"last_seq":0}})"), "bad_request resume.epoch");
  EXPECT_EQ(refusal(resume + R"("epoch":1,"last_seq":-1}})"), "bad_request resume.last_seq");
  EXPECT_EQ(refusal(resume + R"("epoch":1,"last_seq":9007199254740992}})"),
            "bad_request resume.last_seq");
  EXPECT_EQ(refusal(R"({"type":"session.update","attention":"words"})"), "bad_request attention");
  EXPECT_EQ(refusal(R"({"type":"session.update","attention_live":1})"),
            "bad_request attention_live");
  EXPECT_EQ(refusal(R"({"type":"session.update","decode":[]})"), "bad_request decode");
  EXPECT_EQ(refusal(R"({"type":"regenerate","id":"a"})"), "bad_request turn a");
  EXPECT_EQ(refusal(R"({"type":"regenerate","id":"a","turn":1.5})"), "bad_request turn a");
  EXPECT_EQ(refusal(R"({"type":"regenerate","id":"a","turn":"1"})"), "bad_request turn a");
  EXPECT_EQ(refusal(R"({"type":"history","limit":101})"), "bad_request limit");
  EXPECT_EQ(refusal(R"({"type":"history","limit":0})"), "bad_request limit");
  EXPECT_EQ(refusal(R"({"type":"history","before":-1})"), "bad_request before");
  EXPECT_EQ(refusal(R"({"type":"rate","turn":1,"value":2})"), "bad_request value");
  EXPECT_EQ(refusal(R"({"type":"rate","turn":1})"), "bad_request value");
  EXPECT_EQ(refusal(R"({"type":"ping"})"), "bad_request t");
  EXPECT_EQ(refusal(R"({"type":"ping","t":"1"})"), "bad_request t");
}

TEST(ClientFrameTest, ASentenceTellsFieldAndRule) {
  EXPECT_EQ(sentence(R"({"type":"history","limit":101})"),
            "limit must be a whole number from 1 to 100");
  EXPECT_EQ(sentence(R"({"type":"message","id":"a","text":" "})"),
            "text must be a text of 1 to 65536 characters, not blank, without U+0000");
  EXPECT_EQ(sentence(R"({"type":"session.update","attention":"x"})"),
            "attention must be one of none, turns, tokens");
  EXPECT_EQ(sentence(R"({"type":"ping"})"), "t is missing");
}

TEST(ClientFrameTest, WholeNumbersMayBeWrittenWithAPoint) {
  EXPECT_EQ(read<Rate>(R"({"type":"rate","turn":3.0,"value":-1e0})"),
            (Rate{.turn = 3, .value = -1}));
  EXPECT_EQ(read<Ping>(R"({"type":"ping","t":5})").t, 5);
}

TEST(ClientFrameTest, NothingOfTheInputIsInASentence) {
  const std::string secret = "hunter2";
  for (const std::string& frame :
       {R"({"type":")" + secret + "\"}",
        R"({"type":"reset",")" + secret + R"(":1,")" + secret + "\":2}",
        R"({"type":"message","id":"a","text":5,")" + secret + "\":1}",
        R"({"type":"message","id":"a","text":"x","decode":{"strategy":")" + secret + "\"}}",
        R"({"type":"session.update","attention":")" + secret + "\"}", "{" + secret}) {
    EXPECT_NE(sentence(frame), "") << frame;
    EXPECT_EQ(sentence(frame).find(secret), std::string::npos) << frame;
  }
}

}  // namespace
}  // namespace banter::tests
