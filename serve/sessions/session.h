#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/sessions/hub.h"
#include "serve/sessions/peer.h"
#include "serve/sessions/replay.h"

namespace banter::serve {

/// What the engine made of a turn.
struct MadeReply {
  Finish finish = Finish::kError;
  std::string text{};
  std::optional<double> score{};
  std::optional<std::vector<OtherReply>> others{};
  std::optional<AttentionWeights> attention{};
  std::optional<std::vector<FactVerdict>> consistency{};
  TurnTokens tokens{};
  Times times{};
  std::string revision{};
  std::int64_t truncated_turns = 0;
};

/// One conversation: its settings, its turns as the model reads them, the turn that runs, and the
/// frames that its client may have missed. It lives longer than a connection, and its rows in the
/// archive longer than this.
///
/// A turn goes: stored with a reply that is owed -> `accepted` -> made by the engine -> stored ->
/// `done`. Nothing of it waits: each step is called back by the archive's or the engine's thread.
///
/// Threads  all functions from any thread; one lock, held for no call that waits
class Session : public std::enable_shared_from_this<Session> {
 public:
  /// `turns`: of the current dialogue, as stored. `owed`: replies that were promised; they are made
  /// as soon as somebody attaches.
  static constexpr std::int64_t kTurnsBehind = 64;  ///< kept beyond what a reply reads, to
                                                    ///< regenerate them

  Session(Hub& hub, const SessionRow& row, std::string owner, const std::vector<TurnRow>& turns,
          std::vector<TurnRow> owed, const ServedModel& model);

  /// A connection takes the session over: the one before is told so, or this one, where a later
  /// resume was faster. Sends `ready`, then what the peer missed. False when the session has left
  /// its memory.
  bool attach(std::shared_ptr<Peer> peer, const Arrival& arrival);
  /// A connection has ended. What runs goes on, and its frames are kept.
  void detach(const Peer* peer);

  /// Does what the client asks for, if it is still the one that is connected.
  /// Throws   RequestError
  void take(const Peer* peer, const ClientFrame& frame);
  void refuse(const Peer* peer, const ErrorFrame& error);
  /// Deletes the session: nobody can come back to it.
  void discard();
  void drain(std::chrono::milliseconds deadline);

  // What the engine tells of the turn that `job` names; of another one, nothing.
  void told_delta(std::int64_t job, const std::string& text,
                  std::optional<std::vector<TokenWeights>> tokens);
  void told_progress(std::int64_t job, std::int64_t tokens);
  void made(std::int64_t job, MadeReply reply);

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const std::string& owner() const { return owner_; }
  /// Whether nobody is connected since `time`, and nothing runs: then nobody is let in any more.
  bool retire(Clock::time_point time);

 private:
  /// A turn as the model reads it.
  struct Said {
    std::int64_t turn = 0;
    data::Context::Row row;
  };
  /// From the asking to `done`.
  struct Running {
    std::int64_t job = 0;
    std::string id;             ///< the client's, of what asked
    bool is_accepted = false;   ///< stored, and told so
    bool is_cancelled = false;  ///< the client has cancelled it
    std::int64_t dialogue = 0, turn = 0, version = 0;
    std::int64_t seed = 0;
    DecodeSettings decode;
    Persona persona;
    std::optional<std::uint64_t> number;  ///< the engine's
    std::shared_ptr<const ServedModel> model;
  };

  void on(const SessionUpdate& update);
  void on(const Message& message);
  void on(const Regenerate& regenerate);
  void on(const Cancel& cancel);
  void on(const Reset& reset);
  void on(const HistoryRequest& request);
  void on(const Export& frame);
  void on(const Delete& frame);
  void on(const Rate& rate);
  void on(const Ping& ping);
  void on(const Hello& hello);

  void tell(ServerFrame frame);
  void tell_now(ServerFrame frame);
  void tell_once(const ServerFrame& frame, std::int64_t seq);
  void tell_error(ErrorCode code, const std::string& message, const std::string& id = {},
                  std::optional<Clock::duration> retry_after = {});
  void end_with(ErrorCode code, const std::string& message, CloseCode close);
  void flush_held();
  bool may_read(const std::string& id = {});
  void note_failed_read(const std::exception& error);
  void log_failure(std::string_view what) const;
  bool may_begin(const std::string& id);
  void note_asked(const std::string& id);
  template <typename Ask>
  void begin(const std::string& id, DecodeSettings decode, std::shared_ptr<const ServedModel> model,
             const Ask& ask);
  void abandon();
  void stored_message(std::int64_t job, const WriteResult<MessageRows>& result);
  void stored_version(std::int64_t job, const WriteResult<TurnRow>& result);
  void stored_reply(std::int64_t job, const MadeReply& reply, const WriteResult<TurnRow>& result);
  bool was_stored(WriteStatus status, const std::string& error, const std::string& id = {});
  void tell_known(const TurnRow& reply, const std::string& id);
  void generate(const TurnRow& reply);
  void finish(MadeReply reply);
  void make_owed();
  [[nodiscard]] Turn turn_of(const Running& running) const;
  void note_said(const ServedModel& model, std::int64_t turn, std::int64_t speaker,
                 const std::string& text);
  [[nodiscard]] Ready ready(const Arrival& arrival) const;

  Hub& hub_;
  const std::string id_, owner_;

  mutable std::mutex mutex_;
  std::int64_t epoch_, dialogue_;
  Persona persona_;
  DecodeSettings decode_;
  AttentionLevel attention_ = AttentionLevel::kTurns;
  bool is_attention_live_ = false;
  std::deque<Said> said_;          ///< of the current dialogue
  std::deque<TurnRow> owed_;       ///< replies to be made
  std::deque<std::string> asked_;  ///< the last ids of turns that are stored: these begin none anew
  std::optional<Running> running_;
  std::int64_t last_job_ = 0;

  std::shared_ptr<Peer> peer_;  ///< null: nobody is connected
  std::uint64_t arrival_ = 0;   ///< the number of the last one
  std::string unproven_;        ///< hash of the resume token that was told last, or ""
  Clock::time_point detached_ = Clock::now();
  std::int64_t seq_ = 0;
  std::optional<Delta> held_;  ///< of a peer that is behind; told with the next frame at the latest
  Replay replay_;
  bool is_gone_ = false;
  RateLimit turns_, refused_turns_, reads_;
};

}  // namespace banter::serve
