#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "serve/archive/archive.h"
#include "serve/engine/engine.h"
#include "serve/log_entry.h"
#include "serve/protocol/client_frame.h"
#include "serve/protocol/server_frame.h"
#include "serve/sessions/chat_settings.h"
#include "serve/sessions/rate_limit.h"
#include "serve/sessions/served_model.h"
#include "serve/time_histogram.h"

namespace banter::serve {

class Session;

/// Why nobody gets in.
struct Refusal {
  ErrorFrame error;
  CloseCode close = CloseCode::kInternal;
};

/// How a session is entered.
struct Arrival {
  std::string resume_token{};              ///< for the next time
  bool is_resumed = false;                 ///< it was there before
  std::uint64_t number = 0;                ///< of all resumes, in the order of their claims
  std::optional<std::int64_t> last_seq{};  ///< what comes behind it in this epoch is sent again
};

/// Who asks for a session.
struct Visitor {
  std::string user;   ///< the name of the token, "" without one
  std::string owner;  ///< token or address: who shares limits and turns of the queue
};

/// What came of asking: a session to attach to, or a refusal. On any thread.
using OnEntry =
    std::function<void(std::variant<std::pair<std::shared_ptr<Session>, Arrival>, Refusal>)>;

struct HubOptions {
  ChatSettings chat;
  EngineLimits engine;
  FrameLimits frames;             ///< `frames.decode` comes with the model
  std::vector<Persona> personas;  ///< each with its id
  /// Runs a function soon on a thread that may wait for a disk.
  std::function<void(std::function<void()>)> run_later;
  Log log;
};

/// How turns went, since the start.
struct TurnCounts {
  std::map<Finish, std::uint64_t> ended;
  std::uint64_t prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0;
  TimeHistogram queue, first, total;  ///< as in Times
};

/// What all conversations share: the model, the engine, the archive, their limits, and the table of
/// those that are in memory.
///
/// Threads  all functions from any thread
class Hub {
 public:
  /// The archive must outlive this.
  Hub(HubOptions options, Archive& archive);
  ~Hub();  ///< as `end`
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  /// From here on turns are answered, by this model; those that run end on the one before.
  void set_model(std::shared_ptr<const ServedModel> model);
  /// A model could not be loaded.
  void note_failed_load() { ++failed_loads_; }
  /// Models that were loaded and that could not be, so far.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> loads() const {
    return {loads_, failed_loads_};
  }
  /// Null while none is loaded.
  [[nodiscard]] std::shared_ptr<const ServedModel> model() const;

  /// Makes a session. / Goes on with one.
  void open(const Visitor& visitor, const OnEntry& on_entry);
  void resume(const Visitor& visitor, const Resume& resume, const OnEntry& on_entry);

  /// A place for one more turn, until `turn_ended` or `turn_left`; or why there is none now.
  std::optional<ErrorFrame> begin_turn(const std::string& owner);
  /// The same for a turn that was promised before: it is not refused.
  void begin_owed_turn();
  /// Asks the engine for a turn that has its place. Nothing when the server is ending.
  std::optional<std::uint64_t> submit(Turn turn, std::shared_ptr<TurnListener> listener);
  void cancel(std::uint64_t turn);
  void forget(const std::string& conversation);
  /// The session is deleted, or left its memory.
  void remove(const std::string& session);
  /// Lets go of sessions that nobody has used for long. Called now and then.
  void sweep(Clock::time_point now);

  /// New turns are refused from here on; every session is told.
  void drain(std::chrono::milliseconds deadline);
  /// Ends what runs; nothing of it is stored, so that it is owed and made at the next start. Before
  /// the archive is closed.
  void end();
  [[nodiscard]] bool is_draining() const { return is_draining_; }
  [[nodiscard]] bool is_ending() const { return is_ending_; }
  /// A turn has ended, and whoever asked was told. / It never was one.
  void turn_ended(Finish finish, const TurnTokens& tokens, const Times& times);
  void turn_left() { --running_turns_; }
  [[nodiscard]] std::int64_t running_turns() const { return running_turns_; }

  [[nodiscard]] FrameLimits frame_limits() const;
  [[nodiscard]] const HubOptions& options() const { return options_; }
  [[nodiscard]] Archive& archive() { return archive_; }
  [[nodiscard]] EngineState engine_state() const;
  [[nodiscard]] std::int64_t sessions() const;
  [[nodiscard]] TurnCounts turn_counts() const;
  void log(const LogEntry& entry) const { options_.log(entry); }

 private:
  std::shared_ptr<Session> find(const std::string& session) const;
  std::shared_ptr<Session> make_session(const SessionRow& row, const std::string& owner,
                                        bool is_resumed);
  void entered(const SessionRow& row, const Visitor& visitor, const Arrival& arrival,
               const OnEntry& on_entry);
  void leave_owner(const std::string& owner);
  std::optional<Clock::duration> denial_pause(const std::string& owner,
                                              const std::string& session) const;
  void note_denial(const std::string& owner, const std::string& session);
  [[nodiscard]] std::shared_ptr<Engine> engine() const;

  const HubOptions options_;
  Archive& archive_;
  std::atomic<bool> is_draining_{false}, is_ending_{false};
  std::atomic<std::int64_t> running_turns_{0};
  std::atomic<std::uint64_t> loads_{0}, failed_loads_{0}, resumes_{0};

  mutable std::mutex mutex_;
  std::shared_ptr<const ServedModel> model_;
  std::shared_ptr<Engine> engine_;
  std::unordered_map<std::string, std::shared_ptr<Session>> sessions_;
  std::map<std::string, RateLimit> turns_of_;        ///< by owner
  std::map<std::string, std::int64_t> sessions_of_;  ///< the same
  std::map<std::string, RateLimit> denials_of_;      ///< by owner and session: denied resumes
  TurnCounts counts_;
};

}  // namespace banter::serve
