#include "train/ranks/ranks.h"

#include <cstdlib>
#include <exception>
#include <filesystem>

#include <dlfcn.h>

#include "base/errors.h"
#include "train/ranks/module.h"

namespace banter::train {
namespace {

class OneRank : public Ranks {
 public:
  [[nodiscard]] int rank() const override { return 0; }
  [[nodiscard]] int size() const override { return 1; }
  [[nodiscard]] int local_size() const override { return 1; }
  [[nodiscard]] int local_rank() const override { return 0; }
  [[nodiscard]] std::string machine() const override { return "this machine"; }
  void sum(std::span<std::int64_t> /*values*/) override {}
  void sum(std::span<double> /*values*/) override {}
  void sum(std::span<float> /*values*/) override {}
  void broadcast(std::span<std::byte> /*bytes*/) override {}
  std::vector<std::string> gather(const std::string& text) override { return {text}; }
  void wait() override {}
  [[noreturn]] void abort(int exit_code) override { std::_Exit(exit_code); }
};

std::string loader_sentence() {
  const char* sentence = ::dlerror();
  return sentence == nullptr ? "no reason given" : sentence;
}

}  // namespace

Ranks& alone() {
  static OneRank one;
  return one;
}

std::unique_ptr<Ranks> open_ranks() {
  const char* size = std::getenv("OMPI_COMM_WORLD_SIZE");
  if (size == nullptr || std::atoi(size) < 2) return std::make_unique<OneRank>();
  const auto module =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "libbanter_mpi.so";
  if (!std::filesystem::exists(module))
    throw base::Error("started by mpirun as one of " + std::string(size) + ", but " +
                      module.string() +
                      " is not there: install OpenMPI's headers (libopenmpi-dev), configure with "
                      "-DBANTER_MPI=ON and build; or start one process without mpirun");
  // Global: OpenMPI loads parts of its own that look for its names.
  void* handle = ::dlopen(module.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (handle == nullptr) throw base::Error(loader_sentence());
  const auto open =
      reinterpret_cast<decltype(&banter_open_mpi)>(::dlsym(handle, "banter_open_mpi"));
  if (open == nullptr) throw base::Error(loader_sentence());
  return std::unique_ptr<Ranks>(open());
}

}  // namespace banter::train
