#include "serve/client/server_frame_reader.h"

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/json.h"
#include "tests/serve/protocol/sample_frames.h"

namespace banter::tests {
namespace {

using namespace serve;

namespace json = boost::json;

std::string refusal(const std::string& text) {
  try {
    read_server_frame(text);
    return "taken";
  } catch (const base::DataError& error) {
    return error.what();
  }
}

/// Gives every place of a value to `visit`, those inside first.
template <typename Visit>
void for_each_place(json::value& value, const Visit& visit) {
  if (auto* object = value.if_object())
    for (auto& [name, inner] : *object) for_each_place(inner, visit);
  if (auto* array = value.if_array())
    for (auto& inner : *array) for_each_place(inner, visit);
  visit(value);
}

TEST(ServerFrameReaderTest, ReadsBackWhatServersWrite) {
  std::int64_t seq = 0;
  for (const auto& frame : server_frames()) {
    const auto text = server_frame_text(frame, ++seq);
    const auto read = read_server_frame(text);
    EXPECT_EQ(read.seq, seq);
    ASSERT_TRUE(read.frame) << text;
    EXPECT_EQ(read.frame->index(), frame.index());
    EXPECT_EQ(server_frame_text(*read.frame, seq), text);
  }
}

TEST(ServerFrameReaderTest, ReadyBringsTheLimitsOfTheServer) {
  Ready ready;
  ready.decode.limits = {.max_beam_size = 32,
                         .max_n = 9,
                         .max_best_of = 17,
                         .max_new_tokens = 1000,
                         .max_texts = 3,
                         .max_text_chars = 20,
                         .max_prefix_chars = 50,
                         .rerankers = {"none", "mean_log_prob", "mmi"}};
  ready.decode.defaults.options.max_new_tokens = 900;
  ready.decode.defaults.rerank = "mmi";
  ready.decode.defaults.best_of = 4;
  ready.decode.defaults.strategy = "sample";
  const auto text = server_frame_text(ServerFrame(ready), 1);
  const auto read = read_server_frame(text);
  EXPECT_EQ(server_frame_text(*read.frame, 1), text);

  SessionUpdated updated;
  updated.decode = ready.decode.defaults;
  const auto change = server_frame_text(ServerFrame(updated), 2);
  EXPECT_EQ(server_frame_text(*read_server_frame(change, ready.decode.limits).frame, 2), change);
  EXPECT_NE(refusal(change), "taken");  // not within the limits that hold without a `ready`
}

TEST(ServerFrameReaderTest, NumbersThatWereNotFiniteAreAbsent) {
  Done done{.id = "m", .score = -std::numeric_limits<double>::infinity()};
  const auto read = read_server_frame(server_frame_text(ServerFrame(done), 1));
  EXPECT_FALSE(std::get<Done>(*read.frame).score);
}

TEST(ServerFrameReaderTest, PassesOverWhatLaterServersSay) {
  const auto unknown = read_server_frame(R"({"type": "weather", "seq": 7, "is": "fine"})");
  EXPECT_EQ(unknown.seq, 7);
  EXPECT_FALSE(unknown.frame);
  const auto more = read_server_frame(
      R"({"type": "accepted", "seq": 1, "id": "m", "turn": 1, "seed": 2, "x": []})");
  EXPECT_EQ(std::get<Accepted>(*more.frame).seed, 2);
  const auto error = read_server_frame(
      R"({"type": "error", "seq": 1, "code": "tea_time", "message": "later", "fatal": false})");
  EXPECT_EQ(std::get<ErrorFrame>(*error.frame).code, ErrorCode::kInternal);
}

TEST(ServerFrameReaderTest, SaysWhatIsWrong) {
  const std::string front = "the server's frame is none of chat.v1: ";
  EXPECT_EQ(refusal("[]"), front + "a frame must be an object");
  EXPECT_EQ(refusal(R"({"type": "pong", "t": 1})"), front + "seq is missing");
  EXPECT_EQ(refusal(R"({"seq": 1})"), front + "type is missing");
  EXPECT_EQ(refusal(R"({"type": "pong", "seq": -1, "t": 1})"),
            front + "seq must be a whole number from 0 to 9007199254740991");
  EXPECT_EQ(refusal(R"({"type": "pong", "seq": 1, "t": "x"})"), front + "t must be a number");
  EXPECT_EQ(refusal(R"({"type": "history", "seq": 1, "items": []})"), front + "more is missing");
}

TEST(ServerFrameReaderTest, NoDamageToAFrameDoesMoreThanThrow) {
  const std::vector<json::value> put = {nullptr, -1, 1e300, "x", json::array{1}, json::object{}};
  for (const auto& frame : server_frames()) {
    const auto text = server_frame_text(frame, 1);
    for (std::size_t cut = 0; cut < text.size(); ++cut)
      EXPECT_NE(refusal(text.substr(0, cut)), "taken");
    auto whole = base::parse_json(text, "frame");
    for (const auto& bad : put) {
      for_each_place(whole, [&](json::value& place) {
        const auto kept = std::exchange(place, bad);
        (void)refusal(json::serialize(whole));
        place = kept;
      });
    }
    EXPECT_EQ(refusal(json::serialize(whole)), "taken");
  }
}

TEST(ServerFrameReaderTest, PongAndDrainingRepeatTheLastNumber) {
  for (const auto& frame : server_frames())
    EXPECT_EQ(repeats_seq(frame),
              std::holds_alternative<Pong>(frame) || std::holds_alternative<Draining>(frame));
}

}  // namespace
}  // namespace banter::tests
