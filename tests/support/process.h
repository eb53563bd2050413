#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace banter::tests {

/// How a child process ended and what it wrote.
struct ProcessResult {
  int exit_code = 0;  ///< 128 + N when signal N killed it
  std::string out, err;
};

/// A child process that reads what it is given and whose output is kept. Killed when this goes.
class Process {
 public:
  /// `command` is the program (a path, or a name on PATH) and its arguments; `variables` are laid
  /// over the environment.
  explicit Process(std::vector<std::string> command,
                   const std::map<std::string, std::string>& variables = {}) {
    std::signal(SIGPIPE, SIG_IGN);  // a child that does not read its input is no error here
    std::array<std::array<int, 2>, 3> pipes{};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (int fd = 0; fd < 3; ++fd) {
      auto& ends = pipes.at(static_cast<std::size_t>(fd));
      if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
      if (fd > 0) std::swap(ends[0], ends[1]);  // now ends[0] is the child's end
      posix_spawn_file_actions_adddup2(&actions, ends[0], fd);
      fds_.at(static_cast<std::size_t>(fd)) = ends[1];
      ::fcntl(ends[1], F_SETFL, O_NONBLOCK);
    }
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);

    std::vector<std::string> environment;
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string text = *entry;
      if (!variables.contains(text.substr(0, text.find('=')))) environment.push_back(text);
    }
    for (const auto& [name, value] : variables) environment.push_back(name + "=" + value);
    auto argv = pointers(command);
    auto envp = pointers(environment);
    const int error =
        ::posix_spawnp(&pid_, argv[0], &actions, &attributes, argv.data(), envp.data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    for (const auto& ends : pipes) ::close(ends[0]);
    if (error != 0) {
      pid_ = -1;
      close_all();
      throw std::runtime_error("cannot start " + command.front());
    }
  }
  ~Process() {
    kill(SIGKILL);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    close_all();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Adds to what the child reads; it is handed over while waiting.
  void write(std::string_view text) { pending_ += text; }
  /// After what was written the child sees the end of its input.
  void end_input() { ends_input_ = true; }
  [[nodiscard]] pid_t id() const { return pid_; }
  void kill(int signal) const {
    if (pid_ > 0) ::kill(pid_, signal);
  }

  /// Waits until `text` stands in what the child wrote, to either stream; false when it ended
  /// without.
  bool wait_for(std::string_view text) {
    do {
      if (result_.out.find(text) != std::string::npos) return true;
      if (result_.err.find(text) != std::string::npos) return true;
    } while (pump());
    return false;
  }
  [[nodiscard]] const std::string& out() const { return result_.out; }
  [[nodiscard]] const std::string& err() const { return result_.err; }

  /// Ends the child's input and waits until it ends. Once.
  ProcessResult wait() {
    end_input();
    while (pump()) {
    }
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    result_.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return result_;
  }

 private:
  static std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> list;
    for (auto& text : texts) list.push_back(text.data());
    list.push_back(nullptr);
    return list;
  }

  void close_end(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
  void close_all() {
    for (auto& fd : fds_) close_end(fd);
  }

  /// Moves what can be moved now; false when both of the child's outputs are closed.
  bool pump() {
    if (ends_input_ && pending_.empty()) close_end(fds_[0]);
    if (fds_[1] < 0 && fds_[2] < 0) return false;
    std::array<pollfd, 3> polled{};
    for (std::size_t i = 0; i < 3; ++i) {
      const bool waits = i > 0 || !pending_.empty();
      polled.at(i) = {waits ? fds_.at(i) : -1, static_cast<short>(i > 0 ? POLLIN : POLLOUT), 0};
    }
    if (::poll(polled.data(), polled.size(), -1) < 0) return true;  // a signal; look again
    if (polled[0].revents != 0) {
      const auto count = ::write(fds_[0], pending_.data(), pending_.size());
      if (count > 0) pending_.erase(0, static_cast<std::size_t>(count));
      if (count < 0 && errno == EPIPE) {
        pending_.clear();
        close_end(fds_[0]);
      }
    }
    for (std::size_t i = 1; i < 3; ++i) {
      if (polled.at(i).revents == 0) continue;
      std::array<char, 65536> buffer{};
      const auto count = ::read(fds_.at(i), buffer.data(), buffer.size());
      auto& text = i == 1 ? result_.out : result_.err;
      if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
      if (count == 0) close_end(fds_.at(i));
    }
    return true;
  }

  pid_t pid_ = -1;
  std::array<int, 3> fds_{-1, -1, -1};  ///< our ends of its input, output and error
  std::string pending_;
  bool ends_input_ = false;
  ProcessResult result_;
};

/// Runs a command to its end.
inline ProcessResult run(std::vector<std::string> command, std::string_view input = {},
                         const std::map<std::string, std::string>& variables = {}) {
  Process process(std::move(command), variables);
  process.write(input);
  return process.wait();
}

}  // namespace banter::tests
