#include "data/commands/format_option.h"

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

}  // namespace banter::data
