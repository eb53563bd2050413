#include "tests/decoding/command_runs.h"

#include <array>
#include <cstdio>
#include <sstream>

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include "base/errors.h"

namespace banter::models {

const TinyRun& tiny_run() {
  static const TinyRun run;
  return run;
}

std::string run_path() { return tiny_run().path().string(); }
std::string file(const std::string& content) { return tiny_run().file(content).string(); }

const TinyRun& run_that_says_one() {
  static const TinyRun run("{type: hred, embed_dim: 8, hidden_dim: 12}", "{max_new_tokens: 6}",
                           "{max_context_turns: 4}", /*favourite=*/"1");
  return run;
}

const TinyRun& run_without_facts() {
  static const TinyRun run("{type: hred, embed_dim: 8, hidden_dim: 12}", "{}", "{persona: none}");
  return run;
}

const TinyRun& run_for_short_facts() {
  static const TinyRun run("{type: hred, embed_dim: 8, hidden_dim: 12}", "{}",
                           "{max_context_tokens: 3}");
  return run;
}

const std::string& too_long_line() {
  static const std::string line(17U << 20U, 'a');
  return line;
}

std::string output_of(Command command, Arguments arguments) {
  arguments.insert(arguments.end(), {"--device", "cpu", "--threads", "1", "--quiet"});
  testing::internal::CaptureStdout();
  try {
    EXPECT_EQ(command(arguments), 0);
  } catch (...) {
    (void)testing::internal::GetCapturedStdout();
    throw;
  }
  return testing::internal::GetCapturedStdout();
}

Failure failure_of(Command command, Arguments arguments) {
  arguments.insert(arguments.end(), {"--device", "cpu", "--threads", "1", "--quiet"});
  Failure failure;
  testing::internal::CaptureStdout();
  try {
    command(arguments);
  } catch (const base::Error& error) {
    failure.message = error.what();
  }
  failure.lines = lines_of(testing::internal::GetCapturedStdout());
  return failure;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<base::json::object> objects_of(const std::string& text) {
  std::vector<base::json::object> objects;
  for (const auto& line : lines_of(text)) objects.push_back(base::json::parse(line).as_object());
  return objects;
}

Pipes::Pipes() {
  std::array<int, 2> in{}, out{};
  EXPECT_EQ(::pipe(in.data()) + ::pipe(out.data()), 0);
  std::fflush(stdout);
  saved_in_ = ::dup(STDIN_FILENO);
  saved_out_ = ::dup(STDOUT_FILENO);
  ::dup2(in[0], STDIN_FILENO);
  ::dup2(out[1], STDOUT_FILENO);
  ::close(in[0]);
  ::close(out[1]);
  writer_ = in[1];
  reader_ = out[0];
}

Pipes::~Pipes() {
  end();
  ::dup2(saved_in_, STDIN_FILENO);
  ::dup2(saved_out_, STDOUT_FILENO);
  for (const int fd : {saved_in_, saved_out_, reader_}) ::close(fd);
}

void Pipes::write(const std::string& text) const {
  EXPECT_EQ(::write(writer_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

void Pipes::end() {
  if (writer_ >= 0) ::close(writer_);
  writer_ = -1;
}

std::string Pipes::read_line() const {
  constexpr int kLongMs = 60'000;
  std::string line;
  for (char c = 0;;) {
    pollfd waiting{.fd = reader_, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, kLongMs) != 1 || ::read(reader_, &c, 1) != 1) return "";
    if (c == '\n') return line;
    line += c;
  }
}

}  // namespace banter::models
