#include "tests/serve/archive/postgres_server.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include <pwd.h>
#include <unistd.h>

#include "tests/support/process.h"

namespace banter::tests {
namespace {

/// The newest version that is installed, as Debian lays them out; "" when there is none.
std::string programs() {
  std::string found;
  std::error_code missing;
  for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", missing)) {
    const auto folder = version.path() / "bin";
    if (std::filesystem::exists(folder / "initdb")) found = std::max(found, folder.string());
  }
  return found;
}

const passwd* other_user() {
  if (const auto* postgres = ::getpwnam("postgres")) return postgres;
  return ::getpwnam("nobody");
}

}  // namespace

std::string PostgresServer::why_not() {
  if (programs().empty()) return "PostgreSQL is not installed (Debian: postgresql)";
  if (::geteuid() == 0 && other_user() == nullptr)
    return "we are root and there is no user postgres or nobody to run PostgreSQL as";
  return "";
}

PostgresServer::PostgresServer() {
  if (::geteuid() == 0) {
    const auto* user = other_user();
    if (::chown(folder_.path().c_str(), user->pw_uid, user->pw_gid) != 0)
      throw std::runtime_error("cannot give a folder to another user");
  }
  run("initdb -D " + (folder_ / "data").string() + " -U banter -A trust -E UTF8 --locale=C");
  start();
}

PostgresServer::~PostgresServer() {
  try {
    stop_at_once();
  } catch (const std::runtime_error&) {  // it was stopped
  }
}

void PostgresServer::start() {
  const auto log = (folder_ / "log").string();
  run("pg_ctl -D " + (folder_ / "data").string() + " -l " + log + " -w -o \"-c listen_addresses= " +
      "-c unix_socket_directories=" + folder_.path().string() + "\" start");
}

void PostgresServer::stop_at_once() {
  run("pg_ctl -D " + (folder_ / "data").string() + " -m immediate -w stop");
}

std::string PostgresServer::make_database() {
  const auto name = "test" + std::to_string(++databases_);
  run("createdb -h " + folder_.path().string() + " -U banter " + name);
  return "postgres://banter@/" + name + "?host=" + folder_.path().string();
}

void PostgresServer::run(const std::string& command) const {
  std::vector<std::string> words;
  if (::geteuid() == 0)
    words = {"setpriv", "--reuid=" + std::to_string(other_user()->pw_uid),
             "--regid=" + std::to_string(other_user()->pw_gid), "--clear-groups"};
  words.insert(words.end(), {"sh", "-c",
                             "cd " + folder_.path().string() + " && exec " + programs() + "/" +
                                 command + " > last_command 2>&1"});
  if (tests::run(words).exit_code != 0) throw std::runtime_error("failed: " + command);
}

}  // namespace banter::tests
