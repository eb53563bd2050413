#pragma once

#include <stdexcept>
#include <string>

namespace banter::base {

/// What went wrong, as one sentence for a person: where, what, which rule, what to do.
///
/// The type says whose fault it is; `exit_code` is what the program ends with. Libraries throw
/// these and nothing else; only `main.cpp` and the serving edges catch them all.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  [[nodiscard]] virtual int exit_code() const { return 1; }
};

/// The command line is wrong (unknown flag, missing argument). Ends the program with 2.
class UsageError : public Error {
 public:
  using Error::Error;
  [[nodiscard]] int exit_code() const override { return 2; }
};

/// A file cannot be opened, read, written or locked (missing, a folder, no rights, disk full).
class FileError : public Error {
 public:
  using Error::Error;
};

/// A configuration is wrong: names file:line and the key. Ends the program with 2.
class ConfigError : public Error {
 public:
  using Error::Error;
  [[nodiscard]] int exit_code() const override { return 2; }
};

/// A corpus or a store is wrong: names file:line, or the store's folder.
class DataError : public Error {
 public:
  using Error::Error;
};

/// A checkpoint or a run folder cannot be used.
class CheckpointError : public Error {
 public:
  using Error::Error;
};

/// A tensor has another shape or dtype than the function says it takes: a caller's mistake.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// SIGINT or SIGTERM came and the work was saved; `exit_code` is 128 + the signal.
class Stopped : public Error {
 public:
  explicit Stopped(int signal)
      : Error("stopped by signal " + std::to_string(signal)), signal_(signal) {}
  [[nodiscard]] int exit_code() const override { return 128 + signal_; }

 private:
  int signal_;
};

}  // namespace banter::base
