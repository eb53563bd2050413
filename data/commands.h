#pragma once

#include <string>
#include <vector>

/// Sub-commands of the data part. Each takes the arguments behind its name, returns an exit code
/// and throws base::Error.
namespace banter::data {

int run_inspect(const std::vector<std::string>& arguments);
int run_prepare(const std::vector<std::string>& arguments);
int run_export_data(const std::vector<std::string>& arguments);

}  // namespace banter::data
