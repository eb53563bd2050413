#include "configs/command_line.h"

#include <iostream>
#include <sstream>

#include "base/errors.h"

namespace banter::configs {

CommandLine::CommandLine(std::string_view name, std::string_view summary, std::string_view examples)
    : app(std::string(summary), std::string(name)), name_(name) {
  std::string footer = "Examples:";
  std::istringstream lines{std::string(examples)};
  for (std::string line; std::getline(lines, line);) footer += "\n  " + line;
  app.footer(footer);
  app.get_formatter()->column_width(34);
  app.add_flag("--quiet", common.quiet, "no progress on standard error");
}

void CommandLine::with_config() {
  app.add_option("--set", common.overrides, "lay key.path=value over the configuration; repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_flag("--dump-config", common.dump_config, "print the effective configuration and end");
}

void CommandLine::with_json() {
  app.add_flag("--json", common.json, "the answer as JSON on standard output");
}

bool CommandLine::parse(const std::vector<std::string>& arguments) {
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // CLI11 wants it so
  } catch (const CLI::CallForHelp&) {
    std::cout << app.help();
    return false;
  } catch (const CLI::ParseError& error) {
    throw base::UsageError(name_ + ": " + error.what() + "; see `" + name_ + " --help`");
  }
  return true;
}

}  // namespace banter::configs
