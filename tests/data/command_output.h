#pragma once

#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"
#include "data/commands.h"

namespace banter::tests {

/// What a command writes to standard output.
template <typename Command>
std::string output_of(const Command& command, const std::vector<std::string>& arguments,
                      int wanted_code = 0) {
  testing::internal::CaptureStdout();
  int code = -1;
  try {
    code = command(arguments);
  } catch (...) {
    testing::internal::GetCapturedStdout();
    throw;
  }
  EXPECT_EQ(code, wanted_code);
  return testing::internal::GetCapturedStdout();
}

/// What `inspect --json` says: an object for each path, then one for each overlap.
inline std::vector<base::json::object> inspect_all(std::vector<std::string> arguments,
                                                   int wanted_code = 0) {
  arguments.insert(arguments.end(), {"--json", "--quiet"});
  std::istringstream lines(output_of(data::run_inspect, arguments, wanted_code));
  std::vector<base::json::object> all;
  for (std::string line; std::getline(lines, line);)
    all.push_back(base::parse_json(line, "inspect").as_object());
  return all;
}

inline base::json::object inspect_json(const std::string& path, int wanted_code = 0) {
  return inspect_all({path}, wanted_code).at(0);
}

}  // namespace banter::tests
