#pragma once

#include <string>
#include <vector>

/// Sub-commands that use a trained model. Each takes the arguments behind its name, returns an
/// exit code and throws base::Error.
namespace banter::models {

int run_generate(const std::vector<std::string>& arguments);
int run_score(const std::vector<std::string>& arguments);
int run_chat(const std::vector<std::string>& arguments);
int run_import(const std::vector<std::string>& arguments);
int run_export(const std::vector<std::string>& arguments);
int run_info(const std::vector<std::string>& arguments);

}  // namespace banter::models
