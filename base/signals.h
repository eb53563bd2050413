#pragma once

namespace banter::base {

/// From here on SIGINT and SIGTERM only set a flag; a second one of them, a quarter of a second
/// after the first or later, ends the process at once with 128 + signal. SIGPIPE is ignored (a
/// closed pipe becomes a write error). Call once in main.
void install_stop_signals();

/// The signal that asked to stop, or 0. Any thread.
int stop_signal();

/// Throws   Stopped when a signal has come. For loops that have nothing to save.
void throw_if_stopped();

/// For tests: forgets a signal that came.
void clear_stop_signal();

}  // namespace banter::base
