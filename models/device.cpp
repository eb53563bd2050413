#include "models/device.h"

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>

#include <ATen/Context.h>
#include <dlfcn.h>
#include <torch/cuda.h>
#include <torch/utils.h>

#include "base/allocator.h"
#include "base/errors.h"
#include "models/cuda/door.h"
#include "models/cuda/module.h"

namespace banter::models {

namespace {

std::string loader_sentence() {
  const char* sentence = dlerror();
  return sentence == nullptr ? "no reason given" : sentence;
}

void* cuda_module = nullptr;  // set once, by load_cuda

/// Why CUDA cannot be used, or "" when it can. Loading the module registers LibTorch's CUDA
/// backend, so this comes before any other CUDA call; it is done once a process.
std::string load_cuda() {
  const auto module =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "libbanter_cuda.so";
  if (!std::filesystem::exists(module)) {
    return module.string() +
           " is not there: configure with -DBANTER_CUDA=ON where nvcc is, and build";
  }
  void* handle = dlopen(module.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (handle == nullptr) {
    return loader_sentence() +
           " (running on a GPU needs the libraries of the whole `pip install torch`)";
  }
  const auto problem =
      reinterpret_cast<decltype(&banter_cuda_problem)>(dlsym(handle, "banter_cuda_problem"));
  if (problem == nullptr) return loader_sentence();
  cuda_module = handle;
  return problem();
}

const std::string& cuda_problem() {
  static const std::string problem = load_cuda();
  return problem;
}

/// A GPU, ready: its allocator can be asked, and the same work gives the same bytes. LibTorch's
/// faster sums over an index (the way back of index_select, of attention) add in whatever order
/// their threads come; and cuBLAS may choose otherwise unless its workspace is given.
torch::Device opened_gpu(torch::DeviceIndex index) {
  static const bool once = [] {
    constexpr auto kWorkspace = "CUBLAS_WORKSPACE_CONFIG";
    const char* given = std::getenv(kWorkspace);
    const std::string_view workspace = given == nullptr ? "" : given;
    if (workspace.empty()) {
      setenv(kWorkspace, ":4096:8", /*overwrite=*/1);
    } else if (workspace != ":4096:8" && workspace != ":16:8") {
      throw base::Error(std::string(kWorkspace) + " is \"" + std::string(workspace) +
                        "\", with which sums differ from run to run: unset it");
    }
    auto& context = at::globalContext();
    context.lazyInitDevice(torch::kCUDA);
    context.setDeterministicAlgorithms(true, /*warn_only=*/false);
    context.setDeterministicFillUninitializedMemory(false);  // none of it is read
    return true;
  }();
  static_cast<void>(once);
  return {torch::kCUDA, index};
}

}  // namespace

torch::Device open_device(std::string_view name) {
  if (name == "cpu") return torch::kCPU;
  if (name == "auto") {
    return cuda_problem().empty() ? opened_gpu(0) : torch::Device(torch::kCPU);
  }

  int index = 0;
  constexpr std::string_view kCuda = "cuda";
  bool known = name.starts_with(kCuda);
  if (known && name.size() > kCuda.size()) {
    const char* end = name.data() + name.size();
    const auto read = std::from_chars(name.data() + kCuda.size() + 1, end, index);
    known = name[kCuda.size()] == ':' && read.ec == std::errc() && read.ptr == end && index >= 0 &&
            index < 128;
  }
  if (!known) {
    throw base::ConfigError("device \"" + std::string(name) +
                            "\" is not known: use cpu, cuda, cuda:N or auto");
  }
  if (const auto& problem = cuda_problem(); !problem.empty()) {
    throw base::Error("device " + std::string(name) + " cannot be used: " + problem +
                      "; use --device cpu");
  }
  const auto count = torch::cuda::device_count();
  if (static_cast<std::size_t>(index) >= static_cast<std::size_t>(count)) {
    throw base::Error("device " + std::string(name) + " does not exist: this machine has " +
                      std::to_string(count) + ", counted from cuda:0");
  }
  return opened_gpu(static_cast<torch::DeviceIndex>(index));
}

void set_threads(int threads) {
  base::keep_free_memory();  // a step's temporaries are the next one's
  // LibTorch's own choice is the physical cores, which is half of a small machine.
  if (threads == 0 && std::getenv("OMP_NUM_THREADS") == nullptr)
    threads = static_cast<int>(std::thread::hardware_concurrency());
  if (threads > 0) torch::set_num_threads(threads);
  static const bool once = [] {
    torch::set_num_interop_threads(1);  // throws when called twice
    return true;
  }();
  static_cast<void>(once);
  at::globalContext().setFlushDenormal(true);
}

void free_thread_buffers() {
  // MKL's mkl_thread_free_buffers, under the name that LibTorch's own copy of MKL has; absent where
  // LibTorch is built without it.
  if (auto* const free =
          reinterpret_cast<void (*)()>(::dlsym(RTLD_DEFAULT, "mkl_serv_thread_free_buffers")))
    free();
}

void* cuda_symbol(const char* name) {
  return cuda_module == nullptr ? nullptr : dlsym(cuda_module, name);
}

std::string cuda_status() {
  const auto& problem = cuda_problem();
  return problem.empty() ? "usable" : "not usable: " + problem;
}

}  // namespace banter::models
