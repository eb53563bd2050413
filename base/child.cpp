#include "base/child.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errors.h"

namespace banter::base {
namespace {

/// A file to be written by a child, closed when this goes.
class OutputFile {
 public:
  OutputFile(const std::filesystem::path& path, int flags)
      : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666)) {
    if (fd_ < 0) throw FileError(path.string() + ": cannot be opened: " + std::strerror(errno));
  }
  ~OutputFile() { ::close(fd_); }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  [[nodiscard]] int descriptor() const { return fd_; }

 private:
  int fd_;
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  for (auto& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& variables) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!variables.contains(text.substr(0, text.find('=')))) environment.push_back(text);
  }
  for (const auto& [name, value] : variables) environment.push_back(name + "=" + value);
  return environment;
}

/// SIGINT and SIGTERM wait until this goes: one that comes between fork and exec would only be
/// noted by the parent's handler, which exec forgets.
class BlockedStops {
 public:
  BlockedStops() {
    sigset_t stops;
    ::sigemptyset(&stops);
    for (const int signal : {SIGINT, SIGTERM}) ::sigaddset(&stops, signal);
    ::pthread_sigmask(SIG_BLOCK, &stops, &before_);
  }
  ~BlockedStops() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedStops(const BlockedStops&) = delete;
  BlockedStops& operator=(const BlockedStops&) = delete;

  [[nodiscard]] const sigset_t& before() const { return before_; }

 private:
  sigset_t before_{};
};

/// What happens between fork and exec: only calls that are safe there. `mask` is taken back when
/// signals end the process, as they do until the program has its own handlers.
[[noreturn]] void become(pid_t parent, const sigset_t& mask, int out, int log, int lock,
                         char* const* arguments, char* const* environment) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(128 + SIGTERM);  // it died before the line above
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM}) ::sigaction(signal, &usual, nullptr);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  const int input = ::open("/dev/null", O_RDONLY);
  const bool is_ready = input >= 0 && ::dup2(input, STDIN_FILENO) >= 0 &&
                        ::dup2(out, STDOUT_FILENO) >= 0 && ::dup2(log, STDERR_FILENO) >= 0 &&
                        (lock < 0 || ::fcntl(lock, F_SETFD, 0) >= 0);
  if (is_ready) ::execve("/proc/self/exe", arguments, environment);
  ::_exit(127);
}

void wait_for(pid_t child) {
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

Child::Child(const ChildOptions& options) {
  const OutputFile out(options.out, O_TRUNC), log(options.log, O_APPEND);
  std::vector<std::string> command = {"banter"};
  command.insert(command.end(), options.arguments.begin(), options.arguments.end());
  auto environment = environment_with(options.variables);
  const auto argv = pointers(command), envp = pointers(environment);
  const auto parent = ::getpid();
  const BlockedStops blocked;
  pid_ = ::fork();
  if (pid_ == 0)
    become(parent, blocked.before(), out.descriptor(), log.descriptor(), options.lock, argv.data(),
           envp.data());
  if (pid_ > 0) handle_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  if (pid_ > 0 && handle_ >= 0) return;
  const std::string why = std::strerror(errno);
  if (pid_ > 0) {  // no destructor will: there is no object
    ::kill(pid_, SIGKILL);
    wait_for(pid_);
  }
  throw FileError("a process cannot be started: " + why);
}

Child::~Child() {
  if (pid_ > 0 && !exit_code_) {
    if (!is_told_) send(SIGTERM);
    wait_for(pid_);
  }
  if (handle_ >= 0) ::close(handle_);
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      handle_(std::exchange(other.handle_, -1)),
      is_told_(other.is_told_),
      exit_code_(other.exit_code_) {}

void Child::send(int signal) {
  if (!exit_code_) ::kill(pid_, signal);
  is_told_ = true;
}

std::optional<int> Child::ended() {
  if (exit_code_) return exit_code_;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return exit_code_;
}

}  // namespace banter::base
