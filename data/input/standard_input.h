#pragma once

#include <filesystem>

namespace banter::data {

/// Copies standard input into a file. Throws   FileError, Stopped
void copy_standard_input(const std::filesystem::path& to);

}  // namespace banter::data
