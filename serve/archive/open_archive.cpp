#include <memory>
#include <string>
#include <utility>

#include "base/errors.h"
#include "serve/archive/archive.h"
#include "serve/archive/postgres_backend.h"
#include "serve/archive/sqlite_backend.h"

namespace banter::serve {
namespace {

bool is_postgres(const std::string& url) {
  return url.starts_with("postgres://") || url.starts_with("postgresql://");
}

std::string path_of(const std::string& url) {
  static const std::string kSqlite = "sqlite:";
  auto path = url.starts_with(kSqlite) ? url.substr(kSqlite.size()) : url;
  // a URL may hold a password: it is not repeated
  if (path.empty() || url.find("://") != std::string::npos)
    throw base::UsageError(
        "the archive's URL is of no known kind; known: PATH, sqlite:PATH, "
        "postgres://USER@HOST/DATABASE");
  return path;
}

}  // namespace

std::unique_ptr<Archive> open_archive(const std::string& url, const ArchiveOptions& options) {
  std::unique_ptr<Backend> backend;
  if (is_postgres(url)) {
    backend = std::make_unique<PostgresBackend>(url, options.holder, options.busy_timeout);
  } else {
    backend = std::make_unique<SqliteBackend>(path_of(url), options.busy_timeout);
  }
  return std::make_unique<Archive>(std::move(backend), options);
}

}  // namespace banter::serve
