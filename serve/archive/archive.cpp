#include "serve/archive/archive.h"

#include <initializer_list>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "serve/archive/backend.h"
#include "serve/archive/readers.h"
#include "serve/archive/reads.h"
#include "serve/archive/session_claim.h"
#include "serve/archive/writer.h"
#include "serve/archive/writes.h"

namespace banter::serve {
namespace {

/// What every database can keep.
void check_texts(std::initializer_list<std::string_view> texts) {
  for (const auto text : texts) {
    if (base::first_bad_utf8(text)) throw std::invalid_argument("archive: a text is no UTF-8");
    if (text.find('\0') != std::string_view::npos)
      throw std::invalid_argument("archive: a text holds NUL");
  }
}

}  // namespace

Archive::Archive(std::unique_ptr<Backend> backend, const ArchiveOptions& options)
    : backend_(std::move(backend)),
      now_(options.now),
      readers_(std::make_unique<Readers>(*backend_)),
      writer_(std::make_unique<Writer>(*backend_, *readers_, options)) {}

Archive::~Archive() { close(); }

void Archive::close() {
  writer_->close();
  readers_->forget_all();
}

template <typename Value>
void Archive::write(std::function<WriteResult<Value>(const WriteContext&)> run,
                    OnWritten<Value> on_written) {
  auto result = std::make_shared<WriteResult<Value>>();
  Writer::Job job;
  job.run = [run = std::move(run), result](const WriteContext& context) { *result = run(context); };
  job.done = [result, on_written = std::move(on_written)](const StorageError* error) {
    if (error != nullptr) *result = {WriteStatus::kFailed, {}, error->what()};
    on_written(std::move(*result));
  };
  writer_->add(std::move(job));
}

void Archive::create_session(NewSession session, OnWritten<SessionRow> on_written) {
  check_texts({session.id, session.user, session.resume_hash, session.persona, session.decode});
  write<SessionRow>(
      [session = std::move(session)](const WriteContext& context) {
        return serve::create_session(context, session);
      },
      std::move(on_written));
}

void Archive::resume_session(ResumeClaim resume, OnWritten<SessionRow> on_written) {
  check_texts({resume.session, resume.presented_hash, resume.next_hash});
  write<SessionRow>(
      [resume = std::move(resume)](const WriteContext& context) {
        return serve::resume_session(context, resume);
      },
      std::move(on_written));
}

void Archive::prove_resume(std::string session, std::string hash, OnWritten<Nothing> on_written) {
  check_texts({session, hash});
  write<Nothing>(
      [session = std::move(session), hash = std::move(hash)](const WriteContext& context) {
        return serve::prove_resume(context, session, hash);
      },
      std::move(on_written));
}

void Archive::change_session(SessionChange change, OnWritten<SessionRow> on_written) {
  check_texts({change.session, change.persona.value_or(""), change.decode.value_or("")});
  write<SessionRow>(
      [change = std::move(change)](const WriteContext& context) {
        return serve::change_session(context, change);
      },
      std::move(on_written));
}

void Archive::start_dialogue(std::string session, OnWritten<SessionRow> on_written) {
  check_texts({session});
  write<SessionRow>(
      [session = std::move(session)](const WriteContext& context) {
        return serve::start_dialogue(context, session);
      },
      std::move(on_written));
}

void Archive::release_session(std::string session, OnWritten<Nothing> on_written) {
  check_texts({session});
  write<Nothing>(
      [session = std::move(session)](const WriteContext& context) {
        return serve::release_session(context, session);
      },
      std::move(on_written));
}

void Archive::delete_session(std::string session, OnWritten<Nothing> on_written) {
  check_texts({session});
  write<Nothing>(
      [session = std::move(session)](const WriteContext& context) {
        return serve::delete_session(context, session);
      },
      std::move(on_written));
}

void Archive::add_message(NewMessage message, OnWritten<MessageRows> on_written) {
  check_texts({message.session, message.client_id, message.text, message.decode, message.persona});
  write<MessageRows>(
      [message = std::move(message)](const WriteContext& context) {
        return serve::add_message(context, message);
      },
      std::move(on_written));
}

void Archive::add_version(NewVersion version, OnWritten<TurnRow> on_written) {
  check_texts({version.session, version.client_id, version.decode, version.persona});
  write<TurnRow>([version = std::move(version)](
                     const WriteContext& context) { return serve::add_version(context, version); },
                 std::move(on_written));
}

void Archive::finish_reply(FinishedReply reply, OnWritten<TurnRow> on_written) {
  check_texts({reply.session, reply.text, reply.finish, reply.attention, reply.consistency,
               reply.revision});
  if (reply.finish.empty()) throw std::invalid_argument("archive: a finished reply has no finish");
  write<TurnRow>([reply = std::move(reply)](
                     const WriteContext& context) { return serve::finish_reply(context, reply); },
                 std::move(on_written));
}

void Archive::rate(NewRating rating, OnWritten<TurnRow> on_written) {
  check_texts({rating.session});
  if (rating.value < -1 || rating.value > 1)
    throw std::invalid_argument("archive: a rating is none of -1, 0, 1");
  write<TurnRow>([rating = std::move(rating)](
                     const WriteContext& context) { return serve::rate(context, rating); },
                 std::move(on_written));
}

void Archive::put_meta(std::string key, std::string value, OnWritten<Nothing> on_written) {
  check_texts({key, value});
  write<Nothing>([key = std::move(key), value = std::move(value)](
                     const WriteContext& context) { return serve::put_meta(context, key, value); },
                 std::move(on_written));
}

void Archive::delete_expired(OnWritten<std::int64_t> on_written) {
  write<std::int64_t>(serve::delete_expired, std::move(on_written));
}

void Archive::tidy(std::function<void()> done) { writer_->tidy(std::move(done)); }

template <typename Read>
auto Archive::read(const Read& run) {
  try {
    return readers_->with_connection(run);
  } catch (const StorageError& error) {
    writer_->note_failed_read(error);
    throw;
  }
}

std::optional<SessionRow> Archive::find_session(const std::string& session) {
  check_texts({session});
  return read([&](Connection& database) {
    return read_session(database, session, now_ ? now_() : database.now());
  });
}

HistoryPage Archive::history(const std::string& session, std::int64_t dialogue,
                             std::optional<std::int64_t> before, std::int64_t limit) {
  check_texts({session});
  return read([&](Connection& database) {
    return read_history(database, session, dialogue, before, limit);
  });
}

std::vector<TurnRow> Archive::dialogue(const std::string& session, std::int64_t dialogue) {
  check_texts({session});
  return read([&](Connection& database) { return read_dialogue(database, session, dialogue); });
}

std::vector<TurnRow> Archive::owed(const std::string& session) {
  check_texts({session});
  return read([&](Connection& database) { return read_owed(database, session); });
}

std::vector<SessionRow> Archive::sessions() {
  return read([](Connection& database) { return read_sessions(database); });
}

std::optional<std::string> Archive::meta(const std::string& key) {
  check_texts({key});
  return read([&](Connection& database) { return read_meta(database, key); });
}

ArchiveState Archive::state() const { return writer_->state(); }

}  // namespace banter::serve
