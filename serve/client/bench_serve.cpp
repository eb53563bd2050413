#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/errors.h"
#include "base/utf8.h"
#include "configs/command_line.h"
#include "models/commands/line_source.h"
#include "models/commands/print.h"
#include "serve/client/client_token.h"
#include "serve/client/decode_argument.h"
#include "serve/client/load_report.h"
#include "serve/commands.h"

namespace banter::serve {
namespace {

constexpr double kUsualSeconds = 10;
constexpr std::int64_t kMost = 1'000'000;

struct BenchArguments {
  LoadOptions load;
  std::string url, token_file, authorities, texts_file;
  double storm = 0;
  bool is_echo = false;
  std::int64_t pid = 0, message_bytes = 128;
};

void add_options(CLI::App& app, BenchArguments& options) {
  auto& load = options.load;
  app.add_option("url", options.url, "the server: ws://HOST:PORT or wss://HOST")->required();
  const auto positive = CLI::Range(1e-3, 1e6);
  app.add_option("--users", load.users, "connections that talk")
      ->check(CLI::Range(std::int64_t{1}, kMost));
  app.add_option("--turns", load.turns, "of each user, then it is done")
      ->check(CLI::Range(std::int64_t{1}, kMost));
  app.add_option("--seconds", load.seconds,
                 "how long, from the moment that all are connected (10, or until --turns are done)")
      ->check(positive);
  app.add_option("--rate", load.rate,
                 "turns a second, begun by whoever is free; times count from when a turn was due "
                 "(without it, a user's next turn follows its last)")
      ->check(positive);
  app.add_option("--idle", load.idle,
                 "connections that only stay open; without --users nothing else is done")
      ->check(CLI::Range(std::int64_t{1}, kMost));
  app.add_option("--deaf", load.deaf,
                 "connections that talk and never read, beside the --users; with --seconds")
      ->check(CLI::Range(std::int64_t{1}, kMost));
  auto* storm = app.add_option("--storm", options.storm,
                               "handshakes a second, each closed at once; nobody talks")
                    ->check(positive);
  auto* echo = app.add_flag("--echo", options.is_echo,
                            "messages to /echo of `banter serve --echo` instead of turns");
  app.add_option("--message-bytes", options.message_bytes, "of --echo: bytes of a message")
      ->capture_default_str()
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 20))
      ->needs(echo);
  app.add_option("--text", load.texts, "what is said; may be repeated, then one after the other")
      ->allow_extra_args(false);
  app.add_option("--texts", options.texts_file, "file of such texts, one a line")
      ->type_name("FILE");
  app.add_option("--set", load.settings,
                 "a field of decode for every message, as max_new_tokens=20; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  app.add_option("--pid", options.pid,
                 "the server's process on this machine: its processor time and memory are told too")
      ->check(CLI::PositiveNumber);
  app.add_option("--token-file", options.token_file,
                 "file with the token that lets users in; else BANTER_TOKEN is looked at")
      ->type_name("FILE");
  app.add_option("--ca-file", options.authorities,
                 "PEM file of authorities whose certificates are taken besides the system's")
      ->type_name("FILE");
  storm->excludes(echo);
}

/// What is said, from the arguments and the file.
void read_texts(BenchArguments& options) {
  auto& texts = options.load.texts;
  if (!options.texts_file.empty()) {
    models::LineSource lines(options.texts_file);
    while (const auto line = lines.next())
      if (!base::is_blank(*line)) texts.push_back(*line);
    if (texts.empty())
      throw base::DataError(base::printable(options.texts_file) +
                            ": holds no text; write one a line");
  }
  if (texts.empty()) texts.emplace_back("hello , how are you ?");
  for (const auto& text : texts)
    if (base::is_blank(text) || base::first_bad_utf8(text) || text.find('\0') != text.npos)
      throw base::UsageError("banter bench-serve: " + base::printable(text) +
                             ": a text must be UTF-8 that is not blank");
}

void read_kind(const CLI::App& app, BenchArguments& options) {
  auto& load = options.load;
  const bool has_users = app.count("--users") > 0;
  if (options.storm > 0) {
    for (const auto* other : {"--users", "--turns", "--rate"})
      if (app.count(other) > 0)
        throw base::UsageError(std::string("banter bench-serve: --storm does not go with ") +
                               other);
    load.kind = LoadKind::kStorm;
    load.rate = options.storm;
  } else if (options.is_echo && (has_users || load.idle == 0)) {
    load.kind = LoadKind::kEcho;
    if (load.rate > 0) throw base::UsageError("banter bench-serve: --echo does not go with --rate");
  } else if (load.idle > 0 && !has_users) {
    load.kind = LoadKind::kIdle;
  }
  if (load.deaf > 0 && (load.kind != LoadKind::kTurns || (load.turns > 0 && load.seconds == 0)))
    throw base::UsageError(
        "banter bench-serve: --deaf goes with turns for some --seconds, not with --echo, --storm, "
        "--idle alone or --turns alone");
  const bool has_talkers = load.kind == LoadKind::kTurns || load.kind == LoadKind::kEcho;
  if (!has_talkers) load.users = 0;
  if (load.seconds == 0 && (!has_talkers || load.turns == 0)) load.seconds = kUsualSeconds;
  load.message_bytes = static_cast<std::size_t>(options.message_bytes);
  if (app.count("--pid") > 0) load.pid = options.pid;
}

}  // namespace

int run_bench_serve(const std::vector<std::string>& arguments) {
  configs::CommandLine line(
      "banter bench-serve",
      "Puts load on a server and says how long handshakes, first words and replies take. A server\n"
      "bounds turns a minute and connections of one address: raise its --turns-per-minute,\n"
      "--owner-turns-per-minute, --sessions-per-owner and --max-connections-per-address for it.",
      "banter bench-serve ws://localhost:8080 --users 16 --turns 20\n"
      "banter bench-serve ws://localhost:8080 --users 200 --rate 50 --seconds 30 --json\n"
      "banter bench-serve ws://localhost:8080 --texts said.txt --set max_new_tokens=20\n"
      "banter bench-serve ws://localhost:8080 --idle 10000 --seconds 60 --pid 4711\n"
      "banter bench-serve ws://localhost:8080 --users 16 --deaf 50 --seconds 30\n"
      "banter bench-serve ws://localhost:8080 --storm 2000 --seconds 5\n"
      "banter bench-serve ws://localhost:9001 --echo --users 64 --message-bytes 128");
  line.with_json();
  BenchArguments options;
  add_options(line.app, options);
  if (!line.parse(arguments)) return 0;
  read_kind(line.app, options);
  read_texts(options);
  DecodeChange ignored;
  // Names and kinds are looked at before anything is opened; ranges are the server's.
  DecodeLimits widest;
  widest.max_beam_size = widest.max_n = widest.max_best_of = widest.max_new_tokens = kMaxWhole;
  for (const auto& setting : options.load.settings)
    if (!setting.starts_with("rerank=")) add_decode_argument(ignored, setting, widest);

  auto& load = options.load;
  auto& socket = load.socket;
  socket.address = ServerAddress::parse(options.url, "banter bench-serve: URL",
                                        options.is_echo ? "/echo" : "/v1/chat");
  if (!options.is_echo) socket.subprotocol = "chat.v1";
  socket.token = client_token(options.token_file);
  if (socket.address.is_tls) socket.tls = client_tls_context(options.authorities);
  load.endpoints = endpoints_of(socket.address);
  allow_connections(load.users + load.idle + load.deaf);
  auto result = run_load(load);
  models::print(line.common.json ? report_json(result, load) + "\n" : report_text(result, load));
  const bool is_failed = result.turns == 0 && result.handshake.count() == 0;
  if (is_failed && !result.failures.empty())
    throw base::FileError(socket.address.text() + ": " + result.failures.begin()->first);
  return 0;
}

}  // namespace banter::serve
