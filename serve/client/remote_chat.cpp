#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "base/errors.h"
#include "base/utf8.h"
#include "configs/command_line.h"
#include "serve/client/client_token.h"
#include "serve/client/remote_conversation.h"
#include "serve/commands.h"
#include "serve/net/origin.h"

namespace banter::serve {
namespace {

constexpr std::chrono::seconds kPeerTimeout{60};

void note(const std::string& text) { std::fputs(("note: " + text + "\n").c_str(), stderr); }

}  // namespace

int run_remote_chat(const std::vector<std::string>& arguments) {
  configs::CommandLine line(
      "banter chat",
      "Talk to a served model in the terminal; with a pipe, lines in, replies out. A connection\n"
      "that is lost is looked for again, and the conversation goes on where it was. With --json a\n"
      "reply is an object. /help lists what can be changed while you talk.",
      "banter chat --server ws://localhost:8080\n"
      "banter chat --server wss://chat.example.org --token-file token.txt\n"
      "banter chat --server ws://localhost:8080 --fact 'i have a dog .' --set strategy=sample\n"
      "printf 'hi\\n/again\\n/export\\n' | banter chat --server ws://localhost:8080 --json");
  line.with_json();
  std::string server, token_file, authorities, persona_file;
  std::vector<std::string> facts, settings;
  std::int64_t patience = 300;
  bool no_stream = false;
  auto& app = line.app;
  app.add_option("--server", server, "where it is: ws://HOST:PORT or wss://HOST")
      ->type_name("URL")
      ->required();
  app.add_option("--token-file", token_file,
                 "file with the token that lets you in; else BANTER_TOKEN is looked at")
      ->type_name("FILE");
  app.add_option("--ca-file", authorities,
                 "PEM file of authorities whose certificates are taken besides the system's")
      ->type_name("FILE");
  app.add_option("--persona", persona_file,
                 "file of sentences about the model's speaker, one a line");
  app.add_option("--fact", facts, "one more such sentence; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--set", settings,
                 "a field of decode, as strategy=sample or max_new_tokens=40; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  app.add_option("--patience", patience, "seconds until a server that was lost is given up")
      ->capture_default_str()
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1'000'000}));
  app.add_flag("--no-stream", no_stream, "show a reply only when all of it is there");
  if (!line.parse(arguments)) return 0;

  LinkOptions options;
  auto& socket = options.socket;
  socket.address = ServerAddress::parse(server, "banter chat: --server", "/v1/chat");
  socket.subprotocol = "chat.v1";
  socket.token = client_token(token_file);
  socket.peer_timeout = kPeerTimeout;
  if (socket.address.is_tls) socket.tls = client_tls_context(authorities);
  options.endpoints = endpoints_of(socket.address);
  options.patience = std::chrono::seconds(patience);
  options.seed = std::random_device{}();
  models::Persona persona;
  if (!persona_file.empty()) persona.add_file(persona_file);
  for (const auto& fact : facts) persona.add(fact);
  const auto& host = socket.address.host;
  if (socket.token && !socket.address.is_tls && !is_loopback(host) && host != "localhost")
    note("the token travels unencrypted; wss:// hides it");

  RemoteSession session(std::move(options), note);
  auto ready = session.open();
  const bool is_json = line.common.json;
  const bool streams = !no_stream && !is_json && ::isatty(STDOUT_FILENO) == 1;
  RemoteConversation conversation(
      session, std::move(ready),
      {.as_json = is_json, .streams = streams, .quiet = line.common.quiet});
  if (!persona.lines().empty()) conversation.set_persona(std::move(persona));
  for (const auto& setting : settings) conversation.set(setting);
  models::LineSource lines("");
  conversation.run(lines);
  return 0;
}

}  // namespace banter::serve
