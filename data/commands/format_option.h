#pragma once

#include <string>
#include <string_view>

#include "configs/command_line.h"

/// `--format NAME`, for the commands that read corpora.
namespace banter::data {

void add_format_option(configs::CommandLine& line, std::string& format);

/// Throws   UsageError when there is no such format; lists them
void check_format_option(std::string_view command, const std::string& format);

}  // namespace banter::data
