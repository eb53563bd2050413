#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include "base/allocator.h"
#include "base/json.h"
#include "configs/command_line.h"
#include "models/commands.h"
#include "models/device.h"
#include "models/kernels/kernels.h"
#include "models/precision.h"

namespace banter::models {

namespace {

/// What of /proc/cpuinfo decides how fast a model runs here, in the order of the list.
base::json::array cpu_flags() {
  std::ifstream file("/proc/cpuinfo");
  std::set<std::string> present;
  for (std::string line; present.empty() && std::getline(file, line);) {
    if (!line.starts_with("flags")) continue;
    std::istringstream words(line);
    for (std::string word; words >> word;) present.insert(word);
  }
  constexpr std::array kFlags = {"avx2",        "fma",         "avx512f",  "avx512vl", "avx512bw",
                                 "avx512_vnni", "avx512_bf16", "amx_tile", "amx_int8", "amx_bf16"};
  base::json::array flags;
  for (const char* flag : kFlags) {
    if (present.contains(flag)) flags.emplace_back(flag);
  }
  return flags;
}

/// The CPU's own name, "" when the system does not tell.
std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "";
}

#ifdef BANTER_NCCL  // cmake/Nccl.cmake: a part of libbanter_cuda.so
constexpr bool kHasNccl = true;
#else
constexpr bool kHasNccl = false;
#endif

bool stands_beside(const char* module) {
  return std::filesystem::exists(std::filesystem::read_symlink("/proc/self/exe").parent_path() /
                                 module);
}

base::json::object gather(const std::string& device, int threads) {
  set_threads(threads);
  base::json::object info;
  info["version"] = BANTER_VERSION;
  info["libtorch"] = TORCH_VERSION;
  const auto opened = open_device(device);
  info["device"] = opened.str();
  info["threads"] = at::get_num_threads();
  info["cores"] = std::thread::hardware_concurrency();
  info["cpu"] = cpu_name();
  info["cpu_capability"] = at::get_cpu_capability();
  info["cpu_flags"] = cpu_flags();
  const auto bf16 = bf16_problem(opened);
  info["bf16"] = bf16.empty() ? "usable" : "not usable: " + bf16;
  info["kernels"] = kernels<float>().name;
  info["allocator"] = base::allocator_name();
  info["parallel"] = at::get_parallel_info();
  info["cuda"] = cuda_status();
  info["mpi"] = stands_beside("libbanter_mpi.so") ? "built" : "not built";
  info["nccl"] = kHasNccl && stands_beside("libbanter_cuda.so") ? "built" : "not built";
  return info;
}

void print(const base::json::object& info) {
  for (const auto& [key, value] : info) {
    std::string text;
    if (const auto* list = value.if_array()) {
      for (const auto& item : *list)
        text += (text.empty() ? "" : " ") + std::string(item.as_string());
    } else if (const auto* string = value.if_string()) {
      text = *string;
    } else {
      text = base::json::serialize(value);
    }
    while (text.ends_with('\n')) text.pop_back();
    for (auto at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) {
      text.insert(at + 1, 16, ' ');
    }
    std::cout << std::string(key) << std::string(16 - std::min<std::size_t>(15, key.size()), ' ')
              << text << '\n';
  }
}

}  // namespace

int run_info(const std::vector<std::string>& arguments) {
  configs::CommandLine line("banter info",
                            "Versions, device, threads, and what this CPU and build can do.",
                            "banter info\nbanter info --json\nbanter info --device cuda:0");
  line.with_json();
  std::string device = "auto";
  int threads = 0;
  line.app.add_option("--device", device, "cpu, cuda, cuda:N or auto");
  line.app
      .add_option("--threads", threads, "threads of computing, 0 = all cores or OMP_NUM_THREADS")
      ->check(CLI::NonNegativeNumber);
  if (!line.parse(arguments)) return 0;

  const auto info = gather(device, threads);
  if (line.common.json) {
    std::cout << base::pretty_json(info);
  } else {
    print(info);
  }
  return 0;
}

}  // namespace banter::models
