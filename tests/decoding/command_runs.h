#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "tests/decoding/tiny_run.h"

/// Commands of models, run in this process on a small model.
namespace banter::models {

constexpr double kCommandTolerance = 2e-4;  ///< float32 against float64, summed over a reply

using Arguments = std::vector<std::string>;
using Command = int (*)(const Arguments&);

/// The model that tests ask where it does not matter which, its run and a file beside it.
const TinyRun& tiny_run();
std::string run_path();
std::string file(const std::string& content);
/// One that says 1 before all else.
const TinyRun& run_that_says_one();
/// Models that can read nothing of a context without turns.
const TinyRun& run_without_facts();
const TinyRun& run_for_short_facts();

const std::string& too_long_line();  ///< more than a line may have

/// Runs a command on the CPU; what it wrote to standard output.
std::string output_of(Command command, Arguments arguments);

/// What a command wrote to standard output before it failed, and the sentence it failed with.
struct Failure {
  std::vector<std::string> lines;
  std::string message;
};
Failure failure_of(Command command, Arguments arguments);

std::vector<std::string> lines_of(const std::string& text);
std::vector<base::json::object> objects_of(const std::string& text);

/// Standard input and output that are pipes, for as long as this lives.
class Pipes {
 public:
  Pipes();
  ~Pipes();
  Pipes(const Pipes&) = delete;
  Pipes& operator=(const Pipes&) = delete;

  void write(const std::string& text) const;
  void end();
  /// The next line of output; "" when none comes in a long time.
  [[nodiscard]] std::string read_line() const;

 private:
  int saved_in_ = -1, saved_out_ = -1, writer_ = -1, reader_ = -1;
};

}  // namespace banter::models
