#include "data/commands/corpus_options.h"

#include <algorithm>

#include "base/errors.h"
#include "data/formats/formats.h"

namespace banter::data {

void add_format_option(configs::CommandLine& line, std::string& format) {
  std::string help = "read corpora as this format:";
  for (const auto& known : formats()) help += " " + std::string(known.name);
  line.app.add_option("--format", format, help);
}

void check_format_option(std::string_view command, const std::string& format) {
  if (format == "auto") return;
  try {
    (void)format_named(format);
  } catch (const base::DataError& error) {
    throw base::UsageError(std::string(command) + ": --format: " + error.what());
  }
}

void check_standard_input(std::string_view command, const std::vector<std::string>& paths) {
  if (std::ranges::count(paths, "-") > 1)
    throw base::UsageError(std::string(command) +
                           ": - is given twice, and standard input can be read once");
}

}  // namespace banter::data
