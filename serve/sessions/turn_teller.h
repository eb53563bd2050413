#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/decoding/reply_text.h"
#include "serve/sessions/session.h"

namespace banter::serve {

/// Turns what the engine says of a turn, in ids, into what its session says of it, in texts.
class TurnTeller : public TurnListener {
 public:
  struct About {
    std::int64_t job = 0;
    std::int64_t turn = 0;            ///< the reply's number
    std::vector<std::int64_t> turns;  ///< the numbers of the context's turns
    bool with_weights = false;        ///< tells each token's attention with it
    std::int64_t n = 1;               ///< replies that are told
  };

  TurnTeller(std::shared_ptr<Session> session, std::shared_ptr<const ServedModel> model,
             About about);

  void committed(const TurnProgress& progress) override;
  void progressed(std::int64_t tokens) override;
  void ended(TurnEnd end) override;

 private:
  std::shared_ptr<Session> session_;
  std::shared_ptr<const ServedModel> model_;
  About about_;
  models::ReplyText written_;
  std::string text_;     ///< so far
  std::size_t ids_ = 0;  ///< whose weights were told
  Clock::time_point last_progress_{};
};

/// How long a turn took, as the protocol tells it.
Times times_of(const TurnEnd& end);

/// A turn's end in the words of the protocol, `score` and `others` for `n` replies that are told.
MadeReply made_reply(TurnEnd end, const std::string& text_so_far, const TurnTeller::About& about,
                     const data::Tokenizer& tokenizer);

}  // namespace banter::serve
