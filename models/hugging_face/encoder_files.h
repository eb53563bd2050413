#pragma once

#include <filesystem>
#include <string>

/// The files of a pretrained encoder, which is given as a Hugging Face folder or as a file of one.
namespace banter::models {

/// The folder of both.
std::filesystem::path folder_of_encoder(const std::filesystem::path& place);

/// Names what would be read there: another hash, other contents. Throws   FileError
std::string hash_of_encoder(const std::filesystem::path& place);

}  // namespace banter::models
