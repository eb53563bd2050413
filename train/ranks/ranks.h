#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace banter::train {

/// The processes of a data-parallel training, which call the same of these functions in the same
/// order: each waits for the others. Torch-free and without a source file, so that the module that
/// implements it for MPI needs nothing of the program.
class Ranks {
 public:
  /// What the sums of gradients have cost this process so far.
  struct Cost {
    std::string by;                     ///< what adds up: "MPI", "NCCL"
    std::uint64_t sums = 0, bytes = 0;  ///< how often, how much went in
    double seconds = 0;                 ///< with copies from a GPU and back
    double waited = 0;                  ///< before that, seconds, for slower processes
  };

  virtual ~Ranks() = default;

  [[nodiscard]] virtual int rank() const = 0;             ///< of this process, from 0
  [[nodiscard]] virtual int size() const = 0;             ///< processes in all
  [[nodiscard]] virtual int local_size() const = 0;       ///< of them on this machine
  [[nodiscard]] virtual int local_rank() const = 0;       ///< of this one among those
  [[nodiscard]] virtual std::string machine() const = 0;  ///< its name

  /// Element by element over all processes.
  virtual void sum(std::span<std::int64_t> values) = 0;
  virtual void sum(std::span<double> values) = 0;
  /// The same, with the same bytes everywhere and each time: in an order that the number of
  /// processes says and nothing else.
  virtual void sum(std::span<float> values) = 0;
  /// What process 0 has goes everywhere.
  virtual void broadcast(std::span<std::byte> bytes) = 0;
  /// The texts of all at process 0, by rank; elsewhere nothing.
  virtual std::vector<std::string> gather(const std::string& text) = 0;
  /// Until all are here.
  virtual void wait() = 0;
  /// Ends all processes at once.
  [[noreturn]] virtual void abort(int exit_code) = 0;

  Cost cost;  ///< kept by who sums gradients, `GradientSum`
};

/// Those that this process was started among: by `mpirun -np N` as OpenMPI's, by libbanter_mpi.so;
/// else this one alone. Once a process, before any other work.
/// Throws   base::Error when it was started by mpirun and the module is not there or fails
std::unique_ptr<Ranks> open_ranks();

/// This process alone: sums are what they are.
Ranks& alone();

}  // namespace banter::train
