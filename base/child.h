#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace banter::base {

/// How a child process is started.
struct ChildOptions {
  std::vector<std::string> arguments;            ///< behind the program's name
  std::map<std::string, std::string> variables;  ///< laid over the environment
  std::filesystem::path out;                     ///< its standard output, written anew
  std::filesystem::path log;                     ///< its standard error, behind what is there
  int lock = -1;  ///< descriptor of a lock that it holds too, until it ends; -1 = none
};

/// This program once more, in a process of its own and in a group of its own, so that Ctrl-C
/// reaches it through its parent alone. When the parent dies it gets SIGTERM, on which every
/// command saves and ends. Told to stop, unless it was, and waited for when this goes.
class Child {
 public:
  /// Throws   FileError when its files cannot be opened or it cannot be started
  explicit Child(const ChildOptions& options);
  ~Child();
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;

  /// Becomes readable when the child ends: for poll.
  [[nodiscard]] int descriptor() const { return handle_; }
  void send(int signal);
  /// The exit code, 128 + N when signal N killed it; nothing while it runs.
  std::optional<int> ended();

 private:
  pid_t pid_ = -1;
  int handle_ = -1;       ///< pidfd
  bool is_told_ = false;  ///< to stop: a second time would end it at once
  std::optional<int> exit_code_;
};

}  // namespace banter::base
