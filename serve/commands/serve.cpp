#include "serve/commands/serve.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/basic_signal_set.hpp>
#include <boost/asio/post.hpp>

#include "base/allocator.h"
#include "base/errors.h"
#include "base/utf8.h"
#include "configs/command_line.h"
#include "models/checkpoint/checkpoint.h"
#include "models/commands/persona.h"
#include "serve/archive/archive.h"
#include "serve/commands/log_lines.h"
#include "serve/commands/model_loader.h"
#include "serve/commands/model_options.h"
#include "serve/net/echo.h"
#include "serve/net/exposure.h"
#include "serve/net/server.h"
#include "serve/net/settings.h"
#include "serve/net/tls.h"
#include "serve/page/page_routes.h"
#include "serve/routes/admin.h"
#include "serve/routes/chat_routes.h"
#include "serve/routes/completions.h"
#include "serve/routes/health.h"
#include "serve/routes/metrics.h"
#include "serve/routes/run_routes.h"
#include "serve/routes/token_routes.h"

namespace banter::serve {
namespace {

/// After that, memory of what came in numbers or was large is the system's again.
constexpr std::chrono::seconds kFreeMemoryStays{2};

/// Adds an option for each row of a table of settings, with the present values as defaults.
template <typename Table, typename Settings>
void add_settings(CLI::App& app, const Table& table, Settings& settings) {
  for (const auto& row : table) {
    const auto name = "--" + std::string(row.name);
    const std::string meaning(row.meaning);
    const auto add = [&](auto member) {
      auto& field = settings.*member;
      if constexpr (std::is_same_v<std::remove_reference_t<decltype(field)>, milliseconds>) {
        app.add_option_function<std::int64_t>(
               name, [&field](std::int64_t value) { field = milliseconds(value); }, meaning)
            ->type_name("MS")
            ->default_str(std::to_string(field.count()))
            ->check(CLI::PositiveNumber)
            ->group("Limits");
      } else {
        app.add_option(name, field, meaning)
            ->capture_default_str()
            ->check(CLI::PositiveNumber)
            ->group("Limits");
      }
    };
    std::visit(add, row.field);
  }
}

/// All that the command line says.
struct ServeArguments {
  bool is_echo = false, follows = false, behind_proxy = false, insecure = false, quiet = false;
  ServedRun served;
  BindAddress where{.port = 8080};
  std::uint16_t metrics_port = 0;
  bool has_metrics = false;
  std::string archive, tokens, certificate, key, holder;
  std::vector<std::string> hosts, origins, proxies, personas;
  std::int64_t keep_days = 0, cache_mb = 256;
  NetSettings net;
  ChatSettings chat;
  EngineLimits engine;
};

void add_options(configs::CommandLine& line, ServeArguments& options) {
  auto& app = line.app;
  auto* run = app.add_option("run", options.served.run,
                             "run folder: RUN, RUN@last, RUN@step-N, RUN@best:METRIC, RUN@ema");
  app.add_flag("--echo", options.is_echo,
               "no RUN: a WebSocket echo at /echo, on loopback only, for conformance suites")
      ->excludes(run);
  app.add_option("--port", options.where.port, "port; 0 takes a free one")->capture_default_str();
  app.add_option("--address", options.where.address, "address to listen at")->capture_default_str();
  app.add_option("--unix", options.where.unix_path, "listen on a Unix socket at this path instead");
  app.add_flag("--follow", options.follows,
               "take over RUN's better checkpoints while it trains, and wait for its first one");
  app.add_option("--archive", options.archive,
                 "where conversations are kept: a file, or postgres://... "
                 "(default: conversations.sqlite in RUN)");
  app.add_option("--holder", options.holder,
                 "PostgreSQL: this server's name among those that share the archive");
  app.add_option("--keep-days", options.keep_days,
                 "delete conversations that nobody came back to for so long; 0: never")
      ->check(CLI::NonNegativeNumber);
  app.add_option(
         "--persona", options.personas,
         "file of sentences about the model's speaker, one a line, offered to clients under "
         "the file's name; may be repeated")
      ->allow_extra_args(false)
      ->type_name("FILE");

  constexpr const char* kModel = "Model";
  auto& served = options.served;
  app.add_option("--set", served.overrides,
                 "decoding.KEY=VALUE: how replies are chosen where clients say nothing; may be "
                 "repeated")
      ->allow_extra_args(false)
      ->group(kModel);
  add_model_options(app, served);
  app.add_option("--max-rows", options.engine.max_rows,
                 "sequences that share a step; a beam of K costs K")
      ->capture_default_str()
      ->check(CLI::PositiveNumber)
      ->group(kModel);
  app.add_option("--max-waiting", options.engine.max_waiting,
                 "turns that wait or run; one more is refused")
      ->capture_default_str()
      ->check(CLI::PositiveNumber)
      ->group(kModel);
  app.add_option("--prefill-tokens", options.engine.prefill_tokens,
                 "tokens of contexts that are encoded between two steps")
      ->capture_default_str()
      ->check(CLI::PositiveNumber)
      ->group(kModel);
  app.add_option("--cache-mb", options.cache_mb, "memory of conversations that are kept encoded")
      ->capture_default_str()
      ->check(CLI::PositiveNumber)
      ->group(kModel);

  constexpr const char* kSafety = "Who may connect";
  app.add_option("--tokens", options.tokens, "file of lines NAME SHA256: bearer tokens")
      ->type_name("FILE")
      ->group(kSafety);
  auto* certificate =
      app.add_option("--tls-certificate", options.certificate, "chain of certificates, PEM")
          ->type_name("FILE")
          ->group(kSafety);
  auto* key =
      app.add_option("--tls-key", options.key, "its key, PEM")->type_name("FILE")->group(kSafety);
  certificate->needs(key);
  key->needs(certificate);
  app.add_flag("--behind-proxy", options.behind_proxy, "a proxy in front encrypts")->group(kSafety);
  app.add_flag("--insecure", options.insecure, "nobody encrypts, and that is wanted")
      ->group(kSafety);
  app.add_option("--host", options.hosts, "a name under which clients reach this; may be repeated")
      ->allow_extra_args(false)
      ->group(kSafety);
  app.add_option("--origin", options.origins,
                 "another origin whose pages may connect; may be repeated")
      ->allow_extra_args(false)
      ->group(kSafety);
  app.add_option("--proxy", options.proxies,
                 "address of a proxy whose X-Forwarded-For counts; may be repeated")
      ->allow_extra_args(false)
      ->group(kSafety);
  app.add_option("--metrics-port", options.metrics_port,
                 "/metrics and /admin on loopback at this port; 0 takes a free one");
  add_settings(app, kNetSettings, options.net);
  add_settings(app, kChatSettings, options.chat);
}

std::vector<Persona> personas_of(const std::vector<std::string>& files) {
  std::vector<Persona> personas;
  for (const auto& file : files) {
    models::Persona lines;
    lines.add_file(file);
    personas.push_back({.id = std::filesystem::path(file).stem().string(), .facts = lines.lines()});
  }
  return personas;
}

/// A server with all that belongs to it, in the order in which it must go.
class ChatServer {
 public:
  ChatServer(ServeArguments options, LoadModel load)
      : options_(std::move(options)),
        load_(std::move(load)),
        archive_(open(options_)),
        hub_(hub_options(), *archive_) {}

  void run() {
    Server server(options_.net, [this](const LogEntry& entry) { log(entry); });
    server_ = &server;
    auto& listener = server.listen(options_.where);
    auto* const metrics =
        options_.has_metrics ? &server.listen({.port = options_.metrics_port}) : nullptr;
    server.wait_for([this] { return hub_.running_turns() > 0; });
    listener.start(site(listener.port()));
    if (metrics != nullptr) metrics->start(metrics_site(metrics->port(), server));
    announce(listener.port(), metrics != nullptr ? metrics->port() : 0);

    std::exception_ptr failure;
    loader_ = std::make_unique<ModelLoader>(
        load_, options_.served, options_.follows,
        ModelLoader::Calls{.on_model = [this](auto model) { take(std::move(model)); },
                           .on_failure =
                               [&](const std::exception_ptr& error, bool is_first) {
                                 if (!is_first) return note_failure(error);
                                 failure = error;
                                 server.stop();
                               }});
    const Strand strand = net::make_strand(server.context());
    net::basic_signal_set<Strand> reload(strand, SIGHUP);
    await_reload(reload);
    Timer sweep(strand);
    await_sweep(sweep);
    server.at_drain([&] {
      hub_.drain(options_.net.drain);
      net::post(strand, [&] {
        reload.cancel();
        sweep.cancel();
      });
    });
    server.run();
    loader_.reset();  // from here on nothing calls but the archive
    hub_.end();
    archive_->close();
    if (failure) std::rethrow_exception(failure);
  }

 private:
  static std::unique_ptr<Archive> open(const ServeArguments& options) {
    ArchiveOptions archive;
    archive.holder = options.holder;
    if (options.keep_days > 0) archive.keep = std::chrono::days(options.keep_days);
    archive.log = [](const std::string& sentence) {
      log_.write({LogLevel::kWarning, "archive", sentence});
    };
    return open_archive(
        options.archive.empty() ? usual_archive(options.served.run) : options.archive, archive);
  }

  HubOptions hub_options() {
    return {
        .chat = options_.chat,
        .engine = options_.engine,
        .frames = {},
        .personas = personas_of(options_.personas),
        .run_later =
            [this](std::function<void()> work) { net::post(server_->context(), std::move(work)); },
        .log = [this](const LogEntry& entry) { log(entry); }};
  }

  void log(const LogEntry& entry) const {
    if (!options_.quiet) log_.write(entry);
  }

  std::shared_ptr<Site> site(std::uint16_t port) {
    auto site = std::make_shared<Site>();
    auto router = std::make_shared<Router>();
    if (!options_.tokens.empty()) site->tokens = std::make_shared<Tokens>(options_.tokens);
    add_health_routes(*router, hub_, options_.chat.watchdog);
    add_chat_routes(*router, hub_, site->tokens);
    add_completion_routes(*router, hub_);
    add_token_routes(*router, hub_);
    add_run_routes(*router, hub_, models::RunName::parse(options_.served.run).run);
    add_page_routes(*router);
    site->router = std::move(router);
    if (is_tls()) site->tls = tls_context(options_.certificate, options_.key);
    site->origin = own_rules(options_.where.address, port, is_tls(), options_.hosts);
    site->origin.origins.insert(site->origin.origins.end(), options_.origins.begin(),
                                options_.origins.end());
    site->origin.checks_host = options_.where.unix_path.empty();
    site->origin.takes_missing_origin =
        site->tokens == nullptr &&
        (is_loopback(options_.where.address) || !options_.where.unix_path.empty());
    site->proxies = options_.proxies;
    return site;
  }

  std::shared_ptr<Site> metrics_site(std::uint16_t port, Server& server) {
    auto site = std::make_shared<Site>();
    auto router = std::make_shared<Router>();
    if (!options_.tokens.empty()) site->tokens = std::make_shared<Tokens>(options_.tokens);
    add_metrics_routes(*router, hub_, server.service());
    add_admin_routes(*router, site->tokens != nullptr,
                     {.reload =
                          [this] {
                            if (loader_) loader_->reload();
                          },
                      .drain = [&] { server.stop(); }});
    site->router = std::move(router);
    site->origin = own_rules("127.0.0.1", port, /*is_tls=*/false, {});
    return site;
  }

  [[nodiscard]] bool is_tls() const { return !options_.certificate.empty(); }

  void announce(std::uint16_t port, std::uint16_t metrics_port) const {
    if (!options_.where.unix_path.empty()) {
      std::cout << "unix:" << options_.where.unix_path.string() << "\n";
    } else {
      const bool is_v6 = options_.where.address.find(':') != std::string::npos;
      std::cout << (is_tls() ? "https://" : "http://") << (is_v6 ? "[" : "")
                << options_.where.address << (is_v6 ? "]" : "") << ":" << port << "\n";
    }
    if (metrics_port != 0)
      std::cout << "metrics at http://127.0.0.1:" << metrics_port << "/metrics\n";
    std::cout.flush();
  }

  void take(std::shared_ptr<const ServedModel> model) {
    const auto name = model->name.id + " " + model->name.revision + " (" + model->name.type + ")";
    log({LogLevel::kInfo, "model", name});
    hub_.set_model(std::move(model));
  }

  void note_failure(const std::exception_ptr& error) {
    hub_.note_failed_load();
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& failure) {
      log({LogLevel::kError, "model_failed", failure.what()});
    }
  }

  void await_reload(net::basic_signal_set<Strand>& signal) {
    signal.async_wait([this, &signal](IoError error, int) {
      if (error || hub_.is_draining()) return;
      loader_->reload();
      await_reload(signal);
    });
  }

  void await_sweep(Timer& timer) {
    timer.expires_after(std::chrono::seconds(10));
    timer.async_wait([this, &timer](IoError error) {
      if (error || hub_.is_draining()) return;
      hub_.sweep(Clock::now());
      await_sweep(timer);
    });
  }

  static LogLines log_;

  const ServeArguments options_;
  const LoadModel load_;
  std::unique_ptr<Archive> archive_;
  Hub hub_;
  Server* server_ = nullptr;
  std::unique_ptr<ModelLoader> loader_;
};

LogLines ChatServer::log_;

void run_echo(const ServeArguments& options) {
  Server server(options.net, [&](const LogEntry& entry) {
    if (options.quiet) return;
    std::cerr << "banter: " << entry.event << ": " << base::printable(entry.detail) << "\n";
  });
  auto& listener = server.listen(options.where);
  auto site = std::make_shared<Site>();
  site->router = echo_router();
  site->origin = own_rules(options.where.address, listener.port(), /*is_tls=*/false, {});
  listener.start(std::move(site));
  std::cout << "http://" << options.where.address << ":" << listener.port() << "\n" << std::flush;
  server.run();
}

}  // namespace

int serve(const std::vector<std::string>& arguments, const LoadModel& load) {
  configs::CommandLine line(
      "banter serve",
      "Serves a run until SIGTERM: a page to chat on, chat.v1 over WebSocket, HTTP of OpenAI's\n"
      "shape. SIGHUP loads RUN's checkpoint again.",
      "banter serve runs/chat\n"
      "banter serve runs/chat --port 9000 --persona ann.txt --nli runs/nli\n"
      "banter serve runs/chat --follow --metrics-port 9001\n"
      "banter serve runs/chat --address 0.0.0.0 --tokens tokens.txt --tls-certificate chain.pem "
      "--tls-key key.pem\n"
      "banter serve --echo --port 9001");
  ServeArguments options;
  // What suites for conformance send is more than what a chat needs.
  const bool is_echo = std::ranges::find(arguments, "--echo") != arguments.end();
  if (is_echo) options.net = echo_settings();
  add_options(line, options);
  if (!line.parse(arguments)) return 0;
  base::give_back_memory_free_for(kFreeMemoryStays);
  options.quiet = line.common.quiet;
  options.has_metrics = line.app.count("--metrics-port") > 0;
  options.served.max_rows = options.engine.max_rows;
  options.served.cache_bytes = options.cache_mb << 20;
  if (options.is_echo) {
    if (!is_loopback(options.where.address))
      throw base::UsageError("banter serve --echo listens on loopback only");
    run_echo(options);
    return 0;
  }
  if (options.served.run.empty())
    throw base::UsageError("banter serve needs a RUN (or --echo); see `banter serve --help`");
  check_exposure({.address = options.where.unix_path.empty() ? options.where.address : "",
                  .has_tokens = !options.tokens.empty(),
                  .has_tls = !options.certificate.empty(),
                  .behind_proxy = options.behind_proxy,
                  .insecure = options.insecure});
  ChatServer(std::move(options), load).run();
  return 0;
}

}  // namespace banter::serve
