#include "serve/archive/schema.h"

#include <array>
#include <span>
#include <string>

namespace banter::serve {
namespace {

// A version that was released is never changed: what comes later is a version of its own, with a
// stored file of the one before in tests/fixtures/archive.
constexpr std::array kVersion1 = {
    R"sql(CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
))sql",
    R"sql(CREATE TABLE session (
  id TEXT PRIMARY KEY,
  "user" TEXT NOT NULL,
  holder TEXT,
  lease_until BIGINT,
  resume_hash TEXT NOT NULL,
  resume_hash_before TEXT NOT NULL,
  persona TEXT NOT NULL,
  decode TEXT NOT NULL,
  dialogue BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  created BIGINT NOT NULL,
  seen BIGINT NOT NULL,
  expires BIGINT
))sql",
    R"sql(CREATE TABLE turn (
  session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  dialogue BIGINT NOT NULL,
  turn BIGINT NOT NULL,
  version BIGINT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('user', 'reply')),
  client_id TEXT,
  text TEXT NOT NULL,
  seed BIGINT NOT NULL,
  decode TEXT NOT NULL,
  persona TEXT NOT NULL,
  attention TEXT NOT NULL,
  consistency TEXT NOT NULL,
  rating BIGINT NOT NULL CHECK (rating BETWEEN -1 AND 1),
  finish TEXT NOT NULL,
  revision TEXT NOT NULL,
  ms_queue BIGINT NOT NULL,
  ms_total BIGINT NOT NULL,
  created BIGINT NOT NULL,
  PRIMARY KEY (session, dialogue, turn, version)
))sql",
    "CREATE UNIQUE INDEX turn_client_id ON turn (session, client_id) WHERE client_id IS NOT NULL",
    "CREATE INDEX turn_owed ON turn (session) WHERE role = 'reply' AND finish = ''",
    "CREATE INDEX session_expires ON session (expires) WHERE expires IS NOT NULL",
    "CREATE INDEX session_holder ON session (holder) WHERE holder IS NOT NULL",
};

using Statements = std::span<const char* const>;
constexpr std::array<Statements, 1> kVersions = {Statements(kVersion1)};

}  // namespace

std::int64_t newest_schema_version() { return static_cast<std::int64_t>(kVersions.size()); }

void migrate(Connection& database) {
  database.begin();
  const auto version = database.schema_version();
  if (version > newest_schema_version()) {
    database.rollback();
    throw StorageError(StorageFault::kStatement,
                       "the archive has schema version " + std::to_string(version) +
                           ", written by a newer banter; this one knows versions up to " +
                           std::to_string(newest_schema_version()));
  }
  for (auto next = version; next < newest_schema_version(); ++next) {
    for (const auto* statement : kVersions.at(static_cast<std::size_t>(next)))
      database.query(statement);
    database.query(
        "INSERT INTO meta (key, value) VALUES ('schema_version', $1) "
        "ON CONFLICT (key) DO UPDATE SET value = $1",
        {std::to_string(next + 1)});
    database.mark_schema_version(next + 1);
  }
  database.commit();
}

}  // namespace banter::serve
