#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

/// What every sub-command's command line has in common.
namespace banter::configs {

/// `--quiet` and, where a program may read the answer, `--json`; filled by `CommandLine::parse`.
struct CommonOptions {
  std::vector<std::string> overrides;  ///< each `--set key.path=value`
  bool dump_config = false;            ///< print the effective YAML and end
  bool quiet = false;                  ///< no progress on standard error
  bool json = false;                   ///< the answer as JSON on standard output
};

/// A CLI11 app with our help format, the common flags, and errors turned into UsageError.
///
///     CommandLine line("banter inspect", "What is in this corpus or store.", "banter inspect F");
///     line.app.add_option("path", paths, "files or folders")->required();
///     line.with_json();
///     if (!line.parse(arguments)) return 0;   // --help was printed
class CommandLine {
 public:
  /// `examples`: one command a line, shown under "Examples:".
  CommandLine(std::string_view name, std::string_view summary, std::string_view examples);

  void with_config();  ///< adds --set and --dump-config
  void with_json();    ///< adds --json

  /// False when help was asked for and printed to standard output.
  /// Throws   UsageError: one sentence, with "see `<name> --help`"
  [[nodiscard]] bool parse(const std::vector<std::string>& arguments);

  CLI::App app;
  CommonOptions common;

 private:
  std::string name_;
};

}  // namespace banter::configs
