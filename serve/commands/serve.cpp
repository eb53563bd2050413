#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <variant>

#include "base/errors.h"
#include "base/utf8.h"
#include "configs/command_line.h"
#include "serve/commands.h"
#include "serve/net/echo.h"
#include "serve/net/server.h"
#include "serve/net/settings.h"

namespace banter::serve {
namespace {

/// Adds an option for each row of `kNetSettings`, with the present values as defaults.
void add_settings(CLI::App& app, NetSettings& settings) {
  for (const auto& row : kNetSettings) {
    const auto name = "--" + std::string(row.name);
    const std::string meaning(row.meaning);
    if (const auto* count = std::get_if<std::size_t NetSettings::*>(&row.field)) {
      auto& field = settings.**count;
      app.add_option(name, field, meaning)
          ->capture_default_str()
          ->check(CLI::PositiveNumber)
          ->group("Limits");
    } else {
      auto& field = settings.*std::get<milliseconds NetSettings::*>(row.field);
      app.add_option_function<std::int64_t>(
             name, [&field](std::int64_t value) { field = milliseconds(value); }, meaning)
          ->type_name("MS")
          ->default_str(std::to_string(field.count()))
          ->check(CLI::PositiveNumber)
          ->group("Limits");
    }
  }
}

}  // namespace

int run_serve(const std::vector<std::string>& arguments) {
  configs::CommandLine line("banter serve", "Serves over HTTP and WebSocket until SIGTERM.",
                            "banter serve --echo --port 9001");
  auto settings = echo_settings();
  bool is_echo = false;
  BindAddress where;
  line.app
      .add_flag("--echo", is_echo,
                "WebSocket echo at /echo, on loopback only: for conformance suites")
      ->required();
  line.app.add_option("--port", where.port, "port; 0 takes a free one")->capture_default_str();
  add_settings(line.app, settings);
  if (!line.parse(arguments)) return 0;

  const bool is_quiet = line.common.quiet;
  Server server(settings, [is_quiet](std::string_view event, std::string_view detail) {
    if (!is_quiet) std::cerr << "banter: " << event << ": " << base::printable(detail) << "\n";
  });
  auto& listener = server.listen(where);
  auto site = std::make_shared<Site>();
  site->router = echo_router();
  site->origin = own_rules(where.address, listener.port(), /*is_tls=*/false, {});
  listener.start(std::move(site));
  std::cout << "http://" << where.address << ":" << listener.port() << "\n" << std::flush;
  server.run();
  return 0;
}

}  // namespace banter::serve
