#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "configs/command_line.h"

/// What the commands that read corpora have in common on their command lines.
namespace banter::data {

/// `--format NAME`.
void add_format_option(configs::CommandLine& line, std::string& format);

/// Throws   UsageError when there is no such format; lists them
void check_format_option(std::string_view command, const std::string& format);

/// Throws   UsageError when `-` is given twice: standard input ends once
void check_standard_input(std::string_view command, const std::vector<std::string>& paths);

}  // namespace banter::data
