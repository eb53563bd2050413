#include "train/experiment/machine.h"

#include <fstream>
#include <thread>

namespace banter::train {

Machine this_machine() {
  Machine machine{.cpu = "", .cores = std::thread::hardware_concurrency()};
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; machine.cpu.empty() && std::getline(info, line);) {
    if (!line.starts_with("model name")) continue;
    const auto value = line.find_first_not_of(" \t", line.find(':') + 1);
    if (value != std::string::npos) machine.cpu = line.substr(value);
  }
  return machine;
}

}  // namespace banter::train
