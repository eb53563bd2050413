#pragma once

#include <chrono>
#include <vector>

#include "serve/protocol/client_frame.h"
#include "serve/protocol/server_frame.h"

namespace banter::tests {

/// One frame of every type, with every field: those that `serve/PROTOCOL.md` shows first.
inline std::vector<serve::ClientFrame> client_frames() {
  using namespace serve;
  using std::string;
  const DecodeChange sampled{{{"strategy", string("sample")}, {"temperature", 0.7}}};
  const DecodeChange changed{{{"strategy", string("sample")},
                              {"temperature", 0.7},
                              {"top_k", std::nullopt},
                              {"max_new_tokens", std::int64_t{40}},
                              {"block", std::vector<string>{"I do not know", " um"}}}};
  return {
      Hello{.token = "5bc3f9e0a1",
            .client = "banter-page 1",
            .resume =
                Resume{.session = "s-7f21", .resume_token = "Zm9v", .epoch = 2, .last_seq = 41}},
      SessionUpdate{.persona = Persona{.id = std::nullopt,
                                       .facts = {"i have two dogs", "i live in a small town"}},
                    .decode = changed,
                    .attention = AttentionLevel::kTurns,
                    .attention_live = true},
      Message{.id = "m-1", .text = "Do you like dogs?", .decode = sampled},
      Regenerate{.id = "m-2", .turn = 1, .decode = sampled},
      Cancel{.id = "m-2"},
      Reset{},
      HistoryRequest{.before = 40, .limit = 20},
      Export{},
      Delete{},
      Rate{.turn = 1, .value = -1},
      Ping{.t = 81234.5},
  };
}

/// The same of the server; frame i has `seq` i + 1.
inline std::vector<serve::ServerFrame> server_frames() {
  using namespace serve;
  using namespace std::chrono_literals;
  using Kind = SourceWeight::Kind;
  const auto turn = [](std::int64_t number, float weight) {
    return SourceWeight{.kind = Kind::kTurn, .number = number, .weight = weight};
  };
  const auto fact = [](std::int64_t number, float weight) {
    return SourceWeight{.kind = Kind::kFact, .number = number, .weight = weight};
  };
  const AttentionWeights attention{.basis = AttentionLevel::kTurns,
                                   .weights = {turn(0, 0.625F), fact(0, 0.375F)},
                                   .static_weights = std::vector{turn(0, 0.5F), fact(0, 0.5F)}};
  const auto dogs = [](SourceWeight source, std::int64_t at) {
    source.at = at;
    source.token = " dogs";
    return source;
  };
  const AttentionWeights of_tokens{
      .basis = AttentionLevel::kTokens,
      .weights = {dogs(turn(0, 0.5F), 11), dogs(fact(0, 0.25F), 10)},
      .static_weights = std::vector{dogs(turn(0, 0.375F), 11), dogs(fact(0, 0.125F), 10)},
      .turns = attention.weights,
      .static_turns = attention.static_weights};
  const std::vector<FactVerdict> consistency = {{.fact = 0, .label = Verdict::kEntails, .p = 0.97},
                                                {.fact = 1, .label = Verdict::kNeutral, .p = 0.88}};
  const Persona own{.id = std::nullopt, .facts = {"i have two dogs", "i live in a small town"}};
  DecodeSettings decode;
  decode.strategy = "sample";
  decode.options.temperature = 0.7;
  return {
      Ready{.session = "s-7f21",
            .epoch = 2,
            .resume_token = "YmFy",
            .resumed = true,
            .model = {.id = "hred-en", .revision = "step-40000", .type = "hred"},
            .limits = {.bytes = 65536, .chars = 65536, .tokens = 256, .turns_per_min = 60},
            .personas = {Persona{.id = "p1", .facts = {"i have two dogs"}}},
            .decode = {.defaults = {}, .limits = {}},
            .attention = {AttentionLevel::kNone, AttentionLevel::kTurns, AttentionLevel::kTokens}},
      SessionUpdated{.persona = own,
                     .decode = decode,
                     .attention = AttentionLevel::kTurns,
                     .attention_live = true},
      Accepted{.id = "m-1", .turn = 1, .seed = 8839172},
      Delta{.id = "m-1",
            .turn = 1,
            .text = "Yes, ",
            .tokens = std::vector{TokenWeights{.text = "Yes,",
                                               .weights = {turn(0, 0.75F), fact(0, 0.25F)}}}},
      Progress{.id = "m-1", .turn = 1, .tokens = 12},
      Attention{.turn = 1, .weights = of_tokens},
      Done{.id = "m-1",
           .turn = 1,
           .finish = Finish::kStop,
           .text = "Yes, I have two of them!",
           .score = -0.8125,
           .others = std::vector{OtherReply{.text = "I do.", .score = -1.25}},
           .consistency = consistency,
           .usage = {.prompt = 27, .completion = 16, .cached = 19},
           .ms = {.queue = 312us, .first = 9120us, .total = 48500us},
           .seed = 8839172,
           .truncated_turns = 0},
      Exported{
          .dialogue =
              R"({"id": "s-7f21", "turns": [{"speaker": "user", "text": "Do you like dogs?"}]})"},
      History{.items = {HistoryItem{.turn = 0, .role = Role::kUser, .text = "Do you like dogs?"},
                        HistoryItem{.turn = 1,
                                    .version = 0,
                                    .versions = 2,
                                    .role = Role::kReply,
                                    .text = "Yes, I have two of them!",
                                    .finish = Finish::kStop,
                                    .attention = attention,
                                    .consistency = consistency,
                                    .persona = own,
                                    .rating = 1}},
              .more = false},
      ErrorFrame{.code = ErrorCode::kRateLimited,
                 .message = "too many turns in a minute",
                 .field = "text",
                 .id = "m-3",
                 .retry_after = 2500ms,
                 .fatal = false},
      Draining{.deadline = 30s},
      Pong{.t = 81234.5},
  };
}

}  // namespace banter::tests
