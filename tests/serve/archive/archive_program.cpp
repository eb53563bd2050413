// A server's writing without the server, to be killed: talks in eight sessions at once until it
// dies, and prints a line for each write only when that was called back.
//
//     archive_program URL ROUND [REPLIES]
//
// "message SESSION CLIENT_ID", "reply SESSION CLIENT_ID TURN", "failed": tried again. After REPLIES
// of them it dies by itself.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "serve/archive/archive.h"

namespace banter::serve {
namespace {

void print(const std::string& line) {
  const auto whole = line + "\n";
  if (::write(1, whole.data(), whole.size()) < 0) ::_exit(1);  // nobody listens any more
}

void expect_stored(WriteStatus status) {
  if (status == WriteStatus::kDone || status == WriteStatus::kKnown) return;
  print("unexpected status " + std::to_string(static_cast<int>(status)));
  ::_exit(1);
}

/// One session's endless talk; lives as long as the process.
class Talk {
 public:
  Talk(Archive& archive, std::string session, std::string round, int& replies)
      : archive_(archive),
        session_(std::move(session)),
        round_(std::move(round)),
        replies_left_(replies) {}

  void begin() {
    archive_.create_session({.id = session_, .resume_hash = "h"},
                            [this](const WriteResult<SessionRow>& made) {
                              if (made.status == WriteStatus::kFailed)
                                return fail([this] { begin(); });
                              say();
                            });
  }

 private:
  template <typename Again>
  void fail(const Again& again) {
    print("failed");
    again();
  }
  [[nodiscard]] std::string client_id() const { return round_ + "." + std::to_string(count_); }

  void say() {
    archive_.add_message(
        {.session = session_, .client_id = client_id(), .text = "text of " + client_id()},
        [this](const WriteResult<MessageRows>& said) {
          if (said.status == WriteStatus::kFailed) return fail([this] { say(); });
          expect_stored(said.status);
          print("message " + session_ + " " + client_id());
          answer(said.value.reply);
        });
  }

  void answer(const TurnRow& owed) {
    archive_.finish_reply(
        {.session = session_,
         .dialogue = owed.dialogue,
         .turn = owed.turn,
         .version = owed.version,
         .text = "reply to " + client_id(),
         .finish = "stop"},
        [this, owed](const WriteResult<TurnRow>& reply) {
          if (reply.status == WriteStatus::kFailed) return fail([&] { answer(owed); });
          expect_stored(reply.status);
          print("reply " + session_ + " " + client_id() + " " + std::to_string(owed.turn));
          if (--replies_left_ == 0) ::_exit(0);
          ++count_;
          say();
        });
  }

  Archive& archive_;
  const std::string session_, round_;
  int& replies_left_;  ///< of all talks together; they speak on one thread
  int count_ = 0;
};

int run(const std::string& url, const std::string& round, int replies) {
  ArchiveOptions options;
  options.holder = "program";
  options.busy_timeout = std::chrono::minutes(1);
  const auto archive = open_archive(url, options);
  std::vector<std::unique_ptr<Talk>> talks;
  for (int i = 0; i < 8; ++i) {
    talks.push_back(std::make_unique<Talk>(*archive, "s" + std::to_string(i), round, replies));
    talks.back()->begin();
  }
  for (;;) ::pause();
}

}  // namespace
}  // namespace banter::serve

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) return 2;
  try {
    return banter::serve::run(argv[1], argv[2], argc == 4 ? std::atoi(argv[3]) : -1);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
