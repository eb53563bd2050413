#pragma once

#include <future>
#include <string>
#include <type_traits>
#include <utility>

#include "serve/archive/archive.h"

namespace banter::serve {

/// Asks an archive to write and waits until it has called back:
///
///     const auto made = await(archive, &Archive::create_session, NewSession{.id = "s"});
template <typename Argument, typename Value>
WriteResult<Value> await(Archive& archive, void (Archive::*ask)(Argument, OnWritten<Value>),
                         std::type_identity_t<Argument> argument) {
  std::promise<WriteResult<Value>> promise;
  (archive.*ask)(std::move(argument),
                 [&](WriteResult<Value> result) { promise.set_value(std::move(result)); });
  return promise.get_future().get();
}

inline WriteResult<Nothing> await_proof(Archive& archive, const std::string& session,
                                        const std::string& hash) {
  std::promise<WriteResult<Nothing>> promise;
  archive.prove_resume(session, hash,
                       [&](WriteResult<Nothing> result) { promise.set_value(std::move(result)); });
  return promise.get_future().get();
}

inline WriteResult<Nothing> await_meta(Archive& archive, const std::string& key,
                                       const std::string& value) {
  std::promise<WriteResult<Nothing>> promise;
  archive.put_meta(key, value,
                   [&](WriteResult<Nothing> result) { promise.set_value(std::move(result)); });
  return promise.get_future().get();
}

inline WriteResult<std::int64_t> await_expiry(Archive& archive) {
  std::promise<WriteResult<std::int64_t>> promise;
  archive.delete_expired(
      [&](WriteResult<std::int64_t> result) { promise.set_value(std::move(result)); });
  return promise.get_future().get();
}

/// Until the timer's work is done.
inline void await_tidy(Archive& archive) {
  std::promise<void> promise;
  archive.tidy([&] { promise.set_value(); });
  promise.get_future().wait();
}

/// A session "s", or another, that starts with nothing special.
inline WriteResult<SessionRow> make_session(Archive& archive, const std::string& id = "s") {
  return await(archive, &Archive::create_session,
               {.id = id, .user = "u", .resume_hash = "h0", .persona = "[]", .decode = "{}"});
}

inline WriteResult<MessageRows> say(Archive& archive, const std::string& session,
                                    const std::string& client_id, const std::string& text = "hi") {
  return await(archive, &Archive::add_message,
               {.session = session,
                .client_id = client_id,
                .text = text,
                .seed = 7,
                .decode = "{\"top_k\":3}",
                .persona = "[\"I row.\"]"});
}

inline WriteResult<TurnRow> answer(Archive& archive, const TurnRow& owed,
                                   const std::string& text = "hello") {
  return await(archive, &Archive::finish_reply,
               {.session = owed.session,
                .dialogue = owed.dialogue,
                .turn = owed.turn,
                .version = owed.version,
                .text = text,
                .finish = "stop",
                .attention = "[]",
                .consistency = "[{}]",
                .revision = "r1",
                .ms_queue = 2,
                .ms_total = 30});
}

/// A message and its reply.
inline void exchange(Archive& archive, const std::string& session, const std::string& client_id) {
  answer(archive, say(archive, session, client_id).value.reply);
}

}  // namespace banter::serve
